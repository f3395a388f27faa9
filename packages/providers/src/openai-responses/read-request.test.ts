import { describe, expect, test } from 'vitest';
import type { RequestFacts } from '../surface.ts';
import { openaiResponses } from './index.ts';

function facts(request: object): RequestFacts {
  const read = openaiResponses.readRequest(Buffer.from(JSON.stringify({ model: 'm', ...request })), { injectUsage: true });
  if (read.kind === 'rejected') throw new Error(read.message);
  return read;
}

test('nothing is added to a stream: it states its usage anyway', () => {
  expect(facts({ input: 'hi', stream: true })).toMatchObject({ streamed: true, injectedBody: undefined });
});

test('a stored prompt may name the model', () => {
  expect(openaiResponses.readRequest(Buffer.from('{"prompt":{"id":"pmpt_1"}}'), { injectUsage: true })).toMatchObject({ model: '' });
});

describe('the size of a body tells of its tokens', () => {
  test.each([
    ['of a text', { input: 'hi' }],
    ['of texts', { input: [{ role: 'user', content: [{ type: 'input_text', text: 'an image' }] }] }],
    ['of what a tool said', { input: [{ type: 'function_call_output', output: 'found' }] }],
  ])('%s', (_what, request) => {
    expect(facts(request).holdsMedia).toBe(false);
  });

  test.each([
    ['of an image', { input: [{ role: 'user', content: [{ type: 'input_image', image_url: 'data:' }] }] }],
    ['of an image that a tool gave', { input: [{ type: 'function_call_output', output: [{ type: 'input_image' }] }] }],
    ['of a screen', { input: [{ type: 'computer_call_output', output: { type: 'computer_screenshot', image_url: 'data:' } }] }],
    ['that goes on from a stored one', { input: 'hi', previous_response_id: 'resp_1' }],
    ['of a stored conversation', { input: 'hi', conversation: 'conv_1' }],
  ])('not %s', (_what, request) => {
    expect(facts(request).holdsMedia).toBe(true);
  });
});

test('equal tool calls give equal texts, whatever came between', () => {
  const call = { type: 'function_call', call_id: 'c', name: 'find', arguments: '{"a":1}' };
  const result = { type: 'function_call_output', call_id: 'c', output: 'found' };
  expect(facts({ input: 'hi' }).lastToolText).toBe('');
  expect(facts({ input: [{ role: 'user', content: 'hi' }] }).lastToolText).toBe('');
  expect(facts({ input: [call, result, { role: 'user', content: 'go on' }] }).lastToolText).toBe('find({"a":1})');
  expect(facts({ input: [result] }).lastToolText).toBe('(found)');
  expect(facts({ input: [{ type: 'local_shell_call', action: { command: ['ls'] } }] }).lastToolText).toBe(
    'local_shell_call({"command":["ls"]})',
  );
});
