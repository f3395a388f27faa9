/** Cohere's official package against the running product, changed in nothing but base URL and key. */
import { Cohere, CohereClientV2, CohereError } from 'cohere-ai';
import { beforeAll, describe, expect, test } from 'vitest';
import type { ScriptedLedger } from '../../support/ledger-on-script.ts';
import { type EventRow, rowOfAttempt } from '../../support/row.ts';
import { LEDGER_KEY } from '../../support/running-ledger.ts';
import { frame, jsonAnswer, streamAnswer } from '../../support/scripted-answers.ts';

const MODEL = 'command-a-03-2025';
/** Billed is billed: what the model read besides is not. */
const USAGE = { billed_units: { input_tokens: 5, output_tokens: 9 }, tokens: { input_tokens: 501, output_tokens: 12 } };
const TOTALS = { input_tokens: '5', output_tokens: '9', usage_reason: '' };
const MESSAGES = [{ role: 'user' as const, content: 'Name three rivers.' }];

function delta(text: string): string {
  return frame({ type: 'content-delta', index: 0, delta: { message: { content: { text } } } }, 'content-delta');
}

const FRAMES = [
  frame({ type: 'message-start', id: 'chat-1', delta: { message: { role: 'assistant', content: [] } } }, 'message-start'),
  frame({ type: 'content-start', index: 0, delta: { message: { content: { type: 'text', text: '' } } } }, 'content-start'),
  delta('Rhine, '),
  ...Array.from({ length: 20 }, () => delta('and so on, ')),
  delta('Elbe'),
  frame({ type: 'content-end', index: 0 }, 'content-end'),
  frame({ type: 'message-end', id: 'chat-1', delta: { finish_reason: 'COMPLETE', usage: USAGE } }, 'message-end'),
];

/** `running` stands in front of a provider that a test scripts. */
export function cohereSuite(running: () => ScriptedLedger): void {
  describe("Cohere's package", () => {
    let client: CohereClientV2;
    beforeAll(() => {
      client = new CohereClientV2({ token: LEDGER_KEY, baseUrl: running().ledger.url, maxRetries: 0 });
    });

    const row = (): Promise<EventRow> => rowOfAttempt(running().ledger, running().upstream.seen.at(-1));

    test('a plain answer, at what is billed', async () => {
      const message = { role: 'assistant', content: [{ type: 'text', text: 'Rhine' }] };
      running().upstream.answer = jsonAnswer({ id: 'chat-1', finish_reason: 'COMPLETE', message, usage: USAGE });
      const answer = await client.chat({ model: MODEL, messages: MESSAGES });
      expect(answer.message.content?.[0]).toMatchObject({ type: 'text', text: 'Rhine' });
      expect(await row()).toMatchObject({ surface: 'cohere.chat', outcome: 'ok', streamed: false, requested_model: MODEL, ...TOTALS });
    });

    test('a stream', async () => {
      running().upstream.answer = streamAnswer(FRAMES);
      let text = '';
      for await (const event of await client.chatStream({ model: MODEL, messages: MESSAGES })) {
        if (event.type === 'content-delta') text += event.delta?.message?.content?.text ?? '';
      }
      expect(text).toMatch(/^Rhine, .*Elbe$/);
      expect(await row()).toMatchObject({ surface: 'cohere.chat', outcome: 'ok', streamed: true, finish_reason: 'COMPLETE', ...TOTALS });
    });

    test('tool calls', async () => {
      const call = { id: 'call-1', type: 'function', function: { name: 'river_length', arguments: '{"name":"Rhine"}' } };
      const message = { role: 'assistant', tool_plan: 'I will look.', tool_calls: [call] };
      running().upstream.answer = jsonAnswer({ id: 'chat-2', finish_reason: 'TOOL_CALL', message, usage: USAGE });
      const parameters = { type: 'object', properties: { name: { type: 'string' } } };
      const tools = [{ type: 'function' as const, function: { name: 'river_length', parameters } }];
      const answer = await client.chat({ model: MODEL, messages: MESSAGES, tools });
      expect(answer.message.toolCalls?.[0]?.function?.name).toBe('river_length');
      expect(await row()).toMatchObject({ surface: 'cohere.chat', outcome: 'ok', finish_reason: 'TOOL_CALL', ...TOTALS });
    });

    test('embeddings', async () => {
      const meta = { api_version: { version: '2' }, billed_units: { input_tokens: 4 } };
      running().upstream.answer = jsonAnswer({
        id: 'embed-1',
        embeddings: { float: [[0.25, 0.5]] },
        texts: ['A river'],
        meta,
        response_type: 'embeddings_by_type',
      });
      const answer = await client.embed({
        model: 'embed-v4.0',
        texts: ['A river'],
        inputType: 'search_document',
        embeddingTypes: ['float'],
      });
      expect(answer.embeddings.float).toEqual([[0.25, 0.5]]);
      expect(await row()).toMatchObject({ surface: 'cohere.embed', outcome: 'ok', requested_model: 'embed-v4.0', input_tokens: '4' });
    });

    test('ranking, which is billed by searches and not by tokens', async () => {
      const meta = { api_version: { version: '2' }, billed_units: { search_units: 1 } };
      running().upstream.answer = jsonAnswer({ id: 'rerank-1', results: [{ index: 0, relevance_score: 0.9 }], meta });
      const answer = await client.rerank({ model: 'rerank-v3.5', query: 'rivers', documents: ['Rhine', 'Alps'] });
      expect(answer.results[0]?.index).toBe(0);
      expect(await row()).toMatchObject({ surface: 'cohere.rerank', outcome: 'ok', requested_model: 'rerank-v3.5', input_tokens: null });
    });

    test("the provider's error is the SDK's error, and a row", async () => {
      running().upstream.answer = jsonAnswer({ message: 'too many requests' }, 429);
      const error = await client.chat({ model: MODEL, messages: MESSAGES }).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).toBeInstanceOf(CohereError);
      expect(error).toMatchObject({ statusCode: 429 });
      expect(await row()).toMatchObject({ surface: 'cohere.chat', outcome: 'upstream_error', http_status: 429, input_tokens: null });
    });

    test('an unknown key is an authentication error', async () => {
      const stranger = new CohereClientV2({ token: 'tl-nobody-knows-this-key-at-all', baseUrl: running().ledger.url, maxRetries: 0 });
      await expect(stranger.chat({ model: MODEL, messages: MESSAGES })).rejects.toThrow(Cohere.UnauthorizedError);
    });

    test('a stream that the client aborts is read to its end and billed', async () => {
      const left = Promise.withResolvers<void>();
      running().upstream.answer = streamAnswer(FRAMES, { delayMs: 5, pause: left.promise });
      const stop = new AbortController();
      const stream = await client.chatStream({ model: MODEL, messages: MESSAGES }, { abortSignal: stop.signal });
      const read = async (): Promise<void> => {
        for await (const event of stream) if (event.type === 'content-delta') stop.abort();
      };
      await expect(read()).rejects.toThrow(/abort/i);
      left.resolve();
      expect(await row()).toMatchObject({ outcome: 'client_aborted', usage_source: 'reported', ...TOTALS });
    });
  });
}
