import { inputTokens, outputTokens, type Usage } from '@tokenledger/domain';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dataEvents, JSON_BODY, read, SSE } from '../testing/answers.ts';
import { openaiChat } from './index.ts';
import { normaliseChatUsage } from './normalise.ts';
import { providerRule } from './provider-rules.ts';

interface Seen extends Partial<Usage> {
  readonly input: number | null;
  readonly output: number | null;
  readonly flags: readonly string[];
}

function seen(provider: string, usage: Record<string, unknown>, model = 'm'): Seen {
  const normalised = normaliseChatUsage(usage, providerRule(provider), model);
  if (normalised.kind !== 'usage') throw new Error(`expected usage, got ${normalised.kind}`);
  const { usage: classes, flags } = normalised;
  const known = Object.entries(classes).filter(([, quantity]) => quantity !== null);
  return { ...Object.fromEntries(known), input: inputTokens(classes), output: outputTokens(classes), flags };
}

const totals = (prompt: number, completion: number, total: number): Record<string, number> => ({
  prompt_tokens: prompt,
  completion_tokens: completion,
  total_tokens: total,
});
const reasoning = (tokens: number): object => ({ completion_tokens_details: { reasoning_tokens: tokens } });

describe('reasoning', () => {
  test.each([
    [
      'inside',
      'openai',
      'gpt-5',
      { ...totals(10, 100, 110), ...reasoning(60) },
      { output: 100, visible_output: 40, flags: ['split_unknown'] },
    ],
    ['inside', 'zai', 'glm-4.7', { ...totals(10, 100, 110), ...reasoning(60) }, { output: 100, visible_output: 40 }],
    [
      'on top',
      'xai',
      'grok-4',
      { ...totals(10, 100, 170), ...reasoning(60) },
      { output: 160, visible_output: 100, flags: ['split_unknown'] },
    ],
    [
      'on top, which the total tells',
      'azure',
      'grok-4',
      { ...totals(10, 100, 170), ...reasoning(60) },
      { output: 160, visible_output: 100 },
    ],
    [
      'on top of Gemini',
      'vercel',
      'google/gemini-3-pro',
      { ...totals(10, 100, 110), ...reasoning(60) },
      { output: 160, visible_output: 100 },
    ],
    ['inside others', 'vercel', 'openai/gpt-5', { ...totals(10, 100, 110), ...reasoning(60) }, { output: 100, visible_output: 40 }],
  ])('stands %s: %s, %s', (_where, provider, model, usage, expected) => {
    expect(seen(provider, usage, model)).toMatchObject({ ...expected, input: 10, reasoning: 60 });
  });

  test('that the total already holds is inside xAI’s too', () => {
    expect(seen('xai', { ...totals(10, 100, 110), ...reasoning(60) })).toMatchObject({ output: 100, visible_output: 40 });
  });

  test('is what a total of Gemini’s compatible endpoint has beyond its parts', () => {
    expect(seen('google', totals(20, 198, 623))).toMatchObject({ input: 20, output: 603, visible_output: 198, reasoning: 405 });
    expect(seen('vertex', { prompt_tokens: 21, total_tokens: 81 })).toMatchObject({
      input: 21,
      output: 60,
      visible_output: 0,
      reasoning: 60,
    });
    expect(seen('google', totals(20, 198, 218))).toMatchObject({ output: 198, visible_output: 198, flags: ['split_unknown'] });
  });

  test('of deep research stands beside its totals', () => {
    const usage = { ...totals(33, 7163, 7196), citation_tokens: 19_837, num_search_queries: 18, reasoning_tokens: 73_008 };
    expect(seen('perplexity', usage)).toMatchObject({ input: 33, output: 80_171, reasoning: 73_008, web_search_requests: 18 });
    expect(seen('perplexity', usage).flags).toContain('unclassified_units');
  });
});

