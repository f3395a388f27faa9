/** What official packages hand in and fetch later, batches and background responses, through the running program: each result is one row, however often it is fetched. */
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { beforeEach, expect, test } from 'vitest';
import { channelLine, ledgerOnScript } from '../support/ledger-on-script.ts';
import { LEDGER_KEY, runLedger } from '../support/running-ledger.ts';
import { waitFor } from '../support/wait-for.ts';

const CREATED_S = 1_790_000_000;
const ROWS_TIMEOUT_MS = 30_000;

const running = ledgerOnScript(runLedger, (url) => [
  channelLine({ id: 'openai', provider: 'openai' }, url),
  channelLine({ id: 'anthropic', provider: 'anthropic' }, url),
]);

/** What the provider answers, by method and path. */
let answers: Record<string, unknown> = {};
beforeEach(() => {
  answers = {};
  running().upstream.answer = (response, { method, url }) => {
    const answer = answers[`${method} ${url}`];
    response.writeHead(answer === undefined ? 404 : 200, {
      'content-type': typeof answer === 'string' ? 'application/octet-stream' : 'application/json',
    });
    response.end(
      typeof answer === 'string' ? answer : JSON.stringify(answer ?? { error: { message: 'not found', type: 'not_found_error' } }),
    );
  };
});

const client = (): OpenAI => new OpenAI({ apiKey: LEDGER_KEY, baseURL: `${running().ledger.url}/v1`, maxRetries: 0 });

async function rowsOf(source: string, count: number): Promise<readonly Record<string, unknown>[]> {
  let rows: readonly Record<string, unknown>[] = [];
  await waitFor(
    async () =>
      (rows = await running().ledger.clickhouse.query(
        `SELECT sequence, kind, surface, served_model, service_tier, input_tokens, output_tokens, virtual_key_id, unpriced_reason
         FROM usage_events WHERE source = {source:String} ORDER BY sequence`,
        { params: { source } },
      )).length >= count,
    { timeoutMs: ROWS_TIMEOUT_MS, describe: () => `${count} rows of ${source}; there are ${rows.length}` },
  );
  return rows;
}

const openItems = async (id: string): Promise<number> =>
  (await running().ledger.clickhouse.query('SELECT result_id FROM open_items WHERE result_id = {id:String}', { params: { id } })).length;

test("OpenAI's package: a background response, polled until it is done", async () => {
  const response = { id: 'resp_e2e', object: 'response', created_at: CREATED_S, background: true, model: 'gpt-5-2025-08-07', output: [] };
  const usage = {
    input_tokens: 50,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: 8,
    output_tokens_details: { reasoning_tokens: 2 },
    total_tokens: 58,
  };
  answers['POST /v1/responses'] = { ...response, status: 'queued', usage: null };
  answers['GET /v1/responses/resp_e2e'] = { ...response, status: 'in_progress', usage: null };
  const handedIn = await client().responses.create({ model: 'gpt-5', input: 'hi', background: true });
  expect(handedIn.status).toBe('queued');
  await waitFor(() => openItems('resp_e2e'), { timeoutMs: ROWS_TIMEOUT_MS, describe: 'an open item' });
  expect((await client().responses.retrieve('resp_e2e')).status).toBe('in_progress');
  answers['GET /v1/responses/resp_e2e'] = { ...response, status: 'completed', usage };
  for (let poll = 1; poll <= 3; poll++) expect((await client().responses.retrieve('resp_e2e')).usage?.total_tokens).toBe(58);
  expect(await rowsOf('openai/openai/resp_e2e', 1)).toEqual([
    {
      sequence: '1',
      kind: 'import',
      surface: 'openai.responses',
      served_model: 'gpt-5-2025-08-07',
      service_tier: '',
      input_tokens: '50',
      output_tokens: '8',
      virtual_key_id: 'e2e',
      unpriced_reason: '',
    },
  ]);
  await waitFor(async () => (await openItems('resp_e2e')) === 0, { timeoutMs: ROWS_TIMEOUT_MS, describe: 'the open item to be closed' });
});

