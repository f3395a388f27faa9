/** Mistral's official package against the running product, below the channel of that provider: OpenAI's API is spoken by several, and this one is meant. */
import { Mistral } from '@mistralai/mistralai';
import { MistralError } from '@mistralai/mistralai/models/errors';
import { beforeAll, describe, expect, test } from 'vitest';
import type { ScriptedLedger } from '../../support/ledger-on-script.ts';
import { type EventRow, rowOfAttempt } from '../../support/row.ts';
import { LEDGER_KEY } from '../../support/running-ledger.ts';
import { frame, jsonAnswer, streamAnswer } from '../../support/scripted-answers.ts';

const MODEL = 'mistral-small-latest';
const USAGE = { prompt_tokens: 20, completion_tokens: 9, total_tokens: 29 };
const TOTALS = { input_tokens: '20', output_tokens: '9', usage_reason: '' };
const MESSAGES = [{ role: 'user' as const, content: 'Name three rivers.' }];

function completion(message: object, finish: string) {
  const choices = [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: finish }];
  return { id: 'cmpl-1', object: 'chat.completion', created: 1_700_000_000, model: MODEL, choices, usage: USAGE };
}

function chunk(content: string, finish: string | null = null) {
  const choices = [{ index: 0, delta: { content }, finish_reason: finish }];
  // It states usage in the chunk that finishes, beside its choice.
  const usage = finish === null ? {} : { usage: USAGE };
  return frame({ id: 'cmpl-2', object: 'chat.completion.chunk', created: 1_700_000_000, model: MODEL, choices, ...usage });
}

const FRAMES = [chunk('Rhine, '), ...Array.from({ length: 20 }, () => chunk('and so on, ')), chunk('Elbe', 'stop'), frame('[DONE]')];

/** `running` stands in front of a provider that a test scripts, as the channel `mistral`. */
export function mistralSuite(running: () => ScriptedLedger): void {
  describe("Mistral's package", () => {
    let client: Mistral;
    beforeAll(() => {
      const serverURL = `${running().ledger.url}/channels/mistral`;
      client = new Mistral({ apiKey: LEDGER_KEY, serverURL, retryConfig: { strategy: 'none' } });
    });

    const row = (): Promise<EventRow> => rowOfAttempt(running().ledger, running().upstream.seen.at(-1));

    test('a plain completion', async () => {
      running().upstream.answer = jsonAnswer(completion({ content: 'Rhine' }, 'stop'));
      const answer = await client.chat.complete({ model: MODEL, messages: MESSAGES });
      expect(answer.choices?.[0]?.message?.content).toBe('Rhine');
      expect(running().upstream.seen.at(-1)).toMatchObject({ method: 'POST', url: '/v1/chat/completions' });
      expect(await row()).toMatchObject({
        surface: 'openai.chat',
        provider: 'mistral',
        channel_id: 'mistral',
        outcome: 'ok',
        streamed: false,
        served_model: MODEL,
        ...TOTALS,
      });
    });

    test('a stream', async () => {
      running().upstream.answer = streamAnswer(FRAMES);
      let text = '';
      for await (const event of await client.chat.stream({ model: MODEL, messages: MESSAGES })) {
        const { content } = event.data.choices[0]?.delta ?? {};
        text += typeof content === 'string' ? content : '';
      }
      expect(text).toMatch(/^Rhine, .*Elbe$/);
      expect(await row()).toMatchObject({ provider: 'mistral', outcome: 'ok', streamed: true, finish_reason: 'stop', ...TOTALS });
    });

    test('tool calls', async () => {
      const call = { id: 'call00001', function: { name: 'river_length', arguments: '{"name":"Rhine"}' } };
      running().upstream.answer = jsonAnswer(completion({ content: '', tool_calls: [call] }, 'tool_calls'));
      const parameters = { type: 'object', properties: { name: { type: 'string' } } };
      const tools = [{ type: 'function' as const, function: { name: 'river_length', parameters } }];
      const answer = await client.chat.complete({ model: MODEL, messages: MESSAGES, tools });
      expect(answer.choices?.[0]?.message?.toolCalls?.[0]?.function.name).toBe('river_length');
      expect(await row()).toMatchObject({ provider: 'mistral', outcome: 'ok', finish_reason: 'tool_calls', ...TOTALS });
    });

    test('embeddings', async () => {
      const data = [{ object: 'embedding', index: 0, embedding: [0.25, 0.5] }];
      const usage = { prompt_tokens: 5, total_tokens: 5, completion_tokens: 0 };
      running().upstream.answer = jsonAnswer({ id: 'emb-1', object: 'list', model: 'mistral-embed', data, usage });
      const answer = await client.embeddings.create({ model: 'mistral-embed', inputs: ['A river'] });
      expect(answer.data[0]?.embedding).toEqual([0.25, 0.5]);
      expect(await row()).toMatchObject({ surface: 'openai.embeddings', provider: 'mistral', outcome: 'ok', input_tokens: '5' });
    });

    test("the provider's error is the SDK's error, and a row", async () => {
      running().upstream.answer = jsonAnswer({ object: 'error', message: 'Rate limit exceeded', type: 'rate_limited', code: '1300' }, 429);
      const error = await client.chat.complete({ model: MODEL, messages: MESSAGES }).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).toBeInstanceOf(MistralError);
      expect(error).toMatchObject({ statusCode: 429 });
      expect(await row()).toMatchObject({ provider: 'mistral', outcome: 'upstream_error', http_status: 429, input_tokens: null });
    });

    test('an unknown key is an error that the SDK reads', async () => {
      const serverURL = `${running().ledger.url}/channels/mistral`;
      const stranger = new Mistral({ apiKey: 'tl-nobody-knows-this-key-at-all', serverURL, retryConfig: { strategy: 'none' } });
      await expect(stranger.chat.complete({ model: MODEL, messages: MESSAGES })).rejects.toMatchObject({ statusCode: 401 });
    });

    test('a stream that the client aborts is read to its end and billed', async () => {
      const left = Promise.withResolvers<void>();
      running().upstream.answer = streamAnswer(FRAMES, { delayMs: 5, pause: left.promise });
      const stop = new AbortController();
      const read = async (): Promise<void> => {
        for await (const event of await client.chat.stream({ model: MODEL, messages: MESSAGES }, { signal: stop.signal })) {
          if (event.data.choices.length > 0) stop.abort();
        }
      };
      await expect(read()).rejects.toThrow(/abort/i);
      left.resolve();
      expect(await row()).toMatchObject({ provider: 'mistral', outcome: 'client_aborted', usage_source: 'reported', ...TOTALS });
    });
  });
}
