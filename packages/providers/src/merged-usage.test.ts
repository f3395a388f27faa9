import { expect, test } from 'vitest';
import { mergedUsage } from './merged-usage.ts';

const merge = (...parts: readonly string[]): unknown => {
  let merged: Readonly<Record<string, unknown>> | null = null;
  for (const part of parts) merged = mergedUsage(merged, JSON.parse(part) as Record<string, unknown>, part) ?? null;
  return merged;
};

test('later members replace earlier ones, null leaves them', () => {
  expect(merge('{"a":1,"b":2,"c":null}', '{"a":3,"b":null,"d":4}')).toEqual({ a: 3, b: 2, c: null, d: 4 });
});

test('members of any name are members, and nothing else', () => {
  const merged = merge('{"a":1}', '{"__proto__":{"b":2},"constructor":3}') as Record<string, unknown>;
  expect(Object.keys(merged)).toEqual(['a', '__proto__', 'constructor']);
  expect(merged['b']).toBeUndefined();
});

test('a stream that never stops naming new members needs no more memory', () => {
  const parts = Array.from({ length: 500 }, (_, index) => `{"a":${index},"m${index}":"${'x'.repeat(100)}"}`);
  const merged = merge(...parts) as Record<string, unknown>;
  expect(Object.keys(merged)).toHaveLength(64);
  expect(merged['a']).toBe(499);
});

test('a part that is too large to be usage is none', () => {
  const part = `{"a":"${'x'.repeat(70_000)}"}`;
  expect(mergedUsage(null, JSON.parse(part) as Record<string, unknown>, part)).toBeUndefined();
  expect(mergedUsage(null, { a: 1 }, `${part}{"usage":{"a":1}}`)).toEqual({ a: 1 });
});
