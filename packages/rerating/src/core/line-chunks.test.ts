import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeChunk, encodeChunk } from './line-chunks.ts';

test('lines come back with their keys, bytes and numbers', () => {
  const line = fc.record({
    key: fc.string({ unit: 'grapheme', maxLength: 20 }),
    value: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 40 }), fc.array(line, { maxLength: 20 }), (first, lines) => {
      expect(decodeChunk(encodeChunk(first, lines))).toEqual({ first, lines });
    }),
  );
});
