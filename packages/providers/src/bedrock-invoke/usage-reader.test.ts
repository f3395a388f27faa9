import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JSON_BODY, read } from '../testing/answers.ts';
import { chunkings } from '../testing/chunkings.ts';
import { EVENT_STREAM, modelChunks, streamEvent, streamException } from '../testing/event-stream.ts';
import { bedrockInvoke } from './index.ts';

const COUNTED = { 'x-amzn-bedrock-input-token-count': '28', 'x-amzn-bedrock-output-token-count': '197', 'x-amzn-requestid': 'r-1' };
const METRICS = {
  'amazon-bedrock-invocationMetrics': { inputTokenCount: 28, outputTokenCount: 197, invocationLatency: 9, firstByteLatency: 8 },
};
const KNOWN = { uncached_input: 28, visible_output: 197 };

/** Of each family, an answer without usage of its own. */
const PLAIN_ANSWERS = [
  ['Titan', { inputTextTokenCount: 9, results: [{ tokenCount: 9, outputText: 'x', completionReason: 'FINISH' }] }, 'FINISH'],
  ['Llama', { generation: 'x', prompt_token_count: 9, generation_token_count: 9, stop_reason: 'length' }, 'length'],
  ['Cohere', { id: 'c', generations: [{ id: 'g', text: 'x', finish_reason: 'COMPLETE' }], prompt: 'p' }, 'COMPLETE'],
  ['Command R', { text: 'x', generation_id: 'g', finish_reason: 'COMPLETE' }, 'COMPLETE'],
  ['Mistral', { outputs: [{ text: 'x', stop_reason: 'stop' }] }, 'stop'],
  ['Jurassic', { id: 1234, prompt: {}, completions: [{ data: { text: 'x' }, finishReason: { reason: 'endoftext' } }] }, 'endoftext'],
  ['old Claude', { type: 'completion', completion: 'x', stop_reason: 'stop_sequence', stop: '\n' }, 'stop_sequence'],
] as const;

describe('a model that states no usage', () => {
  test.each(PLAIN_ANSWERS)('is counted by the headers: %s', (_, answer, finishReason) => {
    expect(read(bedrockInvoke, { ...JSON_BODY, headers: COUNTED }, JSON.stringify(answer))).toMatchObject({
      usage: { ...KNOWN, cache_read: null, reasoning: null },
      usageReason: '',
      usageFlags: ['split_unknown'],
      rawUsage: '{"x-amzn-bedrock-input-token-count":"28","x-amzn-bedrock-output-token-count":"197"}',
      servedModel: '',
      upstreamId: 'r-1',
      finishReason,
      complete: true,
    });
  });

  test.each(PLAIN_ANSWERS)('and by nothing else: %s', (_, answer) => {
    expect(read(bedrockInvoke, JSON_BODY, JSON.stringify(answer))).toMatchObject({
      usage: null,
      usageReason: 'not_reported',
      rawUsage: '',
    });
  });

  test.each([
    [
      'Titan',
      [
        { outputText: 'x', totalOutputTextTokenCount: null, completionReason: null },
        { outputText: 'y', totalOutputTextTokenCount: 9, completionReason: 'FINISH', ...METRICS },
      ],
      'FINISH',
    ],
    [
      'Llama',
      [
        { generation: 'x', stop_reason: null },
        { generation: '', stop_reason: 'stop', ...METRICS },
      ],
      'stop',
    ],
    ['Mistral', [{ outputs: [{ text: 'x', stop_reason: null }] }, { outputs: [{ text: '', stop_reason: 'stop' }], ...METRICS }], 'stop'],
  ])('is counted by the metrics in the last chunk of its stream: %s', (_, chunks, finishReason) => {
    expect(read(bedrockInvoke, EVENT_STREAM, modelChunks(...chunks))).toMatchObject({
      usage: KNOWN,
      rawUsage: JSON.stringify(METRICS),
      finishReason,
      complete: true,
    });
  });

  test('a body that is not read changes nothing: the headers have said it', () => {
    const answer = JSON.stringify(PLAIN_ANSWERS[0][1]);
    expect(read(bedrockInvoke, { ...JSON_BODY, headers: COUNTED, answerBytesMax: 10 }, answer)).toMatchObject({
      usage: KNOWN,
      usageReason: '',
    });
    expect(read(bedrockInvoke, { ...JSON_BODY, headers: COUNTED }, answer.slice(0, 20))).toMatchObject({ usage: KNOWN, complete: false });
  });

  test.each(['-1', '1.5', '1e3', 'many', '', '9007199254740993'])('a header that is no count makes its usage invalid: %s', (count) => {
    const headers = { ...COUNTED, 'x-amzn-bedrock-output-token-count': count };
    expect(read(bedrockInvoke, { ...JSON_BODY, headers }, '{}')).toMatchObject({ usage: null, usageReason: 'invalid_usage' });
  });

  test('embeddings have no output: none is none', () => {
    const headers = { 'x-amzn-bedrock-input-token-count': '6' };
    const answer = JSON.stringify({ embedding: [0.1], inputTextTokenCount: 6 });
    expect(read(bedrockInvoke, { ...JSON_BODY, headers }, answer).usage).toMatchObject({ uncached_input: 6, visible_output: 0 });
    expect(read(bedrockInvoke, { ...JSON_BODY, headers }, '{"generation":"x"}').usage).toMatchObject({
      uncached_input: 6,
      visible_output: null,
    });
  });

  test('a guardrail that answers in its place: nothing was used, and the stream is whole', () => {
    const blocked = {
      outputText: 'Input blocked',
      totalOutputTextTokenCount: 3,
      inputTextTokenCount: 6,
      'amazon-bedrock-guardrailAction': 'INTERVENED',
    };
    expect(read(bedrockInvoke, EVENT_STREAM, modelChunks(blocked))).toMatchObject({
      usage: null,
      usageReason: 'not_reported',
      finishReason: 'guardrail_intervened',
      complete: true,
    });
  });
});

