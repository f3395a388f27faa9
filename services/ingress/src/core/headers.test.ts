import { expect, test } from 'vitest';
import { answerHeaders, readRequestHeaders } from './headers.ts';

test('credentials, hop-by-hop headers and our own do not go upstream; all others go as they are', () => {
  const raw = [
    ['Host', 'gateway'],
    ['Authorization', 'Bearer tl-secret'],
    ['X-Api-Key', 'tl-secret'],
    ['Cookie', 'a=b'],
    ['Connection', 'keep-alive, X-Private'],
    ['X-Private', '1'],
    ['Transfer-Encoding', 'chunked'],
    ['Content-Length', '5'],
    ['OpenAI-Organization', 'org'],
    ['X-Forwarded-For', '10.0.0.1'],
    ['X-Tokenledger-Feature', 'search'],
    ['Content-Type', 'application/json'],
    ['anthropic-beta', 'one'],
    ['anthropic-beta', 'two'],
    ['traceparent', '00-x'],
  ].flat();
  expect(readRequestHeaders(raw)).toMatchObject({
    upstream: ['Content-Type', 'application/json', 'anthropic-beta', 'one', 'anthropic-beta', 'two', 'traceparent', '00-x'],
    attribution: ['x-tokenledger-feature', 'search'],
    read: { authorization: 'Bearer tl-secret', 'x-api-key': 'tl-secret', 'content-length': '5', traceparent: '00-x' },
  });
});

test("rate limits and request ids come back; cookies, account names and the connection's own headers do not", () => {
  const headers = {
    'content-type': 'application/json',
    'x-ratelimit-remaining-tokens': '99',
    'x-request-id': 'req_1',
    link: ['a', 'b'],
    'set-cookie': ['__cf=1'],
    'openai-organization': 'org',
    connection: 'close, X-Hop',
    'x-hop': '1',
    'transfer-encoding': 'chunked',
    'x-tokenledger-request-id': 'of another ledger',
  };
  const passed = [
    'content-type',
    'application/json',
    'x-ratelimit-remaining-tokens',
    '99',
    'x-request-id',
    'req_1',
    'link',
    'a',
    'link',
    'b',
  ];
  expect(answerHeaders(headers, new Set())).toEqual(passed);
});

test('what our change of the body made untrue is left out', () => {
  expect(answerHeaders({ 'content-length': '10', date: 'now' }, new Set(['content-length']))).toEqual(['date', 'now']);
});

test('of a header that comes twice the first is read', () => {
  expect(readRequestHeaders(['Authorization', 'Bearer a', 'authorization', 'Bearer b']).read).toEqual({ authorization: 'Bearer a' });
});
