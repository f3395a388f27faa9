/** Every recorded exchange with OpenAI and Anthropic, replayed through the running product: the recorded answer byte for byte, and a row with the expected usage. */
import { gunzipSync, gzipSync } from 'node:zlib';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CHUNKINGS } from '../../conformance/support/chunkings.ts';
import { readRecordings, type Recording } from '../../conformance/support/recording.ts';
import { findRecordings } from '../../support/recordings.ts';
import { LEDGER_KEY, type LedgerUnderTest, type StartLedger } from '../../support/running-ledger.ts';
import { scriptedUpstream } from '../../support/scripted-upstream.ts';

const FILES = [
  { file: 'openai.chat.jsonl', host: 'api.openai.com' },
  { file: 'anthropic.messages.jsonl', host: 'api.anthropic.com' },
] as const;
const ROWS_TIMEOUT_MS = 60_000;
/** Which recording the upstream shall answer with; passed on like any header the ingress does not know. */
const RECORDING_HEADER = 'x-recording';
const CUT = CHUNKINGS.find((chunking) => chunking.name === 'at random');

interface Row {
  readonly event_id: string;
  readonly usage_reason: string;
  readonly served_model: string;
  readonly service_tier: string;
  readonly http_status: number;
  readonly input: string | null;
  readonly output: string | null;
  readonly cached: string | null;
  readonly cache_writes: string | null;
  readonly reasoning: string | null;
  readonly audio_in: string | null;
  readonly audio_out: string | null;
  readonly web_searches: string | null;
}

const ROWS = `
  SELECT event_id, usage_reason, served_model, service_tier, http_status, input_tokens AS input, output_tokens AS output,
    if(isNull(cache_read_tokens) AND isNull(cached_audio_tokens), NULL, ifNull(cache_read_tokens, 0) + ifNull(cached_audio_tokens, 0)) AS cached,
    if(isNull(cache_write_5m_tokens) AND isNull(cache_write_1h_tokens), NULL, ifNull(cache_write_5m_tokens, 0) + ifNull(cache_write_1h_tokens, 0)) AS cache_writes,
    reasoning_tokens AS reasoning, if(isNull(input_audio_tokens), NULL, input_audio_tokens + ifNull(cached_audio_tokens, 0)) AS audio_in, output_audio_tokens AS audio_out, web_search_requests AS web_searches
  FROM usage_events`;

const folder = findRecordings();
const recordings =
  folder === undefined
    ? []
    : FILES.flatMap(({ file, host }) => readRecordings(folder, file).filter((recording) => recording.host === host));

export function recordingsSuite(start: StartLedger): void {
  describe.skipIf(folder === undefined)('recorded exchanges through the running product', () => {
    const resources = new AsyncDisposableStack();
    let ledger: LedgerUnderTest;
    beforeAll(async () => {
      const byId = new Map(recordings.map((recording) => [recording.id, recording]));
      const replay = await scriptedUpstream((response, seen) => {
        const recording = byId.get(String(seen.headers[RECORDING_HEADER]));
        if (recording === undefined) throw new Error('no such recording');
        const encoded = wireBody(recording, String(seen.headers['accept-encoding']));
        const coding = encoded.coding === '' ? {} : { 'content-encoding': encoded.coding };
        response.writeHead(recording.status, { 'content-type': recording.contentType, ...coding });
        for (const chunk of CUT?.cut(encoded.body) ?? []) response.write(Buffer.from(chunk));
        response.end();
      });
      resources.use(replay);
      ledger = resources.use(await start({ upstreamUrl: replay.url }));
    });
    afterAll(() => resources.disposeAsync());

    test('come back byte for byte and leave one row each with the expected usage', async () => {
      const eventIds = new Map<string, Recording>();
      for (const recording of recordings) {
        const answer = await request(ledger.url + recording.path, {
          method: 'POST',
          body: recording.requestBody,
          headers: {
            ...recording.requestHeaders,
            'accept-encoding': 'gzip',
            authorization: `Bearer ${LEDGER_KEY}`,
            [RECORDING_HEADER]: recording.id,
          },
        });
        const bytes = Buffer.from(await answer.body.arrayBuffer());
        const gzipped = answer.headers['content-encoding'] === 'gzip';
        if (gzipped) expect(bytes.equals(wireBody(recording, 'gzip').body), `${recording.id}: the encoded bytes are untouched`).toBe(true);
        expect({ id: recording.id, status: answer.statusCode, body: (gzipped ? gunzipSync(bytes) : bytes).toString() }).toEqual({
          id: recording.id,
          status: recording.status,
          body: recording.responseBody,
        });
        eventIds.set(String(answer.headers['x-tokenledger-request-id']), recording);
      }
      await ledger.rows(recordings.length, ROWS_TIMEOUT_MS);
      const rows = await ledger.clickhouse.query<Row>(ROWS);
      expect(rows).toHaveLength(recordings.length);
      for (const row of rows) {
        const recording = eventIds.get(row.event_id);
        expect({ id: recording?.id, ...rowFacts(row) }).toEqual({
          id: recording?.id,
          ...(recording === undefined ? {} : expectedFacts(recording)),
        });
      }
    });
  });
}

/** A stream is asked for unencoded, which a provider honours. */
function wireBody(recording: Recording, accepted: string): { readonly body: Buffer; readonly coding: string } {
  const plain = Buffer.from(recording.responseBody);
  if (recording.contentEncoding !== 'gzip' || !accepted.includes('gzip')) return { body: plain, coding: '' };
  return { body: gzipSync(plain), coding: 'gzip' };
}

function rowFacts(row: Row) {
  const count = (value: string | null): number | null => (value === null ? null : Number(value));
  return {
    model: row.served_model,
    tier: row.service_tier,
    status: row.http_status,
    usageKnown: row.usage_reason === '',
    input: count(row.input),
    output: count(row.output),
    cached: count(row.cached),
    cacheWrites: count(row.cache_writes),
    reasoning: count(row.reasoning),
    audioIn: count(row.audio_in),
    audioOut: count(row.audio_out),
    webSearches: count(row.web_searches),
  };
}

function expectedFacts({ expected, status, kind }: Recording): ReturnType<typeof rowFacts> {
  return {
    model: expected.model ?? '',
    tier: expected.service_tier ?? '',
    status,
    usageKnown: expected.usage_present,
    input: expected.input_tokens ?? null,
    output: expected.output_tokens ?? null,
    cached: expected.cached_input_tokens ?? null,
    cacheWrites: expected.cache_write_tokens ?? null,
    reasoning: expected.reasoning_tokens ?? null,
    audioIn: expected.audio_in ?? null,
    audioOut: expected.audio_out ?? null,
    webSearches: expected.usage_present && kind === 'messages' ? (expected.web_search_requests ?? 0) : null,
  };
}
