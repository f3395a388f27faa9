import { expect, test } from 'vitest';
import { tableOfPaths, tableOfTails } from './endpoint-table.ts';
import { segmentsOf } from './path-template.ts';

interface Listed {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly tail?: string;
}

const ENDPOINTS: readonly Listed[] = [
  { name: 'completions', method: 'POST', path: '/v1/completions', tail: '/completions' },
  { name: 'chat', method: 'POST', path: '/v1/chat/completions', tail: '/chat/completions' },
  { name: 'deployment', method: 'POST', path: '/openai/deployments/{model}/chat/completions' },
  { name: 'stored', method: 'GET', path: '/v1/chat/completions', tail: '/chat/completions' },
  { name: 'located', method: 'POST', path: '/v1/locations/{region}/models/{model}:go', tail: '/models/{model}:go' },
  { name: 'one', method: 'GET', path: '/v1/responses/{response}', tail: '/responses/{response}' },
  { name: 'tokens', method: 'GET', path: '/v1/responses/input_tokens', tail: '/responses/input_tokens' },
];
const endpointOf = (listed: Listed): Listed => listed;
const paths = tableOfPaths(ENDPOINTS, endpointOf);
const tails = tableOfTails(ENDPOINTS, endpointOf);
const name = (table: typeof paths, method: string, path: string): string | undefined => table.find(method, segmentsOf(path))?.entry.name;

test('at the root the whole path decides', () => {
  expect(name(paths, 'POST', '/v1/chat/completions')).toBe('chat');
  expect(name(paths, 'POST', '/v4/chat/completions')).toBeUndefined();
  expect(name(paths, 'POST', '/openai/deployments/gpt/chat/completions')).toBe('deployment');
});

test('below a channel what it ends with decides, the longest first', () => {
  expect(name(tails, 'POST', '/api/v4/chat/completions')).toBe('chat');
  expect(name(tails, 'POST', '/v1/fim/completions')).toBe('completions');
  expect(name(tails, 'POST', '/openai/deployments/gpt/chat/completions')).toBe('deployment');
});

test('below a channel the whole path is known too, since it may name more', () => {
  const found = (path: string) => tails.find('POST', segmentsOf(path))?.names;
  expect(found('/v1/locations/eu/models/m:go')).toEqual({ region: 'eu', model: 'm' });
  expect(found('/v2/models/m:go')).toEqual({ model: 'm' });
});

test('the method counts', () => {
  expect(name(tails, 'GET', '/api/v4/chat/completions')).toBe('stored');
  expect(name(tails, 'PUT', '/api/v4/chat/completions')).toBeUndefined();
});

test('of as many segments those without names come first', () => {
  expect(name(tails, 'GET', '/v1/responses/input_tokens')).toBe('tokens');
  expect(name(tails, 'GET', '/v1/responses/resp_1')).toBe('one');
});
