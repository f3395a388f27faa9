import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { KEYS, type TwoIngresses, twoIngresses } from './two-ingresses.ts';

const STARTED_S = 1_790_000_000;
const USAGE = {
  input_tokens: 100,
  input_tokens_details: { cached_tokens: 40 },
  output_tokens: 20,
  output_tokens_details: { reasoning_tokens: 5 },
  total_tokens: 120,
};

let ledger: TwoIngresses;
beforeAll(async () => {
  ledger = await twoIngresses();
}, 120_000);
afterAll(() => ledger?.[Symbol.asyncDispose]());

/** What the upstream has, by method and path. */
let answers = new Map<string, { readonly type: string; readonly text: string }>();
let testNumber = 0;
let rowsBefore = 0;
/** Rows of the test at hand: those that are gone are sent again, so none can be removed between tests. */
let ours = '';
beforeEach(async () => {
  testNumber += 1;
  answers = new Map();
  rowsBefore = Number(await ledger.ledger.value('SELECT count() FROM usage_events'));
  ours = `recorded_at >= fromUnixTimestamp64Milli(${Date.now()})`;
  ledger.upstream.answer = (response, { method, url }) => {
    const answer = answers.get(`${method} ${url}`);
    if (answer === undefined)
      return void response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":{"type":"not_found"}}');
    response.writeHead(200, { 'content-type': answer.type });
    // In pieces, as a network brings them.
    for (let at = 0; at < answer.text.length; at += 1_000) response.write(answer.text.slice(at, at + 1_000));
    response.end();
  };
});

const answerJson = (call: string, value: unknown): void =>
  void answers.set(call, { type: 'application/json', text: JSON.stringify(value) });
const rows = (count: number): Promise<void> => ledger.rows(rowsBefore + count);
const rowsOf = (sql: string) => ledger.ledger.clickhouse.query<Record<string, unknown>>(sql);
const openItems = () => rowsOf('SELECT result_id, surface, virtual_key_id, requested_model FROM open_items ORDER BY result_id');

function response(id: string, status: string, more: object = {}) {
  return {
    id,
    object: 'response',
    created_at: STARTED_S,
    background: true,
    status,
    model: 'gpt-5-2025-08-07',
    output: [],
    usage: null,
    ...more,
  };
}

const line = (index: number) =>
  JSON.stringify({
    id: `batch_req_${index}`,
    custom_id: `request-${index}`,
    response: {
      status_code: 200,
      request_id: `req_${index}`,
      body: {
        id: `chatcmpl-${index}`,
        object: 'chat.completion',
        created: STARTED_S + index,
        model: 'gpt-4o-mini-2024-07-18',
        choices: [],
        usage: { prompt_tokens: 10 + index, completion_tokens: 5, total_tokens: 15 + index },
      },
    },
    error: null,
  });

describe('a background response', () => {
  test('is an open item until it is seen to be done, and one event however often and wherever it is polled', async () => {
    const id = `resp_${testNumber}`;
    answerJson('POST /v1/responses', response(id, 'queued'));
    const body = { model: 'gpt-5', background: true, input: 'hi' };
    expect((await ledger.ask(0, 'POST', '/v1/responses', { body })).status).toBe(200);
    await rows(1);
    expect(await openItems()).toEqual([
      { result_id: id, surface: 'openai.responses', virtual_key_id: 'submitter', requested_model: 'gpt-5' },
    ]);

    answerJson(`GET /v1/responses/${id}`, response(id, 'in_progress'));
    await (await ledger.ask(1, 'GET', `/v1/responses/${id}`)).json();
    answerJson(`GET /v1/responses/${id}`, response(id, 'completed', { usage: USAGE }));
    for (const ingress of [1, 0, 1, 0] as const) {
      expect(await (await ledger.ask(ingress, 'GET', `/v1/responses/${id}`, { key: KEYS.reader })).json()).toMatchObject({
        status: 'completed',
      });
    }
    await rows(2);
    expect(await openItems()).toEqual([]);
    expect(
      await rowsOf(`SELECT source, sequence, kind, surface, requested_model, served_model, virtual_key_id, input_tokens, output_tokens, reasoning_tokens,
          toUnixTimestamp(occurred_at) AS occurred, unpriced_reason, adjusts_event_id = (SELECT event_id FROM usage_events WHERE kind = 'usage' AND ${ours}) AS adjusts
        FROM usage_events WHERE kind = 'import' AND ${ours}`),
    ).toEqual([
      {
        source: `openai/openai-main/${id}`,
        sequence: '1',
        kind: 'import',
        surface: 'openai.responses',
        requested_model: 'gpt-5',
        served_model: 'gpt-5-2025-08-07',
        virtual_key_id: 'submitter',
        input_tokens: '100',
        output_tokens: '20',
        reasoning_tokens: '5',
        occurred: STARTED_S,
        unpriced_reason: '',
        adjusts: 1,
      },
    ]);
    expect(
      await rowsOf(`SELECT usage_reason, upstream_request_id, input_tokens FROM usage_events WHERE kind = 'usage' AND ${ours}`),
    ).toEqual([{ usage_reason: 'reported_later', upstream_request_id: id, input_tokens: null }]);
  });

  test('that streams to its end is counted by its id at once, and not again when it is fetched', async () => {
    const id = `resp_${testNumber}`;
    const done = response(id, 'completed', { usage: USAGE });
    const events = [
      { type: 'response.created', response: response(id, 'queued') },
      { type: 'response.completed', response: done },
    ];
    answers.set('POST /v1/responses', {
      type: 'text/event-stream',
      text: events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join(''),
    });
    answerJson(`GET /v1/responses/${id}`, done);
    const streamed = await ledger.ask(0, 'POST', '/v1/responses', {
      body: { model: 'gpt-5', background: true, stream: true, input: 'hi' },
    });
    expect(await streamed.text()).toContain('response.completed');
    await (await ledger.ask(1, 'GET', `/v1/responses/${id}`)).json();
    await rows(2);
    expect(await rowsOf(`SELECT kind, input_tokens FROM usage_events WHERE ${ours} ORDER BY kind`)).toEqual([
      { kind: 'import', input_tokens: '100' },
      { kind: 'usage', input_tokens: null },
    ]);
    expect(await openItems()).toEqual([]);
  });

  test('a stored response that was not made in the background counts where it was made', async () => {
    const stored = response(`resp_${testNumber}`, 'completed', { background: false, usage: USAGE });
    answerJson('POST /v1/responses', stored);
    answerJson(`GET /v1/responses/${stored.id}`, stored);
    await (await ledger.ask(0, 'POST', '/v1/responses', { body: { model: 'gpt-5', input: 'hi' } })).json();
    await (await ledger.ask(1, 'GET', `/v1/responses/${stored.id}`)).json();
    await rows(1);
    expect(await rowsOf(`SELECT kind, input_tokens FROM usage_events WHERE ${ours}`)).toEqual([{ kind: 'usage', input_tokens: '100' }]);
  });
});

