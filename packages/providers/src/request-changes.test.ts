import { expect, test } from 'vitest';
import { withModel } from './request-changes.ts';

test.each([
  ['{"model":"fast","messages":[]}', '{"model":"gpt-5-mini","messages":[]}'],
  [' { "messages" : [{"model":"inner"}] , "model" : "fast" } ', ' { "messages" : [{"model":"inner"}] , "model" : "gpt-5-mini" } '],
  ['{"mod\\u0065l":"fast"}', '{"mod\\u0065l":"gpt-5-mini"}'],
  ['{"model":"first","model":"fast"}', '{"model":"first","model":"gpt-5-mini"}'],
  ['{"model":null}', '{"model":"gpt-5-mini"}'],
])('the model of %s is changed, and nothing else', (body, expected) => {
  expect(withModel(Buffer.from(body), 'gpt-5-mini')?.toString()).toBe(expected);
});

test.each(['{"messages":[]}', '[]', '--form\r\nname="model"', ''])('a body that names no model is left alone: %s', (body) => {
  expect(withModel(Buffer.from(body), 'gpt-5-mini')).toBeUndefined();
});