describe('cached tokens', () => {
  test.each([
    ['deepseek', { prompt_cache_hit_tokens: 64, prompt_cache_miss_tokens: 36 }],
    ['deepseek', { prompt_cache_hit_tokens: 64, prompt_tokens_details: { cached_tokens: 64 } }],
    ['mistral', { num_cached_tokens: 64 }],
    ['mistral', { prompt_token_details: { cached_tokens: 64 } }],
    ['moonshot', { cached_tokens: 64 }],
    ['together', { cached_tokens: 64 }],
    ['writer', { prompt_token_details: { cached_tokens: 64 } }],
    ['someone', { prompt_tokens_details: { cached_tokens: 64 } }],
  ])('of %s are inside the prompt: %o', (provider, members) => {
    expect(seen(provider, { ...totals(100, 5, 105), ...members })).toMatchObject({
      input: 100,
      uncached_input: 36,
      cache_read: 64,
      output: 5,
    });
  });

  test('stand on top where the total is only reached with them', () => {
    const cached = { prompt_tokens_details: { cached_tokens: 161 } };
    expect(seen('azure', { ...totals(10, 5, 176), ...cached })).toMatchObject({
      input: 171,
      uncached_input: 10,
      cache_read: 161,
      output: 5,
    });
    expect(seen('azure', { ...totals(10, 5, 196), ...cached, ...reasoning(20) })).toMatchObject({ input: 171, output: 25, reasoning: 20 });
    expect(seen('azure', { ...totals(10, 5, 15), ...cached }).flags).toContain('contradictory');
  });

  test('that are written have Anthropic’s name at Vercel', () => {
    expect(seen('vercel', { ...totals(100, 5, 105), cache_creation_input_tokens: 90 })).toMatchObject({
      input: 100,
      uncached_input: 10,
      cache_write_5m: 90,
    });
  });
});

test('audio of Mistral stands beside the prompt, in the total alone', () => {
  const usage = { prompt_audio_seconds: 203, ...totals(4, 635, 3264) };
  expect(seen('mistral', usage)).toMatchObject({ input: 2629, uncached_input: 4, input_audio: 2625, output: 635, audio_seconds: 203 });
  expect(seen('mistral', { prompt_audio_seconds: {}, ...totals(4, 6, 10) })).toMatchObject({ input: 4, output: 6 });
});

test('what a rule needs and is no count is left as it came', () => {
  for (const provider of ['xai', 'google', 'mistral', 'deepseek', 'perplexity', 'vercel', 'writer', 'constructor', '__proto__']) {
    const usage = { ...totals(1, 2, 3), prompt_audio_seconds: 'x', completion_tokens_details: { reasoning_tokens: 1.5 } };
    expect(normaliseChatUsage(usage, providerRule(provider), 'google/x')).toEqual({ kind: 'invalid' });
    expect(normaliseChatUsage({ prompt_tokens: null }, providerRule(provider), '')).toEqual({ kind: 'none' });
  }
});