describe('Claude', () => {
  const usage = { input_tokens: 16, cache_read_input_tokens: 5, cache_creation_input_tokens: 0, output_tokens: 21 };
  const answer = {
    id: 'msg_bdrk_1',
    type: 'message',
    role: 'assistant',
    model: 'claude-haiku-4-5-20251001',
    stop_reason: 'end_turn',
    content: [],
    usage,
  };
  const stream = [
    { type: 'message_start', message: { ...answer, stop_reason: null, usage: { ...usage, output_tokens: 1 } } },
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Why' } },
    { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 21 } },
    {
      type: 'message_stop',
      'amazon-bedrock-invocationMetrics': { inputTokenCount: 16, outputTokenCount: 21, cacheReadInputTokenCount: 5 },
    },
  ];

  test('is read in its own words', () => {
    expect(read(bedrockInvoke, JSON_BODY, JSON.stringify(answer))).toMatchObject({
      usage: { uncached_input: 16, cache_read: 5, visible_output: 21 },
      usageFlags: ['split_unknown'],
      servedModel: 'claude-haiku-4-5-20251001',
      upstreamId: 'msg_bdrk_1',
      finishReason: 'end_turn',
    });
  });

  test('is read the same in any chunking of its stream', () => {
    const whole = read(bedrockInvoke, EVENT_STREAM, modelChunks(...stream));
    expect(whole).toMatchObject({
      usage: { uncached_input: 16, cache_read: 5, visible_output: 21 },
      usageFlags: ['split_unknown'],
      complete: true,
    });
    fc.assert(
      fc.property(chunkings(fc.constant(modelChunks(...stream))), ({ chunks }) => {
        expect(read(bedrockInvoke, EVENT_STREAM, ...chunks)).toEqual(whole);
      }),
    );
  });

  test('its own account rules over the metrics, which may leave tools out', () => {
    const last = { type: 'message_stop', 'amazon-bedrock-invocationMetrics': { inputTokenCount: 16, outputTokenCount: 9 } };
    expect(read(bedrockInvoke, EVENT_STREAM, modelChunks(...stream.slice(0, -1), last))).toMatchObject({
      usage: { visible_output: 21 },
      usageFlags: ['split_unknown', 'contradictory'],
    });
  });

  test('a stream that breaks off has stated its input', () => {
    const reader = bedrockInvoke.usageReader({ ...EVENT_STREAM, httpStatus: 200, answerBytesMax: 1000 });
    reader.push(modelChunks(...stream.slice(0, 2)));
    expect([reader.sawContent, reader.sawEnd]).toEqual([true, false]);
    expect(reader.soFar()).toMatchObject({ stated: { uncached_input: 16, cache_read: 5, visible_output: null }, contentBytes: 3 });
    expect(reader.end()).toMatchObject({ usage: null, usageReason: 'cut_off', complete: false });
  });

  test('counts in the headers are stated input, too', () => {
    const reader = bedrockInvoke.usageReader({ ...JSON_BODY, headers: COUNTED, httpStatus: 200, answerBytesMax: 1000 });
    expect(reader.soFar().stated).toMatchObject({ uncached_input: 28, visible_output: null });
  });
});

