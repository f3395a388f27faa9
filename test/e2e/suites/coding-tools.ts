/** Requests as coding tools really send them, with long answers, through the running product: both arrive as they were, and each request is a row. */
import { request } from 'undici';
import { describe, expect, test } from 'vitest';
import {
  aiderEdit,
  aiderEditOnAnthropic,
  claudeCodeCount,
  claudeCodeCountOnVertex,
  claudeCodeOnVertex,
  claudeCodeTurn,
  codexCompaction,
  codexTurn,
  cursorAgent,
  cursorAsk,
  type ToolRequest,
} from '../../support/coding-tool-requests.ts';
import type { ScriptedLedger } from '../../support/ledger-on-script.ts';
import { countRows, type EventRow, rowOfAttempt } from '../../support/row.ts';
import { LEDGER_KEY } from '../../support/running-ledger.ts';
import { frame, jsonAnswer, streamAnswer } from '../../support/scripted-answers.ts';
import type { SeenRequest } from '../../support/scripted-upstream.ts';

/** So many pieces of text make an answer long: some hundred kilobytes. */
const DELTAS = 2000;
const deltas = (make: (text: string) => string): readonly string[] => Array.from({ length: DELTAS }, (_, index) => make(`word ${index}, `));
/** What a stream is asked for instead: its frames must be readable as they pass. */
const REPLACED_HEADERS = new Set(['accept-encoding']);

const CLAUDE = 'claude-opus-4-6';
const CLAUDE_USAGE = {
  input_tokens: 12,
  cache_creation_input_tokens: 3000,
  cache_read_input_tokens: 20_000,
  cache_creation: { ephemeral_5m_input_tokens: 1000, ephemeral_1h_input_tokens: 2000 },
  output_tokens: 4,
  service_tier: 'standard',
};
const CLAUDE_CLASSES = {
  served_model: CLAUDE,
  input_tokens: '23012',
  output_tokens: '3400',
  uncached_input_tokens: '12',
  cache_read_tokens: '20000',
  cache_write_5m_tokens: '1000',
  cache_write_1h_tokens: '2000',
};

function claudeFrames(): readonly string[] {
  const event = (data: { readonly type: string; readonly [name: string]: unknown }): string => frame(data, data.type);
  const delta = (index: number, part: object): string => event({ type: 'content_block_delta', index, delta: part });
  const message = { id: 'msg_1', type: 'message', role: 'assistant', model: CLAUDE, content: [], stop_reason: null, stop_sequence: null };
  const { service_tier: _, ...cumulative } = CLAUDE_USAGE;
  return [
    event({ type: 'message_start', message: { ...message, usage: CLAUDE_USAGE } }),
    event({ type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '', signature: '' } }),
    event({ type: 'ping' }),
    ...deltas((thinking) => delta(0, { type: 'thinking_delta', thinking })),
    delta(0, { type: 'signature_delta', signature: 'c2lnbmF0dXJl'.repeat(40) }),
    event({ type: 'content_block_stop', index: 0 }),
    event({ type: 'content_block_start', index: 1, content_block: { type: 'text', text: '' } }),
    delta(1, { type: 'text_delta', text: 'It states "usage":{"output_tokens":1} itself.' }),
    ...deltas((text) => delta(1, { type: 'text_delta', text })),
    event({ type: 'content_block_stop', index: 1 }),
    event({ type: 'content_block_start', index: 2, content_block: { type: 'tool_use', id: 'toolu_2', name: 'Tool1', input: {} } }),
    delta(2, { type: 'input_json_delta', partial_json: '' }),
    delta(2, { type: 'input_json_delta', partial_json: '{"file_path":"/srv/app/main.ts"}' }),
    event({ type: 'content_block_stop', index: 2 }),
    event({
      type: 'message_delta',
      delta: { stop_reason: 'tool_use', stop_sequence: null },
      usage: { ...cumulative, output_tokens: 3400 },
    }),
    event({ type: 'message_stop' }),
  ];
}

