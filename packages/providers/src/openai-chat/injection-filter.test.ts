import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chunkings } from '../testing/chunkings.ts';
import { FILTERED_EVENT_BYTES_MAX, InjectedUsageFilter } from './injection-filter.ts';

function filtered(chunks: readonly Buffer[]): string {
  const filter = new InjectedUsageFilter();
  return Buffer.concat([...chunks.map((chunk) => filter.push(chunk)), filter.end()]).toString();
}

function whole(text: string): string {
  return filtered([Buffer.from(text)]);
}

test.each([
  ['the member of a chunk', 'data: {"choices":[{"delta":{}}],"usage":null}\n\n', 'data: {"choices":[{"delta":{}}]}\n\n'],
  ['a member before others', 'data: {"id":"a","usage":null,"choices":[{}]}\n\n', 'data: {"id":"a","choices":[{}]}\n\n'],
  ['a first member', 'data: {"usage":null,"choices":[{}]}\n\n', 'data: {"choices":[{}]}\n\n'],
  ['white space', 'data: { "choices" : [ ] , "usage" : null }\n\n', 'data: { "choices" : [ ]  }\n\n'],
  ['CRLF', 'data: {"a":1,"usage":null}\r\n\r\n', 'data: {"a":1}\r\n\r\n'],
  ['no space after the field name', 'data:{"a":1,"usage":null}\n\n', 'data:{"a":1}\n\n'],
  [
    'the chunk of usage alone',
    'data: {"a":1}\n\ndata: {"choices":[],"usage":{"prompt_tokens":1}}\n\ndata: [DONE]\n\n',
    'data: {"a":1}\n\ndata: [DONE]\n\n',
  ],
  ['a last event without its blank line', 'data: {"choices":[{}],"usage":null}', 'data: {"choices":[{}]}'],
  ['an event with other fields', 'event: x\nid: 1\ndata: {"choices":[],"usage":{}}\n\ndata: [DONE]\n\n', 'data: [DONE]\n\n'],
])('takes out %s', (_name, stream, expected) => {
  expect(whole(stream)).toBe(expected);
});

test.each([
  ['a nested member', 'data: {"choices":[{"usage":null}]}\n\n'],
  ['usage beside choices', 'data: {"choices":[{"index":0}],"usage":{"prompt_tokens":1}}\n\n'],
  ['a nested member at the end', 'data: {"choices":[],"x":{"usage":null}}\n\n'],
  ['text', String.raw`data: {"choices":[{"delta":{"content":",\"usage\":null}"}}]}` + '\n\n'],
  ['a text that is the word', 'data: {"choices":[{"delta":{"content":"usage"}}]}\n\n'],
  ['a name that ends in the word', 'data: {"x_usage":null}\n\n'],
  ['a comment', ': {"usage":null}\n\n'],
  ['something other than an object', 'data: ["usage",null]\n\n'],
  ['a chunk without choices to speak of', 'data: {"choices":[],"prompt_filter_results":[]}\n\n'],
  ['JSON over two lines', 'data: {"a":1,\ndata: "usage":null\ndata: }\n\n'],
  ['a number', 'data: {"a":1,"usage":0}\n\n'],
  ['unfinished JSON', 'data: {"choices":[{}],"usage":null'],
])('leaves %s', (_name, stream) => {
  expect(whole(stream)).toBe(stream);
});

test('an event that is too long to hold passes unread', () => {
  const long = `data: {"content":"${'x'.repeat(FILTERED_EVENT_BYTES_MAX)}","usage":null}\n\n`;
  const chunks = [long.slice(0, 1000), long.slice(1000, -9), long.slice(-9), 'data: {"a":1,"usage":null}\n\n'].map((text) =>
    Buffer.from(text),
  );
  expect(filtered(chunks) === `${long}data: {"a":1}\n\n`).toBe(true);
});

test('events that a push completes leave with it', () => {
  const filter = new InjectedUsageFilter();
  expect(filter.push(Buffer.from('data: {"a":1,"usage":null}\n\ndata: {"b"')).toString()).toBe('data: {"a":1}\n\n');
  expect(filter.push(Buffer.from(':2,"usage":null}\n')).toString()).toBe('');
  expect(filter.push(Buffer.from('\ndata: [DONE]\n\n')).toString()).toBe('data: {"b":2}\n\ndata: [DONE]\n\n');
  expect(filter.end()).toHaveLength(0);
});

test('a stream that was asked for usage is filtered to the stream that was not, however it is cut', () => {
  const content = fc.constantFrom('hello', ',"usage":null', '{"usage":{}}', 'usage', '\\', '"', 'é😀', '\n\n', 'data: [DONE]');
  const chunk = fc.record({ content, usageFirst: fc.boolean(), obfuscation: fc.boolean() });
  const streams = fc.tuple(fc.array(chunk, { maxLength: 8 }), fc.constantFrom('\n', '\r\n')).map(([chunks, end]) => ({
    asked: stream(
      chunks.map((one) => JSON.stringify(askedChunk(one))).concat(JSON.stringify({ id: 'x', choices: [], usage: { prompt_tokens: 3 } })),
      end,
    ),
    notAsked: stream(
      chunks.map((one) => JSON.stringify(plainChunk(one))),
      end,
    ),
  }));
  fc.assert(
    fc.property(
      streams.chain(({ asked, notAsked }) => chunkings(fc.constant(Buffer.from(asked))).map(({ chunks }) => ({ chunks, notAsked }))),
      ({ chunks, notAsked }) => {
        expect(filtered(chunks)).toBe(notAsked);
      },
    ),
    { numRuns: 500 },
  );
});

interface SomeChunk {
  readonly content: string;
  readonly usageFirst: boolean;
  readonly obfuscation: boolean;
}

function plainChunk({ content, obfuscation }: SomeChunk): Record<string, unknown> {
  return { id: 'x', choices: [{ delta: { content }, finish_reason: null }], ...(obfuscation ? { obfuscation: 'abc' } : {}) };
}

function askedChunk(chunk: SomeChunk): Record<string, unknown> {
  const { id, choices, ...rest } = plainChunk(chunk);
  return chunk.usageFirst ? { id, usage: null, choices, ...rest } : { id, choices, usage: null, ...rest };
}

function stream(data: readonly string[], end: string): string {
  return [...data, '[DONE]'].map((one) => `data: ${one}${end}${end}`).join('');
}

test('bytes that are no stream of events pass as they came', () => {
  fc.assert(
    fc.property(chunkings(fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes))), ({ bytes, chunks }) => {
      expect(filtered(chunks)).toBe(bytes.toString());
    }),
  );
});
