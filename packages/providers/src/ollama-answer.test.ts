import { describe, expect, test } from 'vitest';
import { ollamaChat } from './ollama-chat/index.ts';
import { ollamaEmbed } from './ollama-embed/index.ts';
import { ollamaGenerate } from './ollama-generate/index.ts';
import type { RequestFacts } from './surface.ts';
import { JSON_BODY, read } from './testing/answers.ts';

const LINES = { contentType: 'application/x-ndjson' };
const END = {
  model: 'llama3',
  response: '',
  done: true,
  done_reason: 'stop',
  context: [1, 2],
  prompt_eval_count: 17,
  prompt_eval_duration: 9,
  eval_count: 63,
};
const piece = (text: string): string => `${JSON.stringify({ model: 'llama3', response: text, done: false })}\n`;

describe('an answer', () => {
  test('counts the prompt and all output, thinking included', () => {
    expect(read(ollamaGenerate, JSON_BODY, JSON.stringify(END))).toMatchObject({
      usage: { uncached_input: 17, cache_read: null, visible_output: 63, reasoning: null },
      usageFlags: ['split_unknown'],
      rawUsage: '{"prompt_eval_count":17,"prompt_eval_duration":9,"eval_count":63}',
      servedModel: 'llama3',
      finishReason: 'stop',
      complete: true,
    });
  });

  test('names the part of its prompt that was cached', () => {
    const usage = (cached: number): unknown => {
      const { usage: classes, usageFlags } = read(ollamaChat, JSON_BODY, JSON.stringify({ ...END, prompt_eval_cached_count: cached }));
      return { input: classes?.uncached_input, cached: classes?.cache_read, usageFlags };
    };
    expect(usage(16)).toEqual({ input: 1, cached: 16, usageFlags: ['split_unknown'] });
    expect(usage(18)).toEqual({ input: 17, cached: null, usageFlags: ['split_unknown', 'contradictory'] });
  });

  test('that leaves out its prompt has no usage, since its output alone would pass for all of it', () => {
    const { prompt_eval_count: _count, ...rest } = END;
    expect(read(ollamaGenerate, JSON_BODY, JSON.stringify(rest))).toMatchObject({
      usage: null,
      usageReason: 'not_reported',
      rawUsage: '{"prompt_eval_duration":9,"eval_count":63}',
    });
  });

  test('that is an error has neither usage nor a code', () => {
    expect(read(ollamaChat, { ...JSON_BODY, httpStatus: 404 }, '{"error":"model not found"}')).toMatchObject({
      usageReason: 'upstream_error',
      errorClass: 'unknown_error',
    });
  });

  test.each([-1, 1.5, '17', 2 ** 53])('with a count of %s is invalid', (count) => {
    expect(read(ollamaChat, JSON_BODY, JSON.stringify({ ...END, eval_count: count }))).toMatchObject({ usageReason: 'invalid_usage' });
  });

  test('that is an embedding has no output, and its predecessor counts nothing', () => {
    expect(read(ollamaEmbed, JSON_BODY, '{"model":"m","embeddings":[[0.1]],"total_duration":1,"prompt_eval_count":8}')).toMatchObject({
      usage: { uncached_input: 8, visible_output: 0 },
      usageFlags: [],
    });
    expect(read(ollamaEmbed, JSON_BODY, '{"embedding":[0.1]}')).toMatchObject({ usage: null, usageReason: 'not_reported' });
  });
});

describe('a stream', () => {
  test('has its usage in its last line', () => {
    const stream = piece('"done":true,"eval_count":9') + piece('b') + `${JSON.stringify(END)}\n`;
    expect(read(ollamaGenerate, LINES, stream)).toMatchObject({ usage: { uncached_input: 17, visible_output: 63 }, complete: true });
    expect(read(ollamaGenerate, LINES, stream.slice(0, 80))).toMatchObject({ usage: null, usageReason: 'cut_off', complete: false });
  });

  test('is known to be over from its last line on, even before the line has ended', () => {
    const reader = ollamaGenerate.usageReader({ ...LINES, httpStatus: 200, answerBytesMax: 1000 });
    const end = JSON.stringify(END);
    reader.push(Buffer.from(piece('a') + end.slice(0, 20)));
    expect([reader.sawContent, reader.sawEnd]).toEqual([true, false]);
    reader.push(Buffer.from(end.slice(20)));
    expect([reader.sawEnd, reader.heldBytes]).toEqual([true, end.length]);
    expect(reader.end()).toMatchObject({ usage: { visible_output: 63 }, complete: true });
  });

  test('that ends with an error is over', () => {
    const stream = `${piece('a')}{"error":"an error was encountered while running the model"}\n`;
    expect(read(ollamaGenerate, LINES, stream)).toMatchObject({ usageReason: 'upstream_error', complete: true });
  });

  test('that breaks off is measured by its content', () => {
    const reader = ollamaChat.usageReader({ ...LINES, httpStatus: 200, answerBytesMax: 1000 });
    const line = `${JSON.stringify({ model: 'm', message: { role: 'assistant', content: 'word' }, done: false })}\n`;
    reader.push(Buffer.from(line));
    reader.measureContent();
    for (let count = 0; count < 100; count++) reader.push(Buffer.from(line));
    expect(reader.soFar().contentBytes / (101 * 4)).toBeCloseTo(1, 1);
  });
});

test('a request streams unless it says otherwise', () => {
  const facts = (body: object): RequestFacts => {
    const request = ollamaChat.readRequest(Buffer.from(JSON.stringify({ model: 'm', ...body })), { injectUsage: true });
    if (request.kind === 'rejected') throw new Error(request.message);
    return request;
  };
  const call = { role: 'assistant', content: '', tool_calls: [{ function: { name: 'find', arguments: { a: 1 } } }] };
  expect(facts({ messages: [call] })).toMatchObject({ streamed: true, holdsMedia: false, lastToolText: 'find({"a":1})' });
  expect(facts({ stream: false, messages: [{ role: 'user', images: ['aGk='] }] })).toMatchObject({ streamed: false, holdsMedia: true });
});
