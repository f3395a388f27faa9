import { describe, expect, test } from 'vitest';
import { JSON_BODY, read } from '../testing/answers.ts';
import { openaiEmbeddings } from './index.ts';

const body = (usage: unknown): string =>
  JSON.stringify({ object: 'list', data: [{ object: 'embedding', index: 0, embedding: [0.1] }], model: 'text-embedding-3-small', usage });

describe('an answer gives its input, and no output', () => {
  test.each([
    ['OpenAI’s', { prompt_tokens: 8, total_tokens: 8 }, []],
    ['Mistral’s', { prompt_audio_seconds: null, prompt_tokens: 8, total_tokens: 8, completion_tokens: 0, request_count: null }, []],
    ['Voyage’s', { total_tokens: 8 }, []],
    ['one that does not add up', { prompt_tokens: 8, total_tokens: 9 }, ['total_differs']],
  ])('%s', (_whose, usage, usageFlags) => {
    expect(read(openaiEmbeddings, JSON_BODY, body(usage))).toMatchObject({
      usage: { uncached_input: 8, visible_output: 0, reasoning: null },
      usageFlags,
      servedModel: 'text-embedding-3-small',
      complete: true,
    });
  });
});

test.each([
  ['none', null, 'not_reported'],
  ['an empty one', {}, 'not_reported'],
  ['a count that is none', { prompt_tokens: -1 }, 'invalid_usage'],
])('an answer whose usage is %s has none', (_what, usage, usageReason) => {
  expect(read(openaiEmbeddings, JSON_BODY, body(usage))).toMatchObject({ usage: null, usageReason });
});

test('of an answer that breaks off nothing can be estimated: vectors are no text', () => {
  const reader = openaiEmbeddings.usageReader({ ...JSON_BODY, httpStatus: 200, answerBytesMax: 100_000 });
  reader.push(Buffer.from(body({}).slice(0, 60)));
  expect(reader.soFar()).toMatchObject({ stated: null, contentBytes: 0 });
});
