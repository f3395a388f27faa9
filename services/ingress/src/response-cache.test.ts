import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type CacheLimits, type CachedAnswer, ResponseCache } from './response-cache.ts';

const TTL_MS = 1_000;
const OVERHEAD = 1_024;
const ANSWER: Omit<CachedAnswer, 'body'> = {
  headers: ['content-type', 'application/json'],
  served: { provider: 'openai', channelId: 'main', region: '', servedModel: 'm', serviceTier: '', finishReason: 'stop', usage: null },
};

function cacheOf(limits: Partial<CacheLimits> = {}) {
  const clock = { now: 0 };
  const cache = new ResponseCache({ bytesMax: 1_000_000, answerBytesMax: 100_000, ...limits }, () => clock.now);
  return { cache, clock };
}

function store(cache: ResponseCache, key: string, body: string, ttlMs = TTL_MS): void {
  const capture = cache.capture(key, ttlMs);
  capture.push(Buffer.from(body));
  capture.storeWith(ANSWER);
}
const bodyOf = (cache: ResponseCache, key: string, ttlMs = TTL_MS): string | undefined => cache.find(key, ttlMs)?.body.toString();

test('what was stored is found under its name as it was, and nothing under another', () => {
  const { cache } = cacheOf();
  const capture = cache.capture('a', TTL_MS);
  for (const part of ['one ', 'two ']) capture.push(Buffer.from(part));
  capture.storeWith(ANSWER, undefined, Buffer.from('x'.repeat(10_000)));
  expect(cache.find('a', TTL_MS)).toEqual({ ...ANSWER, body: Buffer.from(`one two ${'x'.repeat(10_000)}`) });
  expect(cache.find('b', TTL_MS)).toBeUndefined();
  expect(cache.stats).toEqual({ entries: 1, bytes: 10_008 + OVERHEAD, hits: 1, misses: 1, stored: 1, evicted: 0 });
});

test('an answer is found until its time is over, and never by a reader who wants newer ones', () => {
  const { cache, clock } = cacheOf();
  store(cache, 'a', 'answer');
  clock.now = TTL_MS - 1;
  expect(bodyOf(cache, 'a')).toBe('answer');
  expect(bodyOf(cache, 'a', 500)).toBeUndefined();
  clock.now = TTL_MS;
  expect(bodyOf(cache, 'a', 10 * TTL_MS)).toBeUndefined();
});

test('the least recently used answer leaves first', () => {
  const { cache } = cacheOf({ bytesMax: 3 * (OVERHEAD + 4_000) + 4_096 });
  for (const key of ['a', 'b', 'c']) store(cache, key, key.repeat(4_000));
  expect(bodyOf(cache, 'a')).toBeDefined();
  store(cache, 'd', 'd'.repeat(4_000));
  expect(['a', 'b', 'c', 'd'].filter((key) => bodyOf(cache, key) !== undefined)).toEqual(['a', 'c', 'd']);
  expect(cache.stats.evicted).toBe(1);
});

test('an answer over its bound is not kept, and gives its room back at once', () => {
  const { cache } = cacheOf({ answerBytesMax: 5_000 });
  const capture = cache.capture('a', TTL_MS);
  capture.push(Buffer.alloc(5_000));
  expect(cache.stats.bytes).toBe(5_000);
  capture.push(Buffer.alloc(1));
  expect(cache.stats.bytes).toBe(0);
  capture.push(Buffer.alloc(1));
  capture.storeWith(ANSWER);
  expect(cache.stats).toMatchObject({ entries: 0, bytes: 0, stored: 0 });
});

test('answers on their way never take more than the bound together', () => {
  const { cache } = cacheOf({ bytesMax: 10_000 });
  const captures = ['a', 'b', 'c'].map((key) => cache.capture(key, TTL_MS));
  for (const capture of captures) capture.push(Buffer.alloc(4_096));
  expect(cache.stats.bytes).toBe(8_192);
  for (const capture of captures) capture.drop();
  expect(cache.stats.bytes).toBe(0);
});

test('what is over goes although nobody asks for it', () => {
  const { cache, clock } = cacheOf();
  store(cache, 'a', 'answer');
  clock.now = 60_000;
  cache.find('b', TTL_MS);
  expect(cache.stats).toMatchObject({ entries: 0, bytes: 0 });
});

test('whatever is stored, dropped and asked for: bytes stay within the bound and are given back', () => {
  const step = fc.record({
    do: fc.constantFrom('begin', 'push', 'store', 'drop', 'find', 'wait'),
    key: fc.constantFrom('a', 'b', 'c', 'd'),
    size: fc.nat({ max: 9_000 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const { cache, clock } = cacheOf({ bytesMax: 20_000, answerBytesMax: 8_000 });
      const open = new Map<string, ReturnType<ResponseCache['capture']>>();
      for (const { do: what, key, size } of steps) {
        if (what === 'begin' && !open.has(key)) open.set(key, cache.capture(key, TTL_MS));
        if (what === 'push') open.get(key)?.push(Buffer.alloc(size));
        if (what === 'store') open.get(key)?.storeWith(ANSWER);
        if (what === 'drop') open.get(key)?.drop();
        if (what === 'store' || what === 'drop') open.delete(key);
        if (what === 'find') cache.find(key, TTL_MS);
        if (what === 'wait') clock.now += size;
        expect(cache.stats.bytes).toBeGreaterThanOrEqual(0);
        expect(cache.stats.bytes).toBeLessThanOrEqual(20_000);
      }
      for (const capture of open.values()) capture.drop();
      clock.now += 60_000 + TTL_MS;
      cache.find('a', TTL_MS);
      expect(cache.stats).toMatchObject({ entries: 0, bytes: 0 });
    }),
  );
});
