/** Ollama's official package against the running product, changed in nothing but its host and a key. */
import { Ollama } from 'ollama';
import { beforeAll, describe, expect, test } from 'vitest';
import type { ScriptedLedger } from '../../support/ledger-on-script.ts';
import { type EventRow, rowOfAttempt } from '../../support/row.ts';
import { LEDGER_KEY } from '../../support/running-ledger.ts';
import { jsonAnswer, streamAnswer } from '../../support/scripted-answers.ts';

const MODEL = 'llama3.3';
const BASE = { model: MODEL, created_at: '2026-01-01T00:00:00Z' };
/** The cached part is inside the prompt's count. */
const END = {
  ...BASE,
  done: true,
  done_reason: 'stop',
  prompt_eval_count: 26,
  prompt_eval_cached_count: 20,
  eval_count: 9,
  eval_duration: 7,
};
const CLASSES = { input_tokens: '26', output_tokens: '9', uncached_input_tokens: '6', cache_read_tokens: '20', reasoning_tokens: null };
const MESSAGES = [{ role: 'user', content: 'Name three rivers.' }];
const LINES = 'application/x-ndjson';

const line = (value: object): string => `${JSON.stringify(value)}\n`;
const piece = (content: string): string => line({ ...BASE, message: { role: 'assistant', content }, done: false });
const STREAM = [
  piece('Rhine, '),
  ...Array.from({ length: 20 }, () => piece('and so on, ')),
  piece('Elbe'),
  line({ ...END, message: { role: 'assistant', content: '' } }),
];

/** `running` stands in front of a provider that a test scripts. */
export function ollamaSuite(running: () => ScriptedLedger): void {
  describe("Ollama's package", () => {
    let client: Ollama;
    beforeAll(() => {
      client = new Ollama({ host: running().ledger.url, headers: { authorization: `Bearer ${LEDGER_KEY}` } });
    });

    const row = (): Promise<EventRow> => rowOfAttempt(running().ledger, running().upstream.seen.at(-1));

    test('a plain answer', async () => {
      running().upstream.answer = jsonAnswer({ ...END, message: { role: 'assistant', content: 'Rhine' } });
      const answer = await client.chat({ model: MODEL, messages: MESSAGES });
      expect(answer.message.content).toBe('Rhine');
      expect(await row()).toMatchObject({
        surface: 'ollama.chat',
        outcome: 'ok',
        streamed: false,
        requested_model: MODEL,
        served_model: MODEL,
        finish_reason: 'stop',
        ...CLASSES,
      });
    });

    test('a stream of one text a line', async () => {
      running().upstream.answer = streamAnswer(STREAM, { contentType: LINES });
      let text = '';
      for await (const part of await client.chat({ model: MODEL, messages: MESSAGES, stream: true })) text += part.message.content;
      expect(text).toMatch(/^Rhine, .*Elbe$/);
      expect(await row()).toMatchObject({ surface: 'ollama.chat', outcome: 'ok', streamed: true, finish_reason: 'stop', ...CLASSES });
    });

    test('tool calls', async () => {
      const call = { function: { name: 'river_length', arguments: { name: 'Rhine' } } };
      running().upstream.answer = jsonAnswer({ ...END, message: { role: 'assistant', content: '', tool_calls: [call] } });
      const tools = [{ type: 'function', function: { name: 'river_length', parameters: { type: 'object', properties: {} } } }];
      const answer = await client.chat({ model: MODEL, messages: MESSAGES, tools });
      expect(answer.message.tool_calls?.[0]?.function.arguments).toEqual({ name: 'Rhine' });
      expect(await row()).toMatchObject({ surface: 'ollama.chat', outcome: 'ok', ...CLASSES });
    });

    test('a completion of a prompt', async () => {
      running().upstream.answer = jsonAnswer({ ...END, response: 'Rhine', context: [1, 2, 3] });
      const answer = await client.generate({ model: MODEL, prompt: 'A river:' });
      expect(answer.response).toBe('Rhine');
      expect(await row()).toMatchObject({ surface: 'ollama.generate', outcome: 'ok', streamed: false, ...CLASSES });
    });

    test('a prompt that is not counted leaves usage unknown, not half of it', async () => {
      const { prompt_eval_count: _count, prompt_eval_cached_count: _cached, ...end } = END;
      running().upstream.answer = jsonAnswer({ ...end, response: 'Rhine' });
      await client.generate({ model: MODEL, prompt: 'A river:' });
      expect(await row()).toMatchObject({ outcome: 'ok', usage_reason: 'not_reported', input_tokens: null, output_tokens: null });
    });

    test('embeddings', async () => {
      running().upstream.answer = jsonAnswer({ model: 'nomic-embed-text', embeddings: [[0.25, 0.5]], prompt_eval_count: 4 });
      const answer = await client.embed({ model: 'nomic-embed-text', input: 'A river' });
      expect(answer.embeddings).toEqual([[0.25, 0.5]]);
      expect(await row()).toMatchObject({ surface: 'ollama.embed', outcome: 'ok', input_tokens: '4', output_tokens: '0' });
    });

    test("the provider's error is the SDK's error, and a row", async () => {
      running().upstream.answer = jsonAnswer({ error: 'model "llama9" not found, try pulling it first' }, 404);
      await expect(client.chat({ model: 'llama9', messages: MESSAGES })).rejects.toMatchObject({ status_code: 404 });
      expect(await row()).toMatchObject({ surface: 'ollama.chat', outcome: 'upstream_error', http_status: 404, input_tokens: null });
    });

    test('a stream that the client aborts is read to its end', async () => {
      const left = Promise.withResolvers<void>();
      running().upstream.answer = streamAnswer(STREAM, { contentType: LINES, delayMs: 5, pause: left.promise });
      const stream = await client.chat({ model: MODEL, messages: MESSAGES, stream: true });
      const read = async (): Promise<void> => {
        for await (const part of stream) if (part.message.content !== '') stream.abort();
      };
      await expect(read()).rejects.toThrow(/abort/i);
      left.resolve();
      expect(await row()).toMatchObject({ outcome: 'client_aborted', usage_source: 'reported', ...CLASSES });
    });
  });
}
