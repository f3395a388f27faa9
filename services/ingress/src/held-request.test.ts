import { expect, test } from 'vitest';
import { HeldRequest } from './held-request.ts';

test.each([
  ['sent', 'settled', 'gone'],
  ['sent', 'gone', 'settled'],
  ['settled', 'sent', 'gone'],
  ['settled', 'gone', 'sent'],
  ['gone', 'sent', 'settled'],
  ['gone', 'settled', 'sent'],
] as const)('what a request holds is released once, at the last of %s, %s and %s', (...steps) => {
  const held = new HeldRequest();
  let released = 0;
  const take = { sent: () => held.sent(), settled: () => held.settled(), gone: () => held.whenReleased(() => released++) };
  for (const [index, step] of steps.entries()) {
    expect(released, `before step ${index}`).toBe(0);
    take[step]();
  }
  expect(released).toBe(1);
  held.sent();
  expect(released).toBe(1);
});
