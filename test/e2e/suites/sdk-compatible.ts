/** OpenAI's official package against providers that are compatible with it, each by the path of its channel: what their answers mean differs. */
import OpenAI from 'openai';
import { describe, expect, test } from 'vitest';
import type { ScriptedLedger } from '../../support/ledger-on-script.ts';
import { rowOfAttempt } from '../../support/row.ts';
import { LEDGER_KEY } from '../../support/running-ledger.ts';
import { frame, jsonAnswer, streamAnswer } from '../../support/scripted-answers.ts';

const MESSAGES = [{ role: 'user' as const, content: 'Name three rivers.' }];
/** Whose channels the suite needs, each named as its provider. */
export const COMPATIBLE_PROVIDERS = ['xai', 'groq', 'perplexity', 'vercel'] as const;

const totals = (prompt: number, completion: number, total: number) => ({
  prompt_tokens: prompt,
  completion_tokens: completion,
  total_tokens: total,
});

function chunk(model: string, members: object, delta: object = { content: 'Rhine' }): string {
  const choices = [{ index: 0, delta, finish_reason: Object.keys(delta).length === 0 ? 'stop' : null }];
  return frame({ id: 'c-1', object: 'chat.completion.chunk', created: 1, model, choices, ...members });
}

/** `running` stands in front of a provider that a test scripts. */
export function compatibleSuite(running: () => ScriptedLedger): void {
  describe('providers that are compatible with OpenAI', () => {
    const client = (provider: (typeof COMPATIBLE_PROVIDERS)[number]): OpenAI =>
      new OpenAI({ apiKey: LEDGER_KEY, baseURL: `${running().ledger.url}/channels/${provider}/v1`, maxRetries: 0 });
    const row = () => rowOfAttempt(running().ledger, running().upstream.seen.at(-1));

    test.each([
      ['xai', 'grok-4', { ...totals(10, 40, 110), completion_tokens_details: { reasoning_tokens: 60 } }, '100'],
      ['vercel', 'google/gemini-3-pro', { ...totals(10, 40, 50), completion_tokens_details: { reasoning_tokens: 60 } }, '100'],
      ['vercel', 'openai/gpt-5', { ...totals(10, 100, 110), completion_tokens_details: { reasoning_tokens: 60 } }, '100'],
    ] as const)('%s counts reasoning of %s its own way', async (provider, model, usage, output) => {
      const choices = [{ index: 0, message: { role: 'assistant', content: 'Rhine' }, finish_reason: 'stop' }];
      running().upstream.answer = jsonAnswer({ id: 'c-1', object: 'chat.completion', created: 1, model, choices, usage });
      const answer = await client(provider).chat.completions.create({ model, messages: MESSAGES });
      expect(answer.choices[0]?.message.content).toBe('Rhine');
      expect(await row()).toMatchObject({
        surface: 'openai.chat',
        provider,
        channel_id: provider,
        outcome: 'ok',
        served_model: model,
        input_tokens: '10',
        output_tokens: output,
        reasoning_tokens: '60',
      });
    });

    test('a stream of Groq states usage unasked, and passes as it came', async () => {
      const model = 'llama-3.3-70b';
      const usage = { queue_time: 0.1, ...totals(18, 73, 91) };
      running().upstream.answer = streamAnswer([chunk(model, {}), chunk(model, { x_groq: { id: 'r', usage } }, {}), frame('[DONE]')]);
      const stated: unknown[] = [];
      for await (const part of await client('groq').chat.completions.create({ model, messages: MESSAGES, stream: true })) {
        if ('x_groq' in part) stated.push(part.x_groq);
      }
      expect(stated).toEqual([{ id: 'r', usage }]);
      expect(running().upstream.seen.at(-1)?.body.toString()).not.toContain('include_usage');
      expect(await row()).toMatchObject({ provider: 'groq', outcome: 'ok', streamed: true, input_tokens: '18', output_tokens: '73' });
    });

    test('a stream of Perplexity states usage again and again, and ends without a mark', async () => {
      const model = 'sonar';
      running().upstream.answer = streamAnswer([
        chunk(model, { usage: totals(5, 1, 6) }),
        chunk(model, { usage: totals(5, 2, 7) }),
        chunk(model, { usage: totals(5, 3, 8) }, {}),
      ]);
      const stated: unknown[] = [];
      for await (const part of await client('perplexity').chat.completions.create({ model, messages: MESSAGES, stream: true })) {
        stated.push(part.usage?.total_tokens);
      }
      expect(stated).toEqual([6, 7, 8]);
      expect(await row()).toMatchObject({ provider: 'perplexity', outcome: 'ok', input_tokens: '5', output_tokens: '3' });
    });
  });
}
