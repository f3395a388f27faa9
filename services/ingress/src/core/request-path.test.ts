import { expect, test } from 'vitest';
import { keyInQuery, pathOf, queryOf, withoutKey } from './request-path.ts';

test.each([
  ['/v1/responses', '/v1/responses'],
  ['/v1/responses?a=/../b', '/v1/responses'],
  ['http://gateway:8080/v1/models?x', '/v1/models'],
  ['/model/a%3A0/converse', '/model/a%3A0/converse'],
  ['/v1/files/a..b', '/v1/files/a..b'],
  ['/v1/...', '/v1/...'],
  ['/channels/x/', '/channels/x/'],
])('the path of %s', (target, path) => {
  expect(pathOf(target)).toBe(path);
});

test.each([
  '/channels/x/../y',
  '/channels/x/./y',
  '/channels/x/..',
  '/channels/x/%2e%2E/y',
  '/channels/x/.%2e/y',
  '/channels/x/a%2F..%2fb',
  '/channels/x//evil.example/',
  '/channels/x/a\\..\\b',
  '/channels/x/a%5Cb',
  '/channels/x/..;a=b/y',
  '/v1/models#a',
  'http://gateway',
  'gateway:443',
  '*',
  '',
])('a path that a provider might understand in another way is none: %s', (target) => {
  expect(pathOf(target)).toBeUndefined();
});

test('a query stays as it came', () => {
  expect(queryOf('/v1/x?b=%20&a&b')).toBe('?b=%20&a&b');
  expect(queryOf('/v1/x')).toBe('');
});

test('a key in the query is found, and taken out byte for byte', () => {
  expect(keyInQuery('?alt=sse&key=tl%2Dsecret')).toBe('tl-secret');
  expect(keyInQuery('?alt=sse&monkey=1')).toBeUndefined();
  expect(keyInQuery('?key=%zz')).toBe('');
  expect(withoutKey('?alt=sse&key=a&%24x=1&key=b')).toBe('?alt=sse&%24x=1');
  expect(withoutKey('?key=a')).toBe('');
  expect(withoutKey('?monkey=a')).toBe('?monkey=a');
  expect(withoutKey('')).toBe('');
});
