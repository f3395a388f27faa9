/** OpenAI's official package as clients of Azure use it, against the running product below a channel of Azure: by deployment with `api-key`, and by model. */
import OpenAI, { AzureOpenAI } from 'openai';
import { beforeAll, describe, expect, test } from 'vitest';
import type { ScriptedLedger } from '../../support/ledger-on-script.ts';
import { type EventRow, rowOfAttempt } from '../../support/row.ts';
import { LEDGER_KEY } from '../../support/running-ledger.ts';
import { frame, jsonAnswer, streamAnswer } from '../../support/scripted-answers.ts';

const MODEL = 'gpt-4.1-mini-2025-04-14';
const USAGE = { prompt_tokens: 20, completion_tokens: 9, total_tokens: 29 };
const MESSAGES = [{ role: 'user' as const, content: 'Name three rivers.' }];
const BASE = { id: 'chatcmpl-1', created: 1_700_000_000, model: MODEL };
const ROW = { provider: 'azure', channel_id: 'azure', outcome: 'ok', requested_model: 'ours', served_model: MODEL, input_tokens: '20' };

/** `running` stands in front of a provider that a test scripts, as the channel `azure`. */
export function azureSuite(running: () => ScriptedLedger): void {
  describe("OpenAI's package for Azure", () => {
    let client: AzureOpenAI;
    beforeAll(() => {
      client = new AzureOpenAI({
        endpoint: `${running().ledger.url}/channels/azure`,
        apiKey: LEDGER_KEY,
        apiVersion: '2024-10-21',
        maxRetries: 0,
      });
    });

    const row = (): Promise<EventRow> => rowOfAttempt(running().ledger, running().upstream.seen.at(-1));

    test('a plain completion, by deployment', async () => {
      const choices = [{ index: 0, message: { role: 'assistant', content: 'Rhine' }, finish_reason: 'stop' }];
      running().upstream.answer = jsonAnswer({ ...BASE, object: 'chat.completion', choices, usage: USAGE });
      const answer = await client.chat.completions.create({ model: 'ours', messages: MESSAGES });
      expect(answer.choices[0]?.message.content).toBe('Rhine');
      const seen = running().upstream.seen.at(-1);
      expect(seen).toMatchObject({ method: 'POST', url: '/openai/deployments/ours/chat/completions?api-version=2024-10-21' });
      expect(seen?.headers['api-key']).toEqual(expect.any(String));
      expect(seen?.headers['api-key']).not.toBe(LEDGER_KEY);
      expect(seen?.headers.authorization).toBeUndefined();
      expect(await row()).toMatchObject({ surface: 'openai.chat', streamed: false, output_tokens: '9', ...ROW });
    });

    test('a stream that did not ask for its usage', async () => {
      const chunk = (choices: readonly object[], usage: object | null): string =>
        frame({ ...BASE, object: 'chat.completion.chunk', choices, usage });
      running().upstream.answer = streamAnswer([
        chunk([{ index: 0, delta: { role: 'assistant', content: 'Rhine' }, finish_reason: null }], null),
        chunk([{ index: 0, delta: {}, finish_reason: 'stop' }], null),
        chunk([], USAGE),
        frame('[DONE]'),
      ]);
      const chunks = await Array.fromAsync(await client.chat.completions.create({ model: 'ours', messages: MESSAGES, stream: true }));
      expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe('Rhine');
      expect(chunks.every((one) => !('usage' in one))).toBe(true);
      expect(await row()).toMatchObject({ surface: 'openai.chat', streamed: true, output_tokens: '9', ...ROW });
    });

    test('embeddings, whose request need not name a model beside its deployment', async () => {
      const usage = { prompt_tokens: 20, total_tokens: 20 };
      running().upstream.answer = jsonAnswer({ object: 'list', data: [], model: MODEL, usage });
      const answer = await fetch(`${running().ledger.url}/channels/azure/openai/deployments/ours/embeddings?api-version=2024-10-21`, {
        method: 'POST',
        headers: { 'api-key': LEDGER_KEY, 'content-type': 'application/json' },
        body: JSON.stringify({ input: ['A river'] }),
      });
      expect(await answer.json()).toMatchObject({ usage });
      expect(await row()).toMatchObject({ surface: 'openai.embeddings', output_tokens: '0', ...ROW });
    });

    test('a response, by model', async () => {
      const usage = {
        input_tokens: 20,
        input_tokens_details: { cached_tokens: 4 },
        output_tokens: 9,
        output_tokens_details: { reasoning_tokens: 3 },
        total_tokens: 29,
      };
      running().upstream.answer = jsonAnswer({ id: 'resp_1', object: 'response', status: 'completed', model: MODEL, output: [], usage });
      const byModel = new OpenAI({ baseURL: `${running().ledger.url}/channels/azure/openai/v1`, apiKey: LEDGER_KEY, maxRetries: 0 });
      const answer = await byModel.responses.create({ model: 'ours', input: 'Name three rivers.' });
      expect(answer.id).toBe('resp_1');
      expect(running().upstream.seen.at(-1)).toMatchObject({ method: 'POST', url: '/openai/v1/responses' });
      expect(await row()).toMatchObject({ surface: 'openai.responses', cache_read_tokens: '4', reasoning_tokens: '3', ...ROW });
    });
  });
}