const CODEX_MODEL = 'gpt-5.3-codex';
const CODEX_USAGE = {
  input_tokens: 30_000,
  input_tokens_details: { cached_tokens: 28_000 },
  output_tokens: 900,
  output_tokens_details: { reasoning_tokens: 640 },
  total_tokens: 30_900,
};
const CODEX_CLASSES = {
  requested_model: CODEX_MODEL,
  input_tokens: '30000',
  output_tokens: '900',
  uncached_input_tokens: '2000',
  cache_read_tokens: '28000',
  reasoning_tokens: '640',
};

function codexFrames(end: { readonly type: string; readonly status: string; readonly more: object }): readonly string[] {
  const event = (type: string, fields: object): string => frame({ type, ...fields }, type);
  const response = { id: 'resp_1', object: 'response', created_at: 1_700_000_000, model: CODEX_MODEL, store: false, output: [] };
  const item = {
    id: 'ctc_1',
    type: 'custom_tool_call',
    name: 'apply_patch',
    call_id: 'call_2',
    input: '*** Begin Patch',
    status: 'completed',
  };
  return [
    event('response.created', { sequence_number: 0, response: { ...response, status: 'in_progress', usage: null } }),
    event('response.in_progress', { sequence_number: 1, response: { ...response, status: 'in_progress', usage: null } }),
    event('response.output_item.added', {
      output_index: 0,
      item: { id: 'rs_1', type: 'reasoning', summary: [], encrypted_content: 'Z0FB' },
    }),
    ...deltas((delta) => event('response.reasoning_summary_text.delta', { item_id: 'rs_1', output_index: 0, summary_index: 0, delta })),
    ...deltas((delta) => event('response.custom_tool_call_input.delta', { item_id: 'ctc_1', output_index: 1, delta })),
    event('response.output_item.done', { output_index: 1, item }),
    event(end.type, { response: { ...response, status: end.status, service_tier: 'default', ...end.more } }),
  ];
}

const CHAT_USAGE = {
  prompt_tokens: 9000,
  completion_tokens: 700,
  total_tokens: 9700,
  prompt_tokens_details: { cached_tokens: 8000 },
  completion_tokens_details: { reasoning_tokens: 200 },
};
const CHAT_CLASSES = {
  surface: 'openai.chat',
  outcome: 'ok',
  streamed: true,
  input_tokens: '9000',
  output_tokens: '700',
  cache_read_tokens: '8000',
  reasoning_tokens: '200',
};

/** With the chunk that states usage, where it was asked for. */
function chatFrames(model: string, withUsage: boolean): readonly string[] {
  const chunk = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1_700_000_000, model, service_tier: 'default' };
  const asked = withUsage ? { usage: null } : {};
  const choice = (delta: object, finish: string | null = null): string =>
    frame({ ...chunk, choices: [{ index: 0, delta, finish_reason: finish }], ...asked });
  return [
    choice({ role: 'assistant', content: '' }),
    ...deltas((content) => choice({ content })),
    choice({ tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'Tool1', arguments: '' } }] }),
    ...deltas((text) => choice({ tool_calls: [{ index: 0, function: { arguments: text } }] })),
    choice({}, 'tool_calls'),
    ...(withUsage ? [frame({ ...chunk, choices: [], usage: CHAT_USAGE })] : []),
    frame('[DONE]'),
  ];
}

