import { describe, expect, test } from 'vitest';
import type { RequestFacts } from '../surface.ts';
import { dataEvents, JSON_BODY, read, SSE } from '../testing/answers.ts';
import { openaiCompletions } from './index.ts';

const USAGE = { prompt_tokens: 20, completion_tokens: 8, total_tokens: 28 };
const BASE = { id: 'cmpl-1', object: 'text_completion', model: 'gpt-3.5-turbo-instruct' };
const choice = (text: string, reason: string | null = null): object => ({ ...BASE, choices: [{ index: 0, text, finish_reason: reason }] });

describe('a stream', () => {
  test('that was asked for usage gives it', () => {
    const text = dataEvents(choice('a'), choice('b', 'length'), { ...BASE, choices: [], usage: USAGE }, '[DONE]');
    expect(read(openaiCompletions, SSE, text)).toMatchObject({
      usage: { uncached_input: 20, visible_output: 8 },
      servedModel: 'gpt-3.5-turbo-instruct',
      upstreamId: 'cmpl-1',
      finishReason: 'length',
      complete: true,
    });
  });

  test('that was not has none', () => {
    expect(read(openaiCompletions, SSE, dataEvents(choice('a', 'stop'), '[DONE]'))).toMatchObject({
      usage: null,
      usageReason: 'not_reported',
      complete: true,
    });
  });

  test('is measured by its texts', () => {
    const reader = openaiCompletions.usageReader({ ...SSE, httpStatus: 200, answerBytesMax: 1000 });
    reader.push(Buffer.from(dataEvents(choice(''))));
    expect(reader.sawContent).toBe(false);
    reader.push(Buffer.from(dataEvents(choice('x'.repeat(500)))));
    expect(reader.sawContent).toBe(true);
    expect(reader.soFar().contentBytes).toBeGreaterThan(400);
  });

  test('of Writer is bare values, and its end is that of the message', () => {
    const text = dataEvents({ value: 'Sure' }, { value: ', here' });
    const reader = openaiCompletions.usageReader({ ...SSE, httpStatus: 200, answerBytesMax: 1000, provider: 'writer' });
    reader.push(Buffer.from(text));
    expect(reader.sawContent).toBe(true);
    expect(reader.end()).toMatchObject({ usage: null, usageReason: 'not_reported', complete: true });
    expect(read(openaiCompletions, SSE, text)).toMatchObject({ usageReason: 'cut_off', complete: false });
  });
});

test('a plain answer gives usage, by the rule of who answered', () => {
  const body = JSON.stringify({ ...choice('a', 'stop'), usage: { ...USAGE, cached_tokens: 5 } });
  expect(read(openaiCompletions, JSON_BODY, body)).toMatchObject({ usage: { uncached_input: 20, cache_read: null } });
  expect(read(openaiCompletions, { ...JSON_BODY, provider: 'together' }, body)).toMatchObject({
    usage: { uncached_input: 15, cache_read: 5 },
  });
});

test('a stream is asked for its usage where that is allowed', () => {
  const asked = (injectUsage: boolean, stream: boolean): string =>
    String(
      (openaiCompletions.readRequest(Buffer.from(JSON.stringify({ model: 'm', prompt: 'hi', stream })), { injectUsage }) as RequestFacts)
        .injectedBody,
    );
  expect(JSON.parse(asked(true, true))).toEqual({ model: 'm', prompt: 'hi', stream: true, stream_options: { include_usage: true } });
  expect(asked(false, true)).toBe('undefined');
  expect(asked(true, false)).toBe('undefined');
});