describe('a batch of OpenAI', () => {
  const LINES = 300;

  test('ten concurrent reads through two ingresses leave one row per line, at the prices of batches, for whoever handed it in', async () => {
    const [batch, file] = [`batch_${testNumber}`, `file-${testNumber}`];
    const standing = {
      id: batch,
      object: 'batch',
      endpoint: '/v1/chat/completions',
      created_at: STARTED_S,
      output_file_id: null,
      error_file_id: null,
    };
    answerJson('POST /v1/batches', { ...standing, status: 'validating' });
    const handedIn = { input_file_id: 'file-in', endpoint: '/v1/chat/completions', completion_window: '24h' };
    expect(await (await ledger.ask(0, 'POST', '/v1/batches', { body: handedIn })).json()).toMatchObject({ id: batch });
    await rows(1);
    expect(await openItems()).toMatchObject([{ result_id: batch, surface: 'openai.batches', virtual_key_id: 'submitter' }]);

    answerJson(`GET /v1/batches/${batch}`, { ...standing, status: 'completed', output_file_id: file });
    const text = Array.from({ length: LINES }, (_, index) => `${line(index + 1)}\n`).join('');
    answers.set(`GET /v1/files/${file}/content`, { type: 'application/octet-stream', text });
    await (await ledger.ask(0, 'GET', `/v1/batches/${batch}`)).json();
    const reads = Array.from({ length: 10 }, async (_, index) => {
      const answer = await ledger.ask((index % 2) as 0 | 1, 'GET', `/v1/files/${file}/content`, { key: KEYS.reader });
      return await answer.text();
    });
    for (const read of await Promise.all(reads)) expect(read).toBe(text);
    await rows(1 + LINES);

    expect(
      await rowsOf(`SELECT count() AS lines, uniqExact(sequence) AS numbers, uniqExact(event_id) AS ids, min(sequence) AS first, max(sequence) AS last,
          sum(input_tokens) AS input, sum(output_tokens) AS output, groupUniqArray(source) AS sources, groupUniqArray(service_tier) AS tiers,
          groupUniqArray(virtual_key_id) AS keys, groupUniqArray(surface) AS surfaces, groupUniqArray(unpriced_reason) AS unpriced,
          groupUniqArray(upstream_request_id) AS batches, uniqExact(log_partition) AS partitions
        FROM usage_events WHERE kind = 'import' AND ${ours}`),
    ).toEqual([
      {
        lines: String(LINES),
        numbers: String(LINES),
        ids: String(LINES),
        first: '1',
        last: String(LINES),
        input: String(10 * LINES + (LINES * (LINES + 1)) / 2),
        output: String(5 * LINES),
        sources: [`openai/openai-main/${file}`],
        tiers: ['batch'],
        keys: ['submitter'],
        surfaces: ['openai.chat'],
        unpriced: [''],
        batches: [batch],
        partitions: '1',
      },
    ]);
    expect(await openItems()).toEqual([]);
    expect(await rowsOf(`SELECT last_sequence, missing, repeats FROM completeness WHERE source = 'openai/openai-main/${file}'`)).toEqual([
      { last_sequence: String(LINES), missing: '0', repeats: '0' },
    ]);
  });

  test('whose results break off stays open, and the next read adds the rest', async () => {
    const [batch, file] = [`batch_${testNumber}`, `file-${testNumber}`];
    const standing = { id: batch, object: 'batch', created_at: STARTED_S, output_file_id: file, error_file_id: null };
    answerJson('POST /v1/batches', { ...standing, status: 'validating', output_file_id: null });
    await (await ledger.ask(0, 'POST', '/v1/batches', { body: { input_file_id: 'file-in' } })).json();
    answerJson(`GET /v1/batches/${batch}`, { ...standing, status: 'completed' });
    await (await ledger.ask(0, 'GET', `/v1/batches/${batch}`)).json();
    const whole = ledger.upstream.answer;
    ledger.upstream.answer = (answer, request) => {
      if (!request.url.endsWith('/content')) return whole(answer, request);
      answer.writeHead(200, { 'content-type': 'application/octet-stream' });
      answer.write(`${line(1)}\n${line(2)}\n${line(3)}\n`, () => answer.destroy());
    };
    const broken = ledger.ask(1, 'GET', `/v1/files/${file}/content`).then((answer) => answer.text());
    await expect(broken).rejects.toThrow(/terminated|fetch failed/);
    await rows(3);
    expect(await openItems()).toHaveLength(1);

    ledger.upstream.answer = whole;
    answers.set(`GET /v1/files/${file}/content`, { type: 'text/plain', text: [1, 2, 3, 4].map(line).join('\n') });
    await (await ledger.ask(0, 'GET', `/v1/files/${file}/content`)).text();
    await rows(5);
    expect(await openItems()).toEqual([]);
  });

  test('that nobody is known to have handed in counts for whoever reads it', async () => {
    const file = `file-${testNumber}`;
    answers.set(`GET /v1/files/${file}/content`, { type: 'text/plain', text: `${line(1)}\n` });
    await (await ledger.ask(0, 'GET', `/v1/files/${file}/content`, { key: KEYS.reader })).text();
    await rows(1);
    expect(await rowsOf(`SELECT virtual_key_id, kind, adjusts_event_id FROM usage_events WHERE ${ours}`)).toEqual([
      { virtual_key_id: 'reader', kind: 'import', adjusts_event_id: null },
    ]);
  });

  test('a file of anything else passes without a row', async () => {
    answers.set('GET /v1/files/file-x/content', { type: 'text/plain', text: 'custom_id\n1\n' });
    expect(await (await ledger.ask(0, 'GET', '/v1/files/file-x/content')).text()).toBe('custom_id\n1\n');
    await rows(0);
  });
});

