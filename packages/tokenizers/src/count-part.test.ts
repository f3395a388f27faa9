import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { countPart, type CountablePart } from './count-part.ts';
import { NO_COUNT_REASONS } from './count.ts';
import { TOKENIZER_NAMES } from './tokenizer.ts';

const never = (): boolean => false;

function input(surface: string, model: string, body: unknown, provider = surface.split('.')[0] as string): CountablePart {
  return { kind: 'input', surface, provider, model, body: Buffer.from(JSON.stringify(body)) };
}

function output(
  surface: string,
  model: string,
  body: string,
  contentType = 'application/json',
  provider = surface.split('.')[0] as string,
): CountablePart {
  return { kind: 'output', surface, provider, model, contentType, body: Buffer.from(body) };
}

const sse = (...events: readonly unknown[]): string => events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('');

describe('the input of a request', () => {
  // Numbers that real providers stated for these requests.
  test.each([
    [
      'a chat',
      23,
      'openai.chat',
      'gpt-4o-mini',
      {
        messages: [
          { role: 'developer', content: 'A simple async test agent' },
          { role: 'user', content: 'What is the capital of France?' },
        ],
      },
    ],
    [
      'a response with instructions',
      24,
      'openai.responses',
      'gpt-4.1',
      {
        input: [{ content: 'What is AI?', role: 'user' }],
        instructions: 'You are a helpful assistant that answers all questions',
        tools: [],
      },
    ],
    [
      'a completion',
      31,
      'openai.completions',
      'babbage-002',
      { prompt: 'def fib(n):\n    if n <= 1:\n        return n\n    else:\n        return fib(n-1) + fib(n-2)' },
    ],
    ['texts to embed', 8, 'openai.embeddings', 'text-embedding-3-large', { input: ['What did the author do growing up?'] }],
  ])('of %s is counted exactly', async (_, tokens, surface, model, body) => {
    expect(await countPart(input(surface, model, body), never)).toMatchObject({ kind: 'counted', tokens, method: 'exact' });
  });

  test.each([
    ['Llama 3 on Groq', 18, 'llama3-8b-8192', 'groq', 'exact'],
    ['DeepSeek', 12, 'deepseek-chat', 'deepseek', 'approximate'],
  ])('of a chat with %s is what the provider stated', async (_, tokens, model, provider, method) => {
    const body = { messages: [{ role: 'user', content: 'Tell me a joke about opentelemetry' }] };
    expect(await countPart(input('openai.chat', model, body, provider), never)).toMatchObject({ tokens, method });
  });

  test('of Gemini is a marker and the text', async () => {
    const body = { contents: [{ parts: [{ text: 'What is ai?' }], role: 'user' }] };
    expect(await countPart(input('google.generate', 'gemini-2.5-flash', body), never)).toMatchObject({ tokens: 5, method: 'approximate' });
  });

  test('is approximate as soon as tools, a format or calls are in it', async () => {
    const plain = { messages: [{ role: 'user', content: 'x' }] };
    const tool = {
      type: 'function',
      function: { name: 'f', description: 'does it', parameters: { type: 'object', properties: { a: { type: 'string' } } } },
    };
    const call = { role: 'assistant', content: null, tool_calls: [{ function: { name: 'f', arguments: '{"a":"b"}' } }] };
    const counts = await Promise.all(
      [
        plain,
        { ...plain, tools: [tool] },
        { ...plain, response_format: { type: 'json_schema', json_schema: { schema: {} } } },
        { messages: [...plain.messages, call] },
      ].map((body) => countPart(input('openai.chat', 'gpt-4o', body), never)),
    );
    expect(counts.map((count) => count.kind === 'counted' && count.method)).toEqual(['exact', 'approximate', 'approximate', 'approximate']);
    const tokens = counts.map((count) => (count.kind === 'counted' ? count.tokens : 0));
    expect(tokens.slice(1).every((each) => each > (tokens[0] as number))).toBe(true);
  });

  const message = (content: unknown) => ({ messages: [{ role: 'user', content }] });
  test.each([
    ['openai.chat', 'gpt-4o', message([{ type: 'image_url', image_url: {} }]), 'not_countable_media'],
    ['openai.chat', 'gpt-4o', { ...message('x'), web_search_options: {} }, 'not_countable_server_tools'],
    ['openai.responses', 'gpt-4o', { input: 'x', previous_response_id: 'resp_1' }, 'not_countable_server_history'],
    ['openai.responses', 'gpt-4o', { input: 'x', tools: [{ type: 'web_search' }] }, 'not_countable_server_tools'],
    ['anthropic.messages', 'claude-sonnet-4', message([{ type: 'document' }]), 'not_countable_media'],
    ['anthropic.messages', 'claude-sonnet-4', { ...message('x'), tools: [{ type: 'web_search_20250305' }] }, 'not_countable_server_tools'],
    ['google.generate', 'gemini-2.5-pro', { contents: [{ parts: [{ inlineData: {} }] }] }, 'not_countable_media'],
    ['google.generate', 'gemini-2.5-pro', { contents: [], tools: [{ googleSearch: {} }] }, 'not_countable_server_tools'],
    ['google.generate', 'gemini-2.5-pro', { contents: [], cachedContent: 'cachedContents/1' }, 'not_countable_server_history'],
    ['bedrock.converse', 'anthropic.claude-v2', message([{ image: {} }]), 'not_countable_media'],
    ['bedrock.invoke', 'claude-v2', { prompt: 'x' }, 'not_countable_surface'],
    ['cohere.chat', 'command-r', { message: 'x', conversation_id: 'c' }, 'not_countable_server_history'],
    ['ollama.chat', 'llama3', { messages: [{ role: 'user', content: 'x', images: ['…'] }] }, 'not_countable_media'],
    ['openai.chat', 'gpt-4o', 'no object', 'not_json'],
  ])('of %s with %s is not counted where its tokens do not follow from text: %j', async (surface, model, body, reason) => {
    expect(await countPart(input(surface, model, body), never)).toEqual({ kind: 'not_counted', reason });
  });
});

