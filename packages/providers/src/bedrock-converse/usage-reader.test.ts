import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JSON_BODY, read } from '../testing/answers.ts';
import { chunkings } from '../testing/chunkings.ts';
import { EVENT_STREAM, streamEvent, streamException, streamMessage } from '../testing/event-stream.ts';
import { bedrockConverse } from './index.ts';

const USAGE = { inputTokens: 236, outputTokens: 58, totalTokens: 294 };
const HEADERS = { 'x-amzn-requestid': 'r-1' };
const START = streamEvent('messageStart', { p: 'abc', role: 'assistant' });
const TEXT = streamEvent('contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'Hé "usage":{"inputTokens":9}' }, p: 'abcd' });
const STOP = streamEvent('messageStop', { stopReason: 'end_turn' });
const METADATA = streamEvent('metadata', { metrics: { latencyMs: 1 }, usage: USAGE });
const WHOLE = Buffer.concat([START, TEXT, STOP, METADATA]);

const KNOWN = {
  usage: expect.objectContaining({ uncached_input: 236, visible_output: 58, reasoning: null }) as unknown,
  usageReason: '',
  usageFlags: ['split_unknown'],
  rawUsage: JSON.stringify(USAGE),
  servedModel: '',
  serviceTier: '',
  upstreamId: 'r-1',
  finishReason: 'end_turn',
  errorClass: '',
  complete: true,
};

describe('a stream', () => {
  test('states its usage at its end', () => {
    expect(read(bedrockConverse, { ...EVENT_STREAM, headers: HEADERS }, WHOLE)).toEqual(KNOWN);
  });

  test('is read the same in any chunking', () => {
    fc.assert(
      fc.property(chunkings(fc.constant(WHOLE)), ({ chunks }) => {
        expect(read(bedrockConverse, { ...EVENT_STREAM, headers: HEADERS }, ...chunks)).toEqual(KNOWN);
      }),
    );
  });

  test('content is seen with the first delta, the end with the last byte of the metadata', () => {
    const reader = bedrockConverse.usageReader({ ...EVENT_STREAM, httpStatus: 200, answerBytesMax: 1000 });
    reader.push(START);
    expect([reader.sawContent, reader.sawEnd]).toEqual([false, false]);
    reader.push(TEXT);
    expect([reader.sawContent, reader.sawEnd]).toEqual([true, false]);
    reader.push(STOP);
    reader.push(METADATA.subarray(0, -1));
    expect(reader.sawEnd).toBe(false);
    reader.push(METADATA.subarray(-1));
    expect(reader.sawEnd).toBe(true);
  });

  test('that breaks off has no usage, but content that can be measured', () => {
    const reader = bedrockConverse.usageReader({ ...EVENT_STREAM, httpStatus: 200, answerBytesMax: 1000 });
    const tool = streamEvent('contentBlockStart', { start: { toolUse: { name: 'four', toolUseId: 't' } } });
    const input = streamEvent('contentBlockDelta', { delta: { toolUse: { input: '{"a":' } } });
    const thought = streamEvent('contentBlockDelta', { delta: { reasoningContent: { text: 'hmm' } } });
    for (const message of [START, tool, input, thought, METADATA.subarray(0, -1)]) reader.push(message);
    expect(reader.soFar()).toEqual({ stated: null, contentBytes: 4 + 5 + 3, servedModel: '', serviceTier: '' });
    expect(reader.end()).toMatchObject({ usage: null, usageReason: 'cut_off', complete: false });
  });

  test('an exception in it is its error', () => {
    expect(read(bedrockConverse, EVENT_STREAM, START, streamException('throttlingException', 'slow down'))).toMatchObject({
      usage: null,
      usageReason: 'upstream_error',
      errorClass: 'throttlingException',
      complete: false,
    });
  });

  test('the name of an exception is kept bounded', () => {
    expect(read(bedrockConverse, EVENT_STREAM, streamException('x'.repeat(60_000), 'no')).errorClass).toHaveLength(256);
    expect(read(bedrockConverse, EVENT_STREAM, streamException('', 'no')).errorClass).toBe('unknown_error');
  });

  test('one whose checksum is wrong is not guessed at', () => {
    const damaged = Buffer.from(METADATA);
    damaged[40] = 0;
    expect(read(bedrockConverse, EVENT_STREAM, START, damaged, METADATA)).toMatchObject({
      usage: null,
      usageReason: 'undecodable_answer',
      complete: false,
    });
  });

  test('usage of a message that was too long is unknown', () => {
    const long = streamEvent('metadata', { usage: USAGE, trace: 'x'.repeat(8 * 1024 * 1024) });
    expect(read(bedrockConverse, EVENT_STREAM, START, long)).toMatchObject({ usage: null, usageReason: 'line_too_long' });
  });

  test('a message that is given up is let go; what a later one states counts', () => {
    const reader = bedrockConverse.usageReader({ ...EVENT_STREAM, httpStatus: 200, answerBytesMax: 1000 });
    const lost = bedrockConverse.usageReader({ ...EVENT_STREAM, httpStatus: 200, answerBytesMax: 1000 });
    for (const each of [reader, lost]) {
      each.push(TEXT.subarray(0, 30));
      expect(each.heldBytes).toBe(30);
      each.giveUp();
      expect(each.heldBytes).toBe(0);
      each.push(TEXT.subarray(30));
    }
    reader.push(METADATA);
    expect(reader.end()).toMatchObject({ usage: { uncached_input: 236 }, complete: true });
    expect(lost.end()).toMatchObject({ usage: null, usageReason: 'answer_too_large', complete: false });
  });

  test('repeated metadata: the last rules, and it is flagged', () => {
    const first = streamEvent('metadata', { usage: { inputTokens: 1, outputTokens: 1 } });
    expect(read(bedrockConverse, EVENT_STREAM, first, METADATA)).toMatchObject({
      usage: { uncached_input: 236 },
      usageFlags: ['repeated', 'split_unknown'],
    });
  });

  test('messages that hold no object are passed over', () => {
    const odd = [null, 5, [], 'text', { usage: 5 }].map((content) => streamEvent('contentBlockDelta', content));
    expect(read(bedrockConverse, { ...EVENT_STREAM, headers: HEADERS }, ...odd, WHOLE)).toEqual(KNOWN);
  });
});

describe('an answer', () => {
  const answer = {
    metrics: { latencyMs: 589 },
    output: { message: { role: 'assistant', content: [{ text: 'x' }] } },
    stopReason: 'end_turn',
    usage: USAGE,
  };

  test('states its usage', () => {
    expect(read(bedrockConverse, { ...JSON_BODY, headers: HEADERS }, JSON.stringify(answer))).toEqual(KNOWN);
  });

  test.each([
    [{ serviceTier: { type: 'flex' } }, 'flex'],
    [{ serviceTier: { type: 'default' }, performanceConfig: { latency: 'standard' } }, 'default'],
    [{ performanceConfig: { latency: 'optimized' } }, 'optimized'],
  ])('names its tier, to which optimised latency belongs: %j', (members, tier) => {
    expect(read(bedrockConverse, JSON_BODY, JSON.stringify({ ...answer, ...members })).serviceTier).toBe(tier);
    expect(read(bedrockConverse, EVENT_STREAM, streamEvent('metadata', { usage: USAGE, ...members })).serviceTier).toBe(tier);
  });

  test('without usage reports none', () => {
    expect(read(bedrockConverse, JSON_BODY, '{"output":{}}')).toMatchObject({ usage: null, usageReason: 'not_reported', rawUsage: '' });
  });

  test('numbers that are no counts keep their digits', () => {
    const digits = '{"inputTokens":12345678901234567890,"outputTokens":1}';
    const expected = { usage: null, usageReason: 'invalid_usage', rawUsage: digits };
    expect(read(bedrockConverse, JSON_BODY, `{"usage":${digits}}`)).toMatchObject(expected);
    const headers = { ':event-type': 'metadata', ':message-type': 'event' };
    expect(read(bedrockConverse, EVENT_STREAM, streamMessage(headers, Buffer.from(`{"usage":${digits}}`)))).toMatchObject(expected);
  });

  test.each([
    [{ 'x-amzn-errortype': 'ThrottlingException:http://internal.amazon.com/coral/com.amazon.bedrock/' }, {}, 'ThrottlingException'],
    [{}, { __type: 'com.amazon.coral.service#AccessDeniedException' }, 'AccessDeniedException'],
    [{}, {}, ''],
  ])('an error is named by its header or its body', (headers, members, errorClass) => {
    const body = JSON.stringify({ ...members, message: 'no' });
    expect(read(bedrockConverse, { ...JSON_BODY, headers, httpStatus: 400 }, body)).toMatchObject({
      usage: null,
      usageReason: 'upstream_error',
      errorClass,
      complete: true,
    });
  });
});
