import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { avroType } from './avro-types.ts';

const type = avroType({ type: 'record', name: 'Row', fields: [{ name: 'text', type: 'string' }] });

describe('text', () => {
  test.each(['é', '€', '𝄞', 'aé', 'a'].flatMap((character) => [1, 12, 24, 40, 64, 100].map((count) => ({ character, count }))))(
    '$count times $character is written whole or found too long, however little room there is',
    ({ character, count }) => {
      const row = { text: character.repeat(count) };
      const encoded = type.toBuffer(row);
      for (let room = 0; room <= encoded.length + 10; room += 1) {
        const buffer = Buffer.alloc(room, 0xff);
        const end = type.encode(row, buffer, 0);
        expect(end).toBe(room < encoded.length ? room - encoded.length : encoded.length);
        if (end > 0) expect(buffer.subarray(0, end)).toEqual(encoded);
      }
    },
  );

  test.each([0, 1, 63, 64, 65, 127, 128, 8_191, 8_192, 8_193, 100_000])('of %d characters has the length that Avro gives it', (length) => {
    const row = { text: 'x'.repeat(length) };
    const encoded = type.toBuffer(row);
    // A zigzag varint of the length, then the characters.
    expect(encoded.length).toBe((length < 64 ? 1 : length < 8_192 ? 2 : 3) + length);
    expect(type.fromBuffer(encoded)).toEqual(row);
  });

  test('of any characters and length is what avsc itself writes and reads', () => {
    const texts = fc.string({
      unit: fc.oneof(fc.constantFrom('a', 'é', '€', '𝄞'), fc.string({ unit: 'grapheme', maxLength: 1 })),
      maxLength: 200,
    });
    fc.assert(
      fc.property(texts, (text) => {
        const bytes = Buffer.from(text);
        const encoded = type.toBuffer({ text });
        expect(encoded.subarray(encoded.length - bytes.length)).toEqual(bytes);
        expect(type.fromBuffer(encoded)).toEqual({ text });
      }),
    );
  });
});

test('a map of anything but strings is refused: it would be read without a bound', () => {
  expect(() => avroType({ type: 'map', values: 'long' })).toThrow('a map holds strings here');
});
