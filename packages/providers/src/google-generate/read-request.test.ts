import { isRejected } from '@tokenledger/domain';
import { describe, expect, test } from 'vitest';
import type { RequestFacts, Surface } from '../surface.ts';
import { SURFACES } from '../surfaces.ts';

type GoogleSurface = 'google.generate' | 'google.embed' | 'vertex.generate' | 'vertex.embed' | 'vertex.messages';

/** Through each of the surface's endpoints for `method`. */
function facts(name: GoogleSurface, method: string, body: unknown): readonly RequestFacts[] {
  const surface: Surface = SURFACES[name];
  const endpoints = surface.endpoints.filter(({ path }) => path.endsWith(`:${method}`));
  expect(endpoints).not.toHaveLength(0);
  return endpoints.map((endpoint) => {
    const read = surface.readRequest(Buffer.from(JSON.stringify(body)), {
      injectUsage: true,
      endpoint,
      path: { model: 'm-1', region: 'us-east5' },
    });
    if (isRejected(read)) throw new Error(read.message);
    return read;
  });
}

const ASKED = { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] };

describe('what is asked of Google', () => {
  test.each([
    ['google.generate', 'generateContent', 'streamGenerateContent', ASKED],
    ['vertex.generate', 'generateContent', 'streamGenerateContent', ASKED],
    ['vertex.messages', 'rawPredict', 'streamRawPredict', { messages: [] }],
  ] as const)('%s has its model in the path, and the method tells whether it streams', (name, plain, stream, body) => {
    for (const each of facts(name, plain, body)) expect(each).toMatchObject({ model: 'm-1', streamed: false, injectedBody: undefined });
    for (const each of facts(name, stream, body)) expect(each).toMatchObject({ model: 'm-1', streamed: true, injectedBody: undefined });
  });

  test('a body may ask for Claude’s stream by either method', () => {
    expect(facts('vertex.messages', 'rawPredict', { stream: true, messages: [] })[0]).toMatchObject({ streamed: true });
  });

  test('embeddings name their model in the path, whatever the body names', () => {
    const content = { parts: [{ text: 'hi' }] };
    const expected = { model: 'm-1', streamed: false, holdsMedia: false };
    for (const each of facts('google.embed', 'embedContent', { model: 'models/other', content })) expect(each).toMatchObject(expected);
    for (const each of facts('google.embed', 'batchEmbedContents', { requests: [{ model: 'models/other', content }] })) {
      expect(each).toMatchObject(expected);
    }
    for (const each of facts('vertex.embed', 'embedContent', { content })) expect(each).toMatchObject(expected);
  });

  test.each(['inlineData', 'inline_data', 'fileData', 'file_data'])('%s is media', (part) => {
    const media = { parts: [{ text: 'what is this?' }, { [part]: { mimeType: 'image/png' } }] };
    expect(facts('google.generate', 'generateContent', { contents: [media] })[0]).toMatchObject({ holdsMedia: true });
    expect(facts('google.generate', 'generateContent', ASKED)[0]).toMatchObject({ holdsMedia: false });
    expect(facts('google.embed', 'batchEmbedContents', { requests: [{ content: media }] })[0]).toMatchObject({ holdsMedia: true });
  });

  test('the last call is found in either spelling, else the last result', () => {
    const last = (...parts: readonly unknown[]): string | undefined =>
      facts('google.generate', 'generateContent', { contents: [{ role: 'model', parts }] })[0]?.lastToolText;
    expect(last({ text: 'hi' })).toBe('');
    expect(last({ functionCall: { name: 'find', args: { a: 1 } } }, { text: 'hi' })).toBe('find({"a":1})');
    expect(last({ function_call: { name: 'find', args: { a: 1 } } }, { functionResponse: { name: 'find', response: {} } })).toBe(
      'find({"a":1})',
    );
    expect(last({ function_response: { name: 'find', response: { b: 2 } } })).toBe('find({"b":2})');
  });
});