describe('the output of an answer', () => {
  const chat = (delta: unknown) => ({ choices: [{ index: 0, delta }] });
  test.each([
    ['a stream of chat', 'openai.chat', 'gpt-4o', sse(chat({ content: 'The capital' }), chat({ content: ' of France is Paris.' }))],
    ['a plain completion', 'openai.completions', 'davinci-002', JSON.stringify({ choices: [{ text: 'The capital of France is Paris.' }] })],
  ])('of %s is its text', async (_, surface, model, body) => {
    const contentType = body.startsWith('data:') ? 'text/event-stream' : 'application/json';
    expect(await countPart(output(surface, model, body, contentType), never)).toMatchObject({ tokens: 7, method: 'exact' });
  });

  test('is the same whole and in pieces, on every surface that streams', async () => {
    const text = 'The capital of France is Paris, and that of Japan is Tokyo.';
    const [first, second] = [text.slice(0, 15), text.slice(15)];
    const pairs: readonly (readonly [string, string, unknown, string])[] = [
      [
        'openai.responses',
        'gpt-4o',
        { object: 'response', output: [{ type: 'message', content: [{ type: 'output_text', text }] }] },
        sse(
          { type: 'response.output_text.delta', delta: first },
          { type: 'response.completed', response: { output: [{ type: 'message', content: [{ type: 'output_text', text }] }] } },
        ),
      ],
      [
        'anthropic.messages',
        'claude-sonnet-4',
        { type: 'message', content: [{ type: 'text', text }] },
        sse(
          { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
          ...[first, second].map((each) => ({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: each } })),
        ),
      ],
      [
        'google.generate',
        'gemini-2.5-pro',
        { candidates: [{ content: { parts: [{ text }] } }] },
        sse(...[first, second].map((each) => ({ candidates: [{ content: { parts: [{ text: each }] } }] }))),
      ],
      [
        'cohere.chat',
        'command-r',
        { message: { content: [{ type: 'text', text }] } },
        sse(...[first, second].map((each) => ({ type: 'content-delta', index: 0, delta: { message: { content: { text: each } } } }))),
      ],
      [
        'ollama.chat',
        'llama3',
        { message: { content: text } },
        [first, second].map((content) => JSON.stringify({ message: { content } })).join('\n'),
      ],
    ];
    for (const [surface, model, whole, pieces] of pairs) {
      const contentType = pieces.startsWith('data:') ? 'text/event-stream' : 'application/x-ndjson';
      const counted = await countPart(output(surface, model, JSON.stringify(whole)), never);
      expect({ surface, counted }).toMatchObject({ counted: { kind: 'counted' } });
      expect({ surface, counted: await countPart(output(surface, model, pieces, contentType), never) }).toEqual({ surface, counted });
    }
  });

  test.each([
    ['openai.chat', 'gpt-4o', { choices: [{ message: { content: null, audio: {} } }] }, 'not_countable_media'],
    ['openai.responses', 'gpt-4o', { object: 'response', output: [{ type: 'web_search_call' }] }, 'not_countable_server_tools'],
    ['anthropic.messages', 'claude-sonnet-4', { type: 'message', content: [{ type: 'server_tool_use' }] }, 'not_countable_server_tools'],
    ['openai.chat', 'gpt-4o', { error: {} }, 'no_answer'],
  ])('of %s with %s is not counted where its tokens do not follow from text: %j', async (surface, model, body, reason) => {
    expect(await countPart(output(surface, model, JSON.stringify(body)), never)).toEqual({ kind: 'not_counted', reason });
  });

  test('that is neither JSON nor a stream is not counted', async () => {
    expect(await countPart(output('openai.chat', 'gpt-4o', '<html>'), never)).toEqual({
      kind: 'not_counted',
      reason: 'not_countable_encoding',
    });
  });
});