test('a message batch of Anthropic: a row per line, those that were never sent to the model too', async () => {
  const id = `msgbatch_${testNumber}`;
  answerJson('POST /v1/messages/batches', {
    id,
    type: 'message_batch',
    processing_status: 'in_progress',
    created_at: '2026-09-21T10:00:00Z',
  });
  const requests = [{ custom_id: 'a', params: { model: 'claude-sonnet-4-5', max_tokens: 10, messages: [] } }];
  await (await ledger.ask(0, 'POST', '/v1/messages/batches', { body: { requests } })).json();
  const message = {
    id: 'msg_1',
    type: 'message',
    model: 'claude-sonnet-4-5-20250929',
    stop_reason: 'end_turn',
    content: [],
    usage: { input_tokens: 11, output_tokens: 36, service_tier: 'batch' },
  };
  const text = [
    { custom_id: 'a', result: { type: 'succeeded', message } },
    { custom_id: 'b', result: { type: 'canceled' } },
  ]
    .map((result) => JSON.stringify(result))
    .join('\n');
  answers.set(`GET /v1/messages/batches/${id}/results`, { type: 'application/x-jsonl', text });
  await Promise.all(
    ([0, 1, 0, 1] as const).map(async (ingress) => {
      const read = await ledger.ask(ingress, 'GET', `/v1/messages/batches/${id}/results`, { key: KEYS.reader });
      expect(await read.text()).toBe(text);
    }),
  );
  await rows(3);
  expect(
    await rowsOf(`SELECT sequence, source, virtual_key_id, requested_model, input_tokens, usage_reason, unpriced_reason, service_tier
      FROM usage_events WHERE kind = 'import' AND ${ours} ORDER BY sequence`),
  ).toEqual([
    {
      sequence: '1',
      source: `anthropic/anthropic-main/${id}`,
      virtual_key_id: 'submitter',
      requested_model: 'claude-sonnet-4-5',
      input_tokens: '11',
      usage_reason: '',
      unpriced_reason: '',
      service_tier: 'batch',
    },
    {
      sequence: '2',
      source: `anthropic/anthropic-main/${id}`,
      virtual_key_id: 'submitter',
      requested_model: 'claude-sonnet-4-5',
      input_tokens: null,
      usage_reason: 'not_forwarded',
      unpriced_reason: 'not_forwarded',
      service_tier: 'batch',
    },
  ]);
  expect(await openItems()).toEqual([]);
});
