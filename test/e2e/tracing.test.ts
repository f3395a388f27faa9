/** The whole program with a receiver of traces: what it exports leads to the rows, and the rows lead to it. */
import { request } from 'undici';
import { expect, test } from 'vitest';
import { otlpReceiver } from '../support/otlp-receiver.ts';
import { CHAT_ANSWER, CHAT_REQUEST } from '../support/provider-answers.ts';
import { LEDGER_KEY, runLedger } from '../support/running-ledger.ts';
import { scriptedUpstream } from '../support/scripted-upstream.ts';
import { waitFor } from '../support/wait-for.ts';

/** As docs/opentelemetry.md has it. */
const SPANS_OF_ROWS = `
  SELECT
      trace_id,
      substring(replaceAll(request_id, '-', ''), 17) AS request_span,
      arrayMap(id -> substring(replaceAll(id, '-', ''), 17), \`attempts.attempt_id\`) AS attempt_spans
  FROM usage_events ORDER BY occurred_at, request_id`;

test('each row leads to its trace, its request to a span, and its attempts to theirs', async () => {
  await using receiver = await otlpReceiver();
  await using upstream = await scriptedUpstream((response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(CHAT_ANSWER);
  });
  await using ledger = await runLedger({
    upstreamUrl: upstream.url,
    config: `tracing:\n  endpoint: ${receiver.url}\n  headers: { x-token: env:E2E_KEY }\n  batch_delay_ms: 20\n`,
  });
  for (let index = 0; index < 3; index++) {
    const answer = await request(`${ledger.url}/v1/chat/completions`, {
      method: 'POST',
      body: CHAT_REQUEST,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${LEDGER_KEY}` },
    });
    expect([answer.statusCode, await answer.body.text()]).toEqual([200, CHAT_ANSWER]);
  }
  await ledger.rows(3, 30_000);
  await waitFor(() => receiver.spans.length >= 6, { timeoutMs: 10_000, describe: () => `6 spans; there are ${receiver.spans.length}` });
  expect(receiver.requests[0]?.headers['x-token']).toBe(LEDGER_KEY);
  const rows = await ledger.clickhouse.query<{ trace_id: string; request_span: string; attempt_spans: readonly string[] }>(SPANS_OF_ROWS);
  const expected = rows.flatMap((row) => [
    { traceId: row.trace_id, spanId: row.request_span, parentSpanId: '' },
    ...row.attempt_spans.map((spanId) => ({ traceId: row.trace_id, spanId, parentSpanId: row.request_span })),
  ]);
  expect(receiver.spans.map(({ traceId, spanId, parentSpanId }) => ({ traceId, spanId, parentSpanId }))).toEqual(expected);
});
