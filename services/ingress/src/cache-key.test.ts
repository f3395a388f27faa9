import { SURFACES } from '@tokenledger/providers';
import { expect, test } from 'vitest';
import { cacheName, type CacheQuestion } from './cache-key.ts';
import type { Target } from './target.ts';

const target: Target = {
  method: 'POST',
  path: '/v1/chat/completions',
  surface: SURFACES['openai.chat'],
  endpoint: SURFACES['openai.chat'].endpoints[0],
  names: {},
  channel: undefined,
};
const question: CacheQuestion = {
  tenantId: 'acme',
  servedBy: 'channel/main',
  target,
  query: '',
  headers: ['Content-Type', 'application/json', 'openai-beta', 'one'],
  body: Buffer.from('{"model":"m"}'),
};
const keyOf = (change: Partial<CacheQuestion> = {}) => cacheName({ ...question, ...change })?.key;

test.each<[string, Partial<CacheQuestion>]>([
  ['another tenant', { tenantId: 'globex' }],
  ['another route or channel', { servedBy: 'route/other' }],
  ['another path', { target: { ...target, path: '/openai/v1/chat/completions' } }],
  ['another API', { target: { ...target, surface: SURFACES['openai.completions'] } }],
  ['another query', { query: '?a=1' }],
  ['another body, by one byte', { body: Buffer.from('{"model":"n"}') }],
  ['a header that may change the answer', { headers: [...question.headers, 'accept-encoding', 'gzip'] }],
  ['another value of one', { headers: ['Content-Type', 'application/json', 'openai-beta', 'two'] }],
])('%s is another name', (_what, change) => {
  expect(keyOf(change)).toMatch(/^.{43}=$/);
  expect(keyOf(change)).not.toBe(keyOf());
});

test('headers that tell nothing of the answer, their order and the case of their names change nothing', () => {
  const headers = [
    'OpenAI-Beta',
    'one',
    'user-agent',
    'x',
    'content-type',
    'application/json',
    'X-Stainless-Retry-Count',
    '2',
    'traceparent',
    '0',
  ];
  expect(keyOf({ headers })).toBe(keyOf());
});

test.each<[string, Partial<CacheQuestion>]>([
  ['the client forbids it', { headers: ['cache-control', 'max-age=0, No-Store'] }],
  ['the surface keeps what it answers', { target: { ...target, surface: SURFACES['openai.responses'] } }],
  ['the surface is unknown', { target: { ...target, endpoint: undefined } }],
  ['the provider is to keep it', { body: Buffer.from('{"model":"m","store":true}') }],
  ['it runs in a container', { body: Buffer.from('{"model":"m","container":"c1"}') }],
])('there is no name where %s', (_what, change) => {
  expect(cacheName({ ...question, ...change })).toBeNull();
});

test('a client that wants a new answer gets the same name', () => {
  const fresh = cacheName({ ...question, headers: [...question.headers, 'Cache-Control', 'no-cache'] });
  expect(fresh).toEqual({ key: keyOf(), isFresh: true });
});
