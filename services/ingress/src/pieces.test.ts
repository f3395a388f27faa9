import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Pieces } from './pieces.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

test('what was pushed is there in order, however it was cut', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 4 }), { maxLength: 4000, size: 'max' }), (cuts) => {
      const pieces = new Pieces();
      for (const cut of cuts) pieces.push(Buffer.from(cut));
      expect(pieces.joined().equals(Buffer.concat(cuts))).toBe(true);
      pieces.clear();
      expect(pieces.joined()).toHaveLength(0);
    }),
    { numRuns: 30 },
  );
});

test('single bytes take about as much memory as they are', () => {
  // So many that what the runtime itself takes meanwhile does not show.
  const bytes = 2_000_000;
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  const pieces = new Pieces();
  for (let read = 0; read < bytes; read++) {
    // As a socket gives them: a small part of a large read.
    const chunk = Buffer.alloc(64);
    pieces.push(chunk.subarray(7, 8));
  }
  collectGarbage();
  const now = process.memoryUsage();
  expect(now.heapUsed + now.arrayBuffers - heapUsed - arrayBuffers).toBeLessThan(5 * bytes);
  expect(pieces.joined()).toHaveLength(bytes);
});
