import { describe, expect, test } from 'vitest';
import { MODEL_CHARS_MAX } from '../request-body.ts';
import type { RequestFacts } from '../surface.ts';
import { bedrockConverse } from './index.ts';

const [PLAIN, STREAM] = bedrockConverse.endpoints;

function facts(body: unknown, model = 'amazon.nova-lite-v1:0', endpoint = PLAIN): RequestFacts {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  const read = bedrockConverse.readRequest(bytes, { injectUsage: true, path: { model }, endpoint });
  if (read.kind === 'rejected') throw new Error(read.message);
  return read;
}

function messages(...content: readonly unknown[]): unknown {
  return {
    messages: [
      { role: 'user', content: [{ text: 'before' }] },
      { role: 'user', content },
    ],
  };
}

test('the path names the model, and whether the answer streams', () => {
  expect(facts(messages())).toEqual({
    kind: 'request',
    model: 'amazon.nova-lite-v1:0',
    streamed: false,
    injectedBody: undefined,
    holdsMedia: false,
    lastToolText: '',
  });
  expect(facts(messages(), 'm', STREAM).streamed).toBe(true);
});

test('a model may be a profile’s ARN', () => {
  const arn = 'arn:aws:bedrock:us-east-1:012345678901:inference-profile/us.anthropic.claude-3-7-sonnet-20250219-v1:0';
  expect(facts(messages(), arn).model).toBe(arn);
});

test.each(['', 'm'.repeat(MODEL_CHARS_MAX + 1)])('a path that names none is refused: %s', (model) => {
  expect(bedrockConverse.readRequest(Buffer.from('{}'), { injectUsage: true, path: { model } })).toMatchObject({ code: 'REQUEST_INVALID' });
});

test.each(['', 'no json', '[]', '{"messages":5}', '{"messages":[5,{"content":5},{"content":[5]}]}'])(
  'what is wrong with a body is for Bedrock to say: %s',
  (body) => {
    expect(facts(body)).toMatchObject({ model: 'amazon.nova-lite-v1:0', holdsMedia: false, lastToolText: '' });
  },
);

describe('media', () => {
  test.each(['image', 'document', 'video', 'audio'])('is a block of its kind: %s', (kind) => {
    expect(facts(messages({ [kind]: { format: 'x' } })).holdsMedia).toBe(true);
  });

  test('may stand in the result of a tool', () => {
    expect(facts(messages({ toolResult: { toolUseId: 't', content: [{ image: {} }] } })).holdsMedia).toBe(true);
    expect(facts(messages({ toolResult: { toolUseId: 't', content: [{ text: 'image' }] } })).holdsMedia).toBe(false);
  });
});

describe('the last tool', () => {
  test('is the last call', () => {
    const first = { toolUse: { toolUseId: '1', name: 'first', input: { a: 1 } } };
    const last = { toolUse: { toolUseId: '2', name: 'last', input: { b: 2 } } };
    expect(facts(messages(first, last, { toolResult: { toolUseId: '2', content: [{ text: 'r' }] } })).lastToolText).toBe('last({"b":2})');
  });

  test('or the last result where there is no call', () => {
    expect(facts(messages({ toolResult: { toolUseId: '2', content: [{ text: 'r' }] } })).lastToolText).toBe('([{"text":"r"}])');
  });
});
