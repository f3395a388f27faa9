import { expect, test } from 'vitest';
import type { RequestFacts } from '../surface.ts';
import { bedrockInvoke } from './index.ts';

const [PLAIN, STREAM] = bedrockInvoke.endpoints;

function facts(body: unknown, endpoint = PLAIN): RequestFacts {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  const read = bedrockInvoke.readRequest(bytes, { injectUsage: true, path: { model: 'meta.llama3-70b-instruct-v1:0' }, endpoint });
  if (read.kind === 'rejected') throw new Error(read.message);
  return read;
}

test('the path names the model, and whether the answer streams', () => {
  expect(facts({ prompt: 'x', stream: true })).toMatchObject({
    model: 'meta.llama3-70b-instruct-v1:0',
    streamed: false,
    injectedBody: undefined,
  });
  expect(facts({ prompt: 'x' }, STREAM).streamed).toBe(true);
});

test('a path that names none is refused', () => {
  expect(bedrockInvoke.readRequest(Buffer.from('{}'), { injectUsage: true })).toMatchObject({ kind: 'rejected', code: 'REQUEST_INVALID' });
});

test.each(['', 'no json', '[]', 'null'])('the body is the model’s own: nothing in it is required: %s', (body) => {
  expect(facts(body)).toMatchObject({ kind: 'request', holdsMedia: false, lastToolText: '' });
});

test.each([
  { messages: [{ role: 'user', content: [{ type: 'image', source: {} }] }] },
  { messages: [{ role: 'user', content: [{ image: { format: 'png' } }] }] },
  { inputText: 'x', inputImage: 'aGVsbG8=' },
])('media is found in the words of each model: %j', (body) => {
  expect(facts(body).holdsMedia).toBe(true);
});

test.each([
  { messages: [{ role: 'assistant', content: [{ type: 'tool_use', id: 't', name: 'weather', input: { a: 1 } }] }] },
  { messages: [{ role: 'assistant', content: [{ toolUse: { toolUseId: 't', name: 'weather', input: { a: 1 } } }] }] },
])('the last tool is found in the words of each model: %j', (body) => {
  expect(facts(body).lastToolText).toBe('weather({"a":1})');
});