describe('others with words of their own', () => {
  test('Nova', () => {
    const usage = { inputTokens: 25, outputTokens: 10, cacheReadInputTokenCount: 0, cacheWriteInputTokenCount: 0 };
    const chunks = [
      { messageStart: { role: 'assistant' } },
      { contentBlockDelta: { delta: { text: 'This' }, contentBlockIndex: 0 } },
      { messageStop: { stopReason: 'max_tokens' } },
      { metadata: { usage, metrics: {}, trace: {} }, 'amazon-bedrock-invocationMetrics': { inputTokenCount: 25, outputTokenCount: 10 } },
    ];
    const expected = { usage: { uncached_input: 25, cache_read: 0, visible_output: 10 }, finishReason: 'max_tokens', complete: true };
    expect(read(bedrockInvoke, EVENT_STREAM, modelChunks(...chunks))).toMatchObject(expected);
    expect(read(bedrockInvoke, JSON_BODY, JSON.stringify({ output: { message: {} }, stopReason: 'max_tokens', usage }))).toMatchObject(
      expected,
    );
  });

  test('what a guardrail dropped of Nova’s usage stands in the headers', () => {
    const answer = JSON.stringify({ output: { message: {} }, stopReason: 'end_turn', usage: { inputTokens: 28 } });
    expect(read(bedrockInvoke, { ...JSON_BODY, headers: COUNTED }, answer)).toMatchObject({ usage: KNOWN, usageFlags: [] });
  });

  test('models with the words of OpenAI’s completions', () => {
    const answer = {
      model: '/opt/ml/model',
      choices: [{ text: 'x', finish_reason: 'length' }],
      usage: { prompt_tokens: 6, completion_tokens: 100, total_tokens: 106 },
    };
    expect(read(bedrockInvoke, JSON_BODY, JSON.stringify(answer))).toMatchObject({
      usage: { uncached_input: 6, visible_output: 100 },
      servedModel: '/opt/ml/model',
      finishReason: 'length',
    });
  });

  test('an answer that only looks like Claude’s is counted by the metrics', () => {
    const chunks = [
      { type: 'message-start', id: 'c' },
      { type: 'message-end', delta: { finish_reason: 'COMPLETE' }, ...METRICS },
    ];
    expect(read(bedrockInvoke, EVENT_STREAM, modelChunks(...chunks))).toMatchObject({ usage: KNOWN, complete: true });
  });

  test('the tier stands in the headers', () => {
    const tier = (headers: Record<string, string>): string => read(bedrockInvoke, { ...JSON_BODY, headers }, '{}').serviceTier;
    expect(tier({ 'x-amzn-bedrock-service-tier': 'priority' })).toBe('priority');
    expect(tier({ 'x-amzn-bedrock-performanceconfig-latency': 'optimized' })).toBe('optimized');
  });
});

describe('what is wrong', () => {
  test('is named by an exception in the stream', () => {
    const chunks = [modelChunks({ generation: 'x', stop_reason: null }), streamException('modelStreamErrorException', 'no')];
    expect(read(bedrockInvoke, EVENT_STREAM, ...chunks)).toMatchObject({
      usage: null,
      usageReason: 'upstream_error',
      errorClass: 'modelStreamErrorException',
    });
  });

  test('is named by the headers of an error', () => {
    const headers = { 'x-amzn-errortype': 'ValidationException' };
    expect(read(bedrockInvoke, { ...JSON_BODY, headers, httpStatus: 400 }, '{"message":"no"}')).toMatchObject({
      errorClass: 'ValidationException',
      usageReason: 'upstream_error',
    });
  });

  test.each([
    {},
    { bytes: 5 },
    { bytes: '!' },
    { bytes: Buffer.from('[]').toString('base64') },
    { bytes: Buffer.from('no json').toString('base64') },
  ])('a part without a chunk is passed over: %j', (part) => {
    const chunks = modelChunks({ generation: 'x', stop_reason: 'stop', ...METRICS });
    expect(read(bedrockInvoke, EVENT_STREAM, streamEvent('chunk', part), chunks)).toMatchObject({ usage: KNOWN, complete: true });
  });
});
