import { expect, test } from 'vitest';
import { HeldEnd } from './held-end.ts';

test('what comes after the end is held with it', () => {
  const end = new HeldEnd();
  expect([end.isShown, end.bytes, end.take()]).toEqual([false, 0, undefined]);
  expect([end.hold(Buffer.from('[DONE]')), end.hold(Buffer.from('\n\n'))]).toEqual([undefined, undefined]);
  expect([end.isShown, end.bytes]).toEqual([true, 8]);
  expect(end.take()?.toString()).toBe('[DONE]\n\n');
  expect(end.isShown).toBe(false);
});

test('more than can be kept goes out in order, but for the last of it', () => {
  const end = new HeldEnd();
  const [first, second] = [Buffer.alloc(100_000, 'a'), Buffer.from('b')];
  expect(end.hold(first)).toBeUndefined();
  expect(end.hold(second)).toBe(first);
  expect(end.take()).toBe(second);
});
