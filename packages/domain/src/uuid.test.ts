import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isUuid, uuidv7, uuidv8 } from './uuid.ts';

const times = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const randoms = fc.uint8Array({ minLength: 10, maxLength: 10 });

test('the example of RFC 9562, appendix A.6', () => {
  const random = Uint8Array.from([0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f]);
  expect(uuidv7(Date.parse('2022-02-22T14:22:22.000-05:00'), random)).toBe('017f22e2-79b0-7cc3-98c4-dc0c0c07398f');
});

test('version and variant stand in their places whatever the random bytes', () => {
  fc.assert(
    fc.property(times, randoms, (nowMs, random) => {
      const uuid = uuidv7(nowMs, random);
      expect(isUuid(uuid)).toBe(true);
      expect(uuid).toMatch(/^.{14}7.{4}[89ab]/);
    }),
  );
});

test('the time can be read back, and orders the ids', () => {
  fc.assert(
    fc.property(times, times, randoms, (a, b, random) => {
      const [first, second] = [uuidv7(a, random), uuidv7(b, random)];
      expect(Number.parseInt(first.replace('-', '').slice(0, 12), 16)).toBe(a);
      expect(first < second).toBe(a < b);
    }),
  );
});

test('every random bit but the six of version and variant is kept', () => {
  fc.assert(
    fc.property(times, randoms, (nowMs, random) => {
      const hex = uuidv7(nowMs, random).replaceAll('-', '').slice(12);
      const kept = Uint8Array.from(random);
      kept[0] = ((kept[0] as number) & 0x0f) | 0x70;
      kept[2] = ((kept[2] as number) & 0x3f) | 0x80;
      expect(hex).toBe(Array.from(kept, (byte) => byte.toString(16).padStart(2, '0')).join(''));
    }),
  );
});

test('random bytes are read from the offset on', () => {
  fc.assert(
    fc.property(times, fc.uint8Array({ minLength: 20, maxLength: 20 }), fc.nat(10), (nowMs, random, offset) => {
      expect(uuidv7(nowMs, random, offset)).toBe(uuidv7(nowMs, random.subarray(offset)));
    }),
  );
});

test('a digest is kept in a UUIDv8 but for the six bits of version and variant', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 32 }), (digest) => {
      const uuid = uuidv8(digest);
      expect(isUuid(uuid)).toBe(true);
      const kept = Uint8Array.from(digest.subarray(0, 16));
      kept[6] = ((kept[6] as number) & 0x0f) | 0x80;
      kept[8] = ((kept[8] as number) & 0x3f) | 0x80;
      expect(uuid.replaceAll('-', '')).toBe(Array.from(kept, (byte) => byte.toString(16).padStart(2, '0')).join(''));
    }),
  );
});

test.each([
  '',
  '017F22E2-79B0-7CC3-98C4-DC0C0C07398F',
  '017f22e279b07cc398c4dc0c0c07398f',
  '017f22e2-79b0-7cc3-98c4-dc0c0c07398g',
  ' 017f22e2-79b0-7cc3-98c4-dc0c0c07398f',
])('%j is no UUID in canonical form', (text) => {
  expect(isUuid(text)).toBe(false);
});