test("OpenAI's package: a batch, its results fetched twice", async () => {
  const batch = {
    id: 'batch_e2e',
    object: 'batch',
    endpoint: '/v1/chat/completions',
    completion_window: '24h',
    input_file_id: 'file-in',
    created_at: CREATED_S,
  };
  const line = (index: number): string =>
    JSON.stringify({
      id: `batch_req_${index}`,
      custom_id: `r-${index}`,
      response: {
        status_code: 200,
        request_id: `req_${index}`,
        body: {
          id: `chatcmpl-${index}`,
          object: 'chat.completion',
          created: CREATED_S,
          model: 'gpt-4o-mini-2024-07-18',
          choices: [],
          usage: { prompt_tokens: index, completion_tokens: 1, total_tokens: index + 1 },
        },
      },
      error: null,
    });
  answers['POST /v1/batches'] = { ...batch, status: 'validating' };
  answers['GET /v1/batches/batch_e2e'] = { ...batch, status: 'completed', output_file_id: 'file-out' };
  answers['GET /v1/files/file-out/content'] = `${line(1)}\n${line(2)}\n`;
  const { id } = await client().batches.create({ input_file_id: 'file-in', endpoint: '/v1/chat/completions', completion_window: '24h' });
  const { output_file_id: file } = await client().batches.retrieve(id);
  for (let read = 1; read <= 2; read++) expect(await (await client().files.content(file ?? '')).text()).toBe(`${line(1)}\n${line(2)}\n`);
  const row = {
    kind: 'import',
    surface: 'openai.chat',
    served_model: 'gpt-4o-mini-2024-07-18',
    service_tier: 'batch',
    virtual_key_id: 'e2e',
    unpriced_reason: '',
  };
  expect(await rowsOf('openai/openai/file-out', 2)).toEqual([
    { ...row, sequence: '1', input_tokens: '1', output_tokens: '1' },
    { ...row, sequence: '2', input_tokens: '2', output_tokens: '1' },
  ]);
  expect(await openItems('batch_e2e')).toBe(0);
});

test("Anthropic's package: a message batch and its results", async () => {
  const anthropic = new Anthropic({ apiKey: LEDGER_KEY, baseURL: running().ledger.url, maxRetries: 0 });
  const batch = { id: 'msgbatch_e2e', type: 'message_batch', created_at: '2026-09-21T10:00:00Z' };
  const message = {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude-sonnet-4-5-20250929',
    stop_reason: 'end_turn',
    content: [],
    usage: { input_tokens: 11, output_tokens: 36, service_tier: 'batch' },
  };
  answers['POST /v1/messages/batches'] = { ...batch, processing_status: 'in_progress', results_url: null };
  answers['GET /v1/messages/batches/msgbatch_e2e'] = {
    ...batch,
    processing_status: 'ended',
    // The provider names itself there; a client that goes by it has to be told the ingress in its place.
    results_url: `${running().ledger.url}/v1/messages/batches/msgbatch_e2e/results`,
  };
  answers['GET /v1/messages/batches/msgbatch_e2e/results'] = JSON.stringify({ custom_id: 'a', result: { type: 'succeeded', message } });
  const params = { model: 'claude-sonnet-4-5', max_tokens: 10, messages: [{ role: 'user' as const, content: 'hi' }] };
  await anthropic.messages.batches.create({ requests: [{ custom_id: 'a', params }] });
  const types: string[] = [];
  for await (const { result } of await anthropic.messages.batches.results('msgbatch_e2e')) types.push(result.type);
  expect(types).toEqual(['succeeded']);
  expect(await rowsOf('anthropic/anthropic/msgbatch_e2e', 1)).toEqual([
    {
      sequence: '1',
      kind: 'import',
      surface: 'anthropic.messages',
      served_model: 'claude-sonnet-4-5-20250929',
      service_tier: 'batch',
      input_tokens: '11',
      output_tokens: '36',
      virtual_key_id: 'e2e',
      unpriced_reason: '',
    },
  ]);
});
