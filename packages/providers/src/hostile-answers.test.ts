// No answer of any provider, however malicious, makes a usage reader throw, say other things in other chunks, state what is no count, or hold more than its bound.
import { USAGE_CLASSES } from '@tokenledger/domain';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SSE_EVENT_BYTES_MAX } from './answer-reader.ts';
import { type AnswerDescription, type ObservedAnswer, RAW_USAGE_BYTES_MAX, type Surface } from './surface.ts';
import { SURFACES } from './surfaces.ts';
import { cutting } from './testing/chunkings.ts';
import { hostileAnswer, hostileHeaders } from './testing/hostile.ts';
import { unknownSurface } from './unknown-surface.ts';

const surfaces: readonly (readonly [string, Surface])[] = [
  ...Object.entries(SURFACES),
  ['unknown', unknownSurface(SURFACES['openai.chat'])],
];

const PROVIDERS = [
  'openai',
  'azure',
  'anthropic',
  'google',
  'vertex',
  'bedrock',
  'cohere',
  'ollama',
  'mistral',
  'groq',
  'deepseek',
  'xai',
  'openrouter',
  'together',
  'fireworks',
  'perplexity',
  'zai',
  'cerebras',
  'vercel',
  'huggingface',
  'local',
  'writer',
  '__proto__',
  'constructor',
];
const MIB = 1024 * 1024;

const description: fc.Arbitrary<Omit<AnswerDescription, 'contentType'>> = fc.record({
  httpStatus: fc.constantFrom(200, 200, 200, 204, 400, 500),
  answerBytesMax: fc.constantFrom(10_000, 10_000, 60),
  headers: hostileHeaders,
  provider: fc.constantFrom(...PROVIDERS),
  requestedModel: fc.constantFrom('', 'gpt-4o', 'anthropic.claude-3', 'meta.llama3', 'amazon.titan', 'cohere.command', 'constructor'),
});

/** What is said of the answer; `meddling`: between its chunks everything is asked that the ingress may ask. */
function observe(surface: Surface, answer: AnswerDescription, chunks: readonly Buffer[], meddling: boolean): ObservedAnswer {
  const reader = surface.usageReader(answer);
  let pushed = 0;
  for (const chunk of chunks) {
    reader.push(chunk);
    pushed += chunk.length;
    if (!meddling) continue;
    expect(reader.heldBytes).toBeLessThanOrEqual(pushed);
    expect(reader.sawContent).toBeTypeOf('boolean');
    expect(reader.sawEnd).toBeTypeOf('boolean');
    if (pushed > 20) reader.measureContent();
    const { contentBytes, stated } = reader.soFar();
    expect(contentBytes).toBeGreaterThanOrEqual(0);
    expectCounts(stated);
  }
  return reader.end();
}

function expectCounts(usage: ObservedAnswer['usage']): void {
  for (const [name, count] of Object.entries(usage ?? {})) {
    expect(USAGE_CLASSES).toContain(name);
    if (count !== null) expect(Number.isSafeInteger(count) && count >= 0, `${name} is ${count}`).toBe(true);
  }
}

describe.each(surfaces)('%s', (_name, surface) => {
  test('any bytes in any chunks: nothing is thrown, the same is said, and what is said can be recorded', () => {
    fc.assert(
      fc.property(hostileAnswer, cutting(60), description, ({ bytes, contentType }, cut, described) => {
        const answer = { ...described, contentType };
        const whole = observe(surface, answer, [bytes], false);
        expect(observe(surface, answer, cut(bytes), true)).toEqual(whole);
        expect(observe(surface, answer, cut(bytes), false)).toEqual(whole);
        expectCounts(whole.usage);
        expect(whole.usage === null).toBe(whole.usageReason !== '');
        expect(Buffer.byteLength(whole.rawUsage)).toBeLessThanOrEqual(RAW_USAGE_BYTES_MAX);
        for (const name of ['servedModel', 'serviceTier', 'upstreamId', 'finishReason', 'errorClass'] as const) {
          expect(whole[name]).toBeTypeOf('string');
          expect(whole[name].length).toBeLessThanOrEqual(256);
          expect(whole[name].isWellFormed()).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });

  test.each([
    ['10,000 levels of objects', '{"usage":', '1', '}'],
    ['10,000 levels of lists', '[', '1', ']'],
    ['10,000 levels of usage in usage', '{"type":"message_delta","usage":{"prompt_tokens":1,"usage":', '1', '}}'],
    ['10,000 levels of arguments', '{"candidates":[{"content":{"parts":[{"functionCall":{"args":', '1', '}}]}}]}'],
  ])('%s are read, or said to be unreadable', (_what, open, middle, close) => {
    const text = open.repeat(10_000) + middle + close.repeat(10_000);
    const usage = `{"usage":${text},"usageMetadata":${text},"message":{"usage":${text}},"meta":{"billed_units":${text}}}`;
    for (const contentType of ['application/json', 'text/event-stream', 'application/x-ndjson']) {
      for (const json of [text, usage]) {
        const reader = surface.usageReader({ contentType, httpStatus: 200, answerBytesMax: 8 * MIB });
        reader.measureContent();
        reader.push(Buffer.from(contentType === 'text/event-stream' ? `data: ${json}\n\n` : `${json}\n`));
        reader.soFar();
        expect(Buffer.byteLength(reader.end().rawUsage)).toBeLessThanOrEqual(RAW_USAGE_BYTES_MAX);
      }
    }
  });

  test.each([
    ['text/event-stream', 'data: {"usage":"'],
    ['text/event-stream', 'data: a\n'],
    ['text/event-stream', ''],
    ['application/json', '{"usage":"'],
    ['application/json', '[{"usage":"'],
    ['application/json', '[['],
    ['application/x-ndjson', '{"usage":"'],
    ['application/vnd.amazon.eventstream', '\u0000\u0080\u0000\u0000'],
  ])('of %s that goes on and on after %j no more is held than its bound', (contentType, begin) => {
    const answerBytesMax = MIB;
    const reader = surface.usageReader({ contentType, httpStatus: 200, answerBytesMax });
    reader.push(Buffer.from(begin, 'latin1'));
    const chunk = Buffer.alloc(256 * 1024, 'a');
    let held = 0;
    for (let bytes = 0; bytes < 12 * MIB; bytes += chunk.length) {
      reader.push(chunk);
      held = Math.max(held, reader.heldBytes);
    }
    expect(held).toBeLessThanOrEqual(Math.max(answerBytesMax, SSE_EVENT_BYTES_MAX) + chunk.length);
    expect(reader.end().usage).toBeNull();
  });

  test('what is given up holds nothing, whenever that is', () => {
    fc.assert(
      fc.property(hostileAnswer, cutting(60), description, fc.nat({ max: 20 }), ({ bytes, contentType }, cut, described, after) => {
        const reader = surface.usageReader({ ...described, contentType });
        for (const [index, chunk] of cut(bytes).entries()) {
          reader.push(chunk);
          if (index !== after) continue;
          reader.giveUp();
          // The head of a binary message has to be kept, to know where it ends.
          expect(reader.heldBytes).toBeLessThan(16);
        }
        expectCounts(reader.end().usage);
      }),
      { numRuns: 60 },
    );
  });
});
