import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Counted } from '@tokenledger/domain';
import { countedOf, openTokenCounter, type CountableAnswer, type RunningCount, type TokenCounter } from './token-counter.ts';

let counter: TokenCounter;

beforeAll(async () => {
  // The first count waits for the vocabulary.
  counter = openTokenCounter({ deadlineMs: 10_000 });
  await ended(counter.begin(chat('warm up')));
});

afterAll(() => counter.close());

const ended = (count: RunningCount, answer: CountableAnswer | null = null): Promise<Counted> =>
  new Promise((resolve) => count.end(answer, resolve));

function chat(content: string, requestedModel = 'gpt-4o') {
  return {
    surface: 'openai.chat',
    provider: 'openai',
    requestedModel,
    body: Buffer.from(JSON.stringify({ messages: [{ role: 'user', content }] })),
  };
}

function answer(content: string, servedModel = 'gpt-4o-2024-08-06'): CountableAnswer {
  const body = JSON.stringify({ choices: [{ message: { role: 'assistant', content } }] });
  return { servedModel, contentType: 'application/json', chunks: [Buffer.from(body)] };
}

describe('a token counter', () => {
  test('counts what was asked and what was answered', async () => {
    const counted = await ended(counter.begin(chat('What is the capital of France?')), answer('The capital of France is Paris.'));
    // <|im_start|>user<|im_sep|>…<|im_end|> around 7 tokens, and the 3 that start the answer.
    expect(counted).toEqual({ inputTokens: 14, outputTokens: 7, tokenizer: 'o200k_base', method: 'exact', reason: '' });
  });

  test('puts an answer together that came in pieces, cut anywhere', async () => {
    const events = ['The capital', ' of Fra', 'nce is Paris.'].map(
      (content) => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\r\n\r\n`,
    );
    const stream = Buffer.from(`${events.join('')}data: [DONE]\n\n`);
    const chunks = [stream.subarray(0, 30), stream.subarray(30, 31), stream.subarray(31)];
    const counted = await ended(counter.begin(chat('x')), { servedModel: '', contentType: 'text/event-stream; charset=utf-8', chunks });
    expect(counted.outputTokens).toBe(7);
  });

  test('takes the model from the answer where the request names a deployment', async () => {
    const counted = await ended(counter.begin(chat('x', 'my-deployment')), answer('y'));
    expect(counted).toMatchObject({ inputTokens: 8, outputTokens: 1, tokenizer: 'o200k_base', reason: '' });
  });

  test('counts again when another family of models served', async () => {
    const text = 'Wörter, die nicht überall gleich zerfallen';
    const asked = await ended(counter.begin(chat(text, 'gpt-4o')), answer('y'));
    const served = await ended(counter.begin(chat(text, 'gpt-4o')), answer('y', 'gpt-4-0613'));
    expect(served.tokenizer).toBe('cl100k_base');
    expect(served.inputTokens).not.toBe(asked.inputTokens);
  });

  test('says why there is no count', async () => {
    const reasonOf = async (request: ReturnType<typeof chat>, end: CountableAnswer | null = answer('y')) =>
      (await ended(counter.begin(request), end)).reason;
    expect(await reasonOf(chat('x', 'grok-4'), null)).toBe('no_tokenizer');
    expect(await reasonOf(chat('x', 'my-deployment'), answer('y', 'x-ai/grok-4'))).toBe('no_tokenizer');
    expect(await reasonOf(chat('x', 'gpt-4o'), answer('y', 'x-ai/grok-4'))).toBe('no_tokenizer');
    expect(await reasonOf(chat('x', 'my-deployment'), null)).toBe('model_unknown');
    expect(await reasonOf({ ...chat('x'), surface: 'openai.images' })).toBe('not_countable_surface');
    expect(await reasonOf({ ...chat('x'), body: Buffer.from('{"messages":[{"content":[{"type":"image_url"}]}]}') })).toBe(
      'not_countable_media',
    );
    expect(await reasonOf({ ...chat('x'), body: Buffer.from('{"messages":') })).toBe('not_json');
    expect(await reasonOf(chat('x'), null)).toBe('no_answer');
    expect(
      await reasonOf({ ...chat('x'), surface: 'openai.responses', body: Buffer.from('{"input":"x","previous_response_id":"resp_1"}') }),
    ).toBe('not_countable_server_history');
  });

  test('counts no output of embeddings: they have none', async () => {
    const body = Buffer.from(JSON.stringify({ input: ['tiktoken is great!', [1, 2, 3]] }));
    const request = { surface: 'openai.embeddings', provider: 'openai', requestedModel: 'text-embedding-3-small', body };
    const counted = await ended(counter.begin(request), { servedModel: '', contentType: 'application/json', chunks: [] });
    expect(counted).toMatchObject({ inputTokens: 9, outputTokens: 0, method: 'exact', reason: '' });
  });

  test('estimates Claude, and scales by what was learned', async () => {
    const body = Buffer.from(JSON.stringify({ messages: [{ role: 'user', content: 'word '.repeat(1_000) }] }));
    const request = { surface: 'anthropic.messages', provider: 'anthropic', requestedModel: 'claude-sonnet-4-5', body };
    const estimated = await ended(counter.begin(request));
    const learned = await ended(counter.begin({ ...request, calibration: { inputFactor: 2, outputFactor: 1 } }));
    expect(estimated.method).toBe('approximate');
    expect(learned.method).toBe('calibrated');
    expect((learned.inputTokens ?? 0) / (estimated.inputTokens ?? 1)).toBeCloseTo(2, 2);
  });

  test.each([
    ['one letter', 'a'],
    ['one ideograph', '漢'],
    ['one blank', ' '],
    ['a sign', '='],
    ['half a character', '\ud83d'],
    ['a letter with its accent', 'e\u0301'],
  ])('counts 100,000 times %s in bounded time, as approximate', async (_, unit) => {
    const started = performance.now();
    const counted = await ended(counter.begin(chat(unit.repeat(100_000))));
    expect(counted).toMatchObject({ method: 'approximate', reason: 'no_answer' });
    expect(counted.inputTokens).toBeGreaterThan(100);
    // What it takes is measured by the benchmark; a quadratic tokenizer takes 3 to 20 s.
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});

describe('the limits of a counter', () => {
  test('leave out what is not counted within the deadline, and the thread lives on', async () => {
    await using hurried = disposable({ deadlineMs: 60 });
    // The vocabulary alone takes longer to load.
    expect((await ended(hurried.counter.begin(chat('x')))).reason).toBe('overload');
    await expect.poll(async () => (await ended(hurried.counter.begin(chat('x')))).inputTokens, { timeout: 10_000 }).toBe(8);
  });

  test('refuse at once what does not fit into the queue', async () => {
    await using full = disposable({ queueParts: 2, deadlineMs: 10_000 });
    const counts = [1, 2, 3, 4].map(() => full.counter.begin(chat('x')));
    expect(full.counter.stats).toMatchObject({ queuedParts: 2, refusedParts: 2 });
    const reasons = await Promise.all(counts.map(async (count) => (await ended(count)).reason));
    expect(reasons).toEqual(['no_answer', 'no_answer', 'overload', 'overload']);
    expect(full.counter.stats).toMatchObject({ queuedParts: 0, queuedBytes: 0, countedParts: 2 });
  });

  test('bound the bytes that wait, and those of one body', async () => {
    await using small = disposable({ queueBytes: 500, bodyBytes: 400, deadlineMs: 10_000 });
    expect((await ended(small.counter.begin(chat('x'.repeat(400))))).reason).toBe('too_large');
    const first = small.counter.begin(chat('x '.repeat(150)));
    expect((await ended(small.counter.begin(chat('x '.repeat(150))))).reason).toBe('overload');
    expect((await ended(first)).inputTokens).toBeGreaterThan(100);
  });

  test('end when it is closed: what runs has its reason', async () => {
    const closing = openTokenCounter();
    const running = closing.begin(chat('x'));
    await closing.close();
    expect((await ended(running)).reason).toBe('closed');
    expect((await ended(closing.begin(chat('x')))).reason).toBe('closed');
  });
});

test('a counter outlives the answer of a thread that had been given up', async () => {
  // As many as go at once: the thread answers while this one is busy, and the answer finds nobody who waits for it.
  const closing = openTokenCounter({ deadlineMs: 10_000 });
  await ended(closing.begin(chat('x')));
  const counts = Array.from({ length: 256 }, () => closing.begin(chat('some words')));
  const until = performance.now() + 2_000;
  while (performance.now() < until);
  await closing.close();
  expect(closing.stats).toMatchObject({ queuedParts: 0, threadFaults: 1 });
  expect(new Set(await Promise.all(counts.map(async (count) => (await ended(count)).reason)))).toEqual(new Set(['closed']));
});

test('of two sides the less certain one says how sure the count is', () => {
  const side = (method: 'exact' | 'approximate') => ({ kind: 'counted', tokens: 1, tokenizer: 'o200k_base', method }) as const;
  expect(countedOf(side('exact'), side('approximate')).method).toBe('approximate');
  expect(countedOf({ kind: 'not_counted', reason: 'overload' }, side('exact'))).toEqual({
    inputTokens: null,
    outputTokens: 1,
    tokenizer: 'o200k_base',
    method: 'exact',
    reason: 'overload',
  });
});

function disposable(limits: Parameters<typeof openTokenCounter>[0]) {
  const opened = openTokenCounter(limits);
  return { counter: opened, [Symbol.asyncDispose]: () => opened.close() };
}