describe('a stream', () => {
  const chunk = (members: object): object => ({ id: 'c', model: 'm', choices: [{ index: 0, delta: { content: 'a' } }], ...members });

  test('of Groq states usage in a member of its own', () => {
    const stream = dataEvents(chunk({}), chunk({ x_groq: { id: 'r', usage: totals(18, 73, 91) } }), '[DONE]');
    expect(read(openaiChat, { ...SSE, provider: 'groq' }, stream)).toMatchObject({
      usage: { uncached_input: 18, visible_output: 73 },
      usageFlags: ['split_unknown'],
    });
  });

  test('with usage up to each chunk ends with that of the last, which is no surprise where the provider does so', () => {
    const stream = dataEvents(chunk({ usage: totals(5, 1, 6) }), chunk({ usage: totals(5, 9, 14) }), '[DONE]');
    const usage = { uncached_input: 5, visible_output: 9 };
    expect(read(openaiChat, { ...SSE, provider: 'perplexity' }, stream)).toMatchObject({ usage, usageFlags: ['split_unknown'] });
    expect(read(openaiChat, SSE, stream)).toMatchObject({ usage, usageFlags: ['repeated', 'split_unknown'] });
  });

  test('of Moonshot states usage in its choice', () => {
    const stream = dataEvents(chunk({}), { id: 'c', model: 'm', choices: [{ index: 0, delta: {}, usage: totals(5, 9, 14) }] }, '[DONE]');
    expect(read(openaiChat, { ...SSE, provider: 'moonshot' }, stream).usage).toMatchObject({ uncached_input: 5, visible_output: 9 });
    expect(read(openaiChat, SSE, stream).usageReason).toBe('not_reported');
  });

  test('that breaks off with an error keeps the usage that came with it', () => {
    const error = { code: 502, message: 'Provider disconnected' };
    const comment = ': OPENROUTER PROCESSING\n\n';
    const last = { ...chunk({ usage: totals(5, 9, 14), error }), choices: [{ index: 0, delta: { content: '' }, finish_reason: 'error' }] };
    expect(read(openaiChat, { ...SSE, provider: 'openrouter' }, comment, dataEvents(chunk({}), last))).toMatchObject({
      usage: { uncached_input: 5, visible_output: 9 },
      errorClass: '502',
      finishReason: 'error',
    });
  });

  test('without a mark is complete with its finish reason, unless the provider always marks the end', () => {
    const finish = chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
    const complete = (provider: string, ...chunks: readonly object[]): unknown =>
      read(openaiChat, { ...SSE, provider }, dataEvents(...chunks)).complete;
    for (const provider of ['writer', 'perplexity', 'someone']) {
      expect([complete(provider, chunk({}), finish), complete(provider, chunk({}))]).toEqual([true, false]);
    }
    expect([complete('openai', chunk({}), finish), complete('azure', chunk({}), finish)]).toEqual([false, false]);
  });

  test('is asked for usage only where the provider does not state it anyway', () => {
    const body = Buffer.from('{"model":"m","stream":true}');
    const asked = (provider: string): boolean => {
      const facts = openaiChat.readRequest(body, { injectUsage: true, provider });
      return facts.kind === 'request' && facts.injectedBody !== undefined;
    };
    expect(['openai', 'azure', 'xai', 'someone'].map(asked)).toEqual([true, true, true, true]);
    expect(['mistral', 'groq', 'openrouter', 'perplexity', 'deepseek', 'fireworks'].some(asked)).toBe(false);
  });
});

test('an empty usage object takes nothing back', () => {
  const usage = totals(5, 9, 14);
  expect(read(openaiChat, SSE, dataEvents({ usage }, { usage: {} }, '[DONE]')).usage).toMatchObject({ uncached_input: 5 });
  expect(read(openaiChat, JSON_BODY, '{"usage":{}}').usageReason).toBe('not_reported');
});

test('whatever an object holds, a rule gives counts or none', () => {
  const providers = [
    '',
    'deepseek',
    'google',
    'groq',
    'mistral',
    'moonshot',
    'openrouter',
    'perplexity',
    'together',
    'vercel',
    'writer',
    'xai',
  ];
  const count = fc.oneof(fc.nat(), fc.constantFrom(null, -1, 1.5, '7', 2 ** 53, [], {}), fc.maxSafeNat());
  const details = fc.oneof(
    fc.dictionary(fc.constantFrom('cached_tokens', 'audio_tokens', 'reasoning_tokens', 'cache_write_tokens'), count),
    count,
  );
  const names = ['prompt_tokens', 'completion_tokens', 'total_tokens', 'reasoning_tokens', 'cached_tokens', 'num_cached_tokens'] as const;
  const more = ['prompt_audio_seconds', 'prompt_cache_hit_tokens', 'cache_creation_input_tokens', 'num_search_queries'] as const;
  const usage = fc.record(
    {
      ...Object.fromEntries([...names, ...more].map((name) => [name, count])),
      prompt_tokens_details: details,
      prompt_token_details: details,
      completion_tokens_details: details,
      server_tool_use: fc.oneof(fc.record({ web_search_requests: count }), count),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.constantFrom(...providers), usage, (provider, object) => {
      const normalised = normaliseChatUsage(object, providerRule(provider), 'google/gemini');
      if (normalised.kind !== 'usage') return;
      for (const quantity of Object.values(normalised.usage))
        expect(quantity === null || (Number.isSafeInteger(quantity) && quantity >= 0)).toBe(true);
    }),
    { numRuns: 2000 },
  );
});