test('every vocabulary that is named is there, and counts', async () => {
  const models = ['gpt-4', 'gpt-4o', 'llama3', 'mistral-small', 'deepseek-chat', 'qwen3', 'command-r', 'gemma3'];
  const counts = await Promise.all(models.map((model) => countPart(input('openai.completions', model, { prompt: 'Hello, world' }), never)));
  expect(new Set(counts.map((count) => count.kind === 'counted' && count.tokenizer))).toEqual(new Set(TOKENIZER_NAMES));
  expect(counts.every((count) => count.kind === 'counted' && count.tokens === 3)).toBe(true);
}, 30_000);

test('a text without end of runs is estimated from its beginning, near to its count', async () => {
  const ideographs = Array.from({ length: 40_000 }, (_, index) => String.fromCodePoint(0x4e00 + ((index * 7_919) % 20_000)));
  const tokensOf = async (prompt: string) => {
    const count = await countPart(input('openai.completions', 'gpt-4o', { prompt }), never);
    return count.kind === 'counted' ? count : undefined;
  };
  const unbroken = await tokensOf(ideographs.join(''));
  const broken = await tokensOf(ideographs.join('').replaceAll(/.{100}/g, '$&\n'));
  expect(unbroken?.method).toBe('approximate');
  expect(broken?.method).toBe('exact');
  expect(Math.abs((unbroken?.tokens ?? 0) / ((broken?.tokens ?? 0) - 400) - 1)).toBeLessThan(0.05);
});

test('a count ends between two pieces of text once the deadline has passed', async () => {
  let asked = 0;
  const part = input('openai.chat', 'gpt-4o', { messages: [{ role: 'user', content: 'some words '.repeat(100_000) }] });
  expect(await countPart(part, () => (asked += 1) > 20)).toEqual({ kind: 'not_counted', reason: 'overload' });
  expect(asked).toBeLessThan(30);
});

test('whatever a body holds, there is a count or a reason', async () => {
  const surfaces = fc.constantFrom(
    'openai.chat',
    'openai.responses',
    'openai.embeddings',
    'anthropic.messages',
    'google.generate',
    'bedrock.converse',
    'bedrock.invoke',
    'cohere.chat',
    'cohere.generate',
    'ollama.chat',
    'ollama.generate',
    'ollama.embed',
  );
  const keys = [
    'messages',
    'content',
    'parts',
    'contents',
    'input',
    'tools',
    'function',
    'type',
    'text',
    'choices',
    'delta',
    'message',
    'output',
    'index',
    'tool_calls',
    'system',
    'role',
    'parameters',
    'properties',
    '__proto__',
  ];
  const { json } = fc.letrec((tie) => ({
    json: fc.oneof(
      { maxDepth: 6, withCrossShrink: true },
      fc.constantFrom<unknown>('text', 'message', 'tool_use', '', 1, -1, null, true),
      fc.array(tie('json'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...keys), tie('json'), { maxKeys: 5 }),
    ),
  }));
  await fc.assert(
    fc.asyncProperty(surfaces, fc.dictionary(fc.constantFrom(...keys), json), fc.boolean(), async (surface, body, isInput) => {
      const part = isInput ? input(surface, 'gpt-4o', body) : output(surface, 'gpt-4o', JSON.stringify(body));
      const count = await countPart(part, never);
      if (count.kind === 'counted') expect(count.tokens).toBeGreaterThanOrEqual(0);
      else expect(Object.keys(NO_COUNT_REASONS)).toContain(count.reason);
    }),
    { numRuns: 500 },
  );
});
