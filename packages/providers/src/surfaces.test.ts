import { describe, expect, test } from 'vitest';
import { MODEL_CHARS_MAX } from './request-body.ts';
import type { RequestFacts } from './surface.ts';
import { SURFACES } from './surfaces.ts';

const surfaces = Object.entries(SURFACES);
const MODEL_OPTIONAL: ReadonlySet<string> = new Set([
  'openai.responses',
  'openai.images',
  'openai.transcription',
  'openai.batches',
  'anthropic.batches',
  'cohere.chat',
  'cohere.generate',
  'cohere.embed',
  'cohere.rerank',
]);

const STATUSES = [400, 401, 403, 404, 413, 429, 500, 503, 504, 529] as const;

function facts(surface: keyof typeof SURFACES, body: unknown, injectUsage = true): RequestFacts {
  const read = SURFACES[surface].readRequest(Buffer.from(JSON.stringify(body)), { injectUsage });
  if (read.kind === 'rejected') throw new Error(read.message);
  return read;
}

describe.each(surfaces)('%s', (name, surface) => {
  test('is listed by its own name', () => {
    expect(surface.name).toBe(name);
  });

  test.each(['', 'no json', '[]', 'null', '{"model":1}', `{"model":"${'m'.repeat(MODEL_CHARS_MAX + 1)}"}`])(
    'refuses a body that is not understood: %s',
    (body) => {
      expect(surface.readRequest(Buffer.from(body), { injectUsage: true })).toMatchObject({ kind: 'rejected', code: 'REQUEST_INVALID' });
    },
  );

  test.each(['{}', '{"model":""}', '{"model":null}'])(
    'refuses a body that names no model, unless the provider has one for that: %s',
    (body) => {
      const expected = MODEL_OPTIONAL.has(name) ? { kind: 'request', model: '' } : { kind: 'rejected', code: 'REQUEST_INVALID' };
      expect(surface.readRequest(Buffer.from(body), { injectUsage: true })).toMatchObject(expected);
    },
  );

  test('an error is JSON that tells what happened, and its code', () => {
    for (const status of STATUSES) {
      const error: unknown = JSON.parse(surface.errorBody({ status, code: 'SOME_CODE', message: 'something', requestId: 'r-1' }));
      expect(error).toBeTypeOf('object');
      expect(JSON.stringify(error)).toMatch(/something.*SOME_CODE|SOME_CODE.*something/);
    }
  });
});

test('the kind of an error stands where each provider’s clients look for it', () => {
  const error = (name: keyof typeof SURFACES, status: number): unknown => {
    const body = SURFACES[name].errorBody({ status, code: 'SOME_CODE', message: 'm', requestId: 'r-1' });
    return (JSON.parse(body) as { readonly error: unknown }).error;
  };
  for (const status of STATUSES) {
    for (const name of ['openai.chat', 'anthropic.messages', 'vertex.messages'] as const) {
      expect(error(name, status)).toMatchObject({ type: expect.stringMatching(/^[a-z]+_[a-z_]+$/) as unknown });
    }
    for (const name of ['google.generate', 'google.embed', 'vertex.generate', 'vertex.embed'] as const) {
      expect(error(name, status)).toMatchObject({ code: status, status: expect.stringMatching(/^[A-Z_]+$/) as unknown });
    }
  }
});

test('an OpenAI stream is asked for its usage only where that is allowed', () => {
  const request = { model: 'gpt-4o', stream: true, messages: [] };
  expect(JSON.parse(String(facts('openai.chat', request).injectedBody))).toEqual({ ...request, stream_options: { include_usage: true } });
  expect(facts('openai.chat', request, false).injectedBody).toBeUndefined();
  expect(facts('openai.chat', { ...request, stream: false }).injectedBody).toBeUndefined();
  expect(facts('openai.chat', { ...request, stream_options: { include_usage: true } }).injectedBody).toBeUndefined();
  expect(facts('anthropic.messages', request).injectedBody).toBeUndefined();
});

test('equal tool calls give equal texts, whatever came between', () => {
  const call = (args: string): unknown => ({
    role: 'assistant',
    tool_calls: [{ id: String(Math.random()), function: { name: 'find', arguments: args } }],
  });
  const text = (messages: readonly unknown[]): string => facts('openai.chat', { model: 'm', messages }).lastToolText;
  expect(text([{ role: 'user', content: 'hi' }])).toBe('');
  expect(text([call('{"a":1}')])).toBe('find({"a":1})');
  expect(text([call('{"a":1}'), { role: 'tool', content: 'x' }, { role: 'user', content: 'hi' }])).toBe('find({"a":1})');
  expect(text([call('{"a":1}'), call('{"a":2}')])).toBe('find({"a":2})');
  expect(text([{ role: 'tool', content: 'found' }])).toBe('(found)');
  expect(text([call('x'.repeat(100_000))]).length).toBeLessThan(9000);
});

test('Anthropic’s tool calls are found among the blocks of a message', () => {
  const text = (messages: readonly unknown[]): string => facts('anthropic.messages', { model: 'm', messages }).lastToolText;
  const call = {
    role: 'assistant',
    content: [
      { type: 'text', text: 'a' },
      { type: 'tool_use', id: 'x', name: 'find', input: { a: 1 } },
    ],
  };
  const result = { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'x', content: 'found' }] };
  expect(text([{ role: 'user', content: 'hi' }])).toBe('');
  expect(text([call, result])).toBe('find({"a":1})');
  expect(text([result])).toBe('(found)');
});

test('credentials travel as each provider wants them', () => {
  expect(SURFACES['openai.chat'].credentialHeaders('s', 'x')).toEqual({ authorization: 'Bearer s' });
  expect(SURFACES['anthropic.messages'].credentialHeaders('s', 'x')).toEqual({ 'x-api-key': 's' });
  expect(SURFACES['google.generate'].credentialHeaders('s', 'google')).toEqual({ 'x-goog-api-key': 's' });
  expect(SURFACES['vertex.generate'].credentialHeaders('ya29.s', 'vertex')).toEqual({ authorization: 'Bearer ya29.s' });
  expect(SURFACES['vertex.messages'].credentialHeaders('AIzaKey', 'vertex')).toEqual({ 'x-goog-api-key': 'AIzaKey' });
});