/** `running` stands in front of a provider that a test scripts, with channels for OpenAI, Anthropic and Vertex AI. */
export function codingToolsSuite(running: () => ScriptedLedger): void {
  describe('coding tools', () => {
    const row = (): Promise<EventRow> => rowOfAttempt(running().ledger, running().upstream.seen.at(-1));

    async function send(
      asked: ToolRequest,
      key: Readonly<Record<string, string>>,
    ): Promise<{ readonly status: number; readonly body: string }> {
      const options = { method: 'POST', headers: { ...asked.headers, ...key }, body: asked.body } as const;
      const answer = await request(running().ledger.url + asked.path, options);
      return { status: answer.statusCode, body: await answer.body.text() };
    }

    const bearer = { authorization: `Bearer ${LEDGER_KEY}` };

    /** The provider got what the tool sent, and nothing of its key. */
    function expectPassedOn(asked: ToolRequest): SeenRequest {
      const seen = running().upstream.seen.at(-1);
      if (seen === undefined) throw new Error('the provider was not asked');
      expect(seen.url).toBe(asked.path);
      const passed = Object.entries(asked.headers).filter(([name]) => !REPLACED_HEADERS.has(name));
      expect(seen.headers).toMatchObject(Object.fromEntries(passed));
      expect(JSON.stringify(seen.headers)).not.toContain(LEDGER_KEY);
      return seen;
    }

    /** Answers with the frames; they come back as they are, and so did the request arrive. */
    async function stream(asked: ToolRequest, key: Readonly<Record<string, string>>, frames: readonly string[]): Promise<EventRow> {
      running().upstream.answer = streamAnswer(frames);
      const answer = await send(asked, key);
      expect(answer.status).toBe(200);
      expect(answer.body === frames.join('')).toBe(true);
      expect(expectPassedOn(asked).body.toString() === asked.body).toBe(true);
      return row();
    }

    /** Free: passed on, answered, and no row. */
    async function expectFree(asked: ToolRequest): Promise<void> {
      const before = await countRows(running().ledger);
      running().upstream.answer = jsonAnswer({ input_tokens: 23_012 });
      expect(await send(asked, bearer)).toEqual({ status: 200, body: '{"input_tokens":23012}' });
      expect(expectPassedOn(asked).body.toString() === asked.body).toBe(true);
      // A row of it would be there before that of a later request.
      await stream(claudeCodeTurn(CLAUDE), bearer, claudeFrames());
      expect(await countRows(running().ledger)).toBe(before + 1);
    }

    describe('Claude Code', () => {
      const facts = { outcome: 'ok', streamed: true, finish_reason: 'tool_use', ...CLAUDE_CLASSES };

      test('streams a turn, with its key as a bearer token', async () => {
        const found = await stream(claudeCodeTurn(CLAUDE), bearer, claudeFrames());
        expect(found).toMatchObject({ surface: 'anthropic.messages', requested_model: CLAUDE, ...facts });
      });

      test('streams a turn, with its key in a header of its own', async () => {
        expect(await stream(claudeCodeTurn(CLAUDE), { 'x-api-key': LEDGER_KEY }, claudeFrames())).toMatchObject(facts);
      });

      test('counts tokens, which is free', async () => {
        await expectFree(claudeCodeCount(CLAUDE));
      });

      test('is told to wait when the provider is overloaded', async () => {
        const overloaded = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' }, request_id: 'req_1' };
        running().upstream.answer = jsonAnswer(overloaded, 529);
        expect(await send(claudeCodeTurn(CLAUDE), bearer)).toEqual({ status: 529, body: JSON.stringify(overloaded) });
        expect(await row()).toMatchObject({
          outcome: 'upstream_error',
          http_status: 529,
          usage_reason: 'upstream_error',
          input_tokens: null,
        });
      });

      test('is told of an error in the middle of a stream, of which no usage is known in full', async () => {
        const error = frame({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }, 'error');
        const found = await stream(claudeCodeTurn(CLAUDE), bearer, [...claudeFrames().slice(0, 10), error]);
        expect(found).toMatchObject({ outcome: 'upstream_error', http_status: 200, usage_reason: 'upstream_error', output_tokens: null });
      });

      test('streams a turn by way of Vertex AI', async () => {
        const found = await stream(claudeCodeOnVertex(CLAUDE), bearer, claudeFrames());
        expect(found).toMatchObject({ surface: 'vertex.messages', provider: 'vertex', requested_model: CLAUDE, ...facts });
      });

      test('counts tokens by way of Vertex AI, which is free, too', async () => {
        await expectFree(claudeCodeCountOnVertex(CLAUDE));
      });
    });

    describe('Codex CLI', () => {
      test('streams a turn', async () => {
        const frames = codexFrames({ type: 'response.completed', status: 'completed', more: { usage: CODEX_USAGE } });
        const found = await stream(codexTurn(CODEX_MODEL), bearer, frames);
        expect(found).toMatchObject({
          surface: 'openai.responses',
          outcome: 'ok',
          streamed: true,
          service_tier: 'default',
          ...CODEX_CLASSES,
        });
      });

      test('is told of a turn that failed after it had begun', async () => {
        const error = { code: 'rate_limit_exceeded', message: 'Rate limit reached. Please try again in 11.054s.' };
        const frames = codexFrames({ type: 'response.failed', status: 'failed', more: { usage: null, error } });
        const found = await stream(codexTurn(CODEX_MODEL), bearer, frames);
        expect(found).toMatchObject({ outcome: 'upstream_error', http_status: 200, usage_reason: 'upstream_error', input_tokens: null });
      });

      test('compacts a conversation', async () => {
        const output = [{ id: 'cmp_1', type: 'compaction', encrypted_content: 'Z0FBQUFB'.repeat(200) }];
        const answered = { id: 'resp_2', object: 'response.compaction', created_at: 1_700_000_000, output, usage: CODEX_USAGE };
        running().upstream.answer = jsonAnswer(answered);
        const asked = codexCompaction(CODEX_MODEL);
        expect(await send(asked, bearer)).toEqual({ status: 200, body: JSON.stringify(answered) });
        expect(expectPassedOn(asked).body.toString() === asked.body).toBe(true);
        expect(await row()).toMatchObject({ surface: 'openai.responses', outcome: 'ok', streamed: false, ...CODEX_CLASSES });
      });
    });

    describe('Cursor', () => {
      test('asks, and asks for usage', async () => {
        const found = await stream(cursorAsk('gpt-4o'), bearer, chatFrames('gpt-4o-2024-08-06', true));
        expect(found).toMatchObject({ served_model: 'gpt-4o-2024-08-06', ...CHAT_CLASSES });
      });

      test('acts as an agent, by the body of a response; usage is asked for on its behalf', async () => {
        const asked = cursorAgent('gpt-5.2');
        running().upstream.answer = streamAnswer(chatFrames('gpt-5.2', true));
        const answer = await send(asked, bearer);
        const usageChunk = chatFrames('gpt-5.2', true).at(-2) ?? '';
        expect(answer.body.includes(usageChunk)).toBe(false);
        const { stream_options: asksFor, ...rest } = JSON.parse(expectPassedOn(asked).body.toString()) as Record<string, unknown>;
        expect(asksFor).toEqual({ include_usage: true });
        expect(rest).toEqual(JSON.parse(asked.body));
        expect(await row()).toMatchObject({ requested_model: 'gpt-5.2', ...CHAT_CLASSES });
      });
    });

    describe('aider', () => {
      test('edits with a model of OpenAI, and sees no usage, since it asked for none', async () => {
        const asked = aiderEdit('gpt-4.1');
        running().upstream.answer = streamAnswer(chatFrames('gpt-4.1-2025-04-14', true));
        const answer = await send(asked, bearer);
        expect(answer.body === chatFrames('gpt-4.1-2025-04-14', false).join('')).toBe(true);
        expect(JSON.parse(expectPassedOn(asked).body.toString())).toMatchObject({ stream_options: { include_usage: true } });
        expect(await row()).toMatchObject({ served_model: 'gpt-4.1-2025-04-14', ...CHAT_CLASSES });
      });

      test('edits with Claude, and marks what is to be cached', async () => {
        const found = await stream(aiderEditOnAnthropic(CLAUDE), { 'x-api-key': LEDGER_KEY }, claudeFrames());
        expect(found).toMatchObject({ surface: 'anthropic.messages', outcome: 'ok', ...CLAUDE_CLASSES });
      });
    });
  });
}
