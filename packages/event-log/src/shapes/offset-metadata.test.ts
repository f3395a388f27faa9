import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeOffsetMetadata, EMPTY_METADATA, encodeOffsetMetadata } from './offset-metadata.ts';

const metadata = fc.record({
  last: fc.option(fc.record({ source: fc.string({ unit: 'grapheme' }), sequence: fc.nat().map(String) })),
  inHand: fc.option(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 10_000 })).map(([from, count]) => ({ from, to: from + count }))),
  nothingFolded: fc.boolean(),
});

describe('metadata of a committed offset', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(metadata, (given) => {
        expect(decodeOffsetMetadata(encodeOffsetMetadata(given))).toEqual(given);
      }),
    );
  });

  it('claims nothing when an operator set the offset', () => {
    expect(decodeOffsetMetadata('')).toEqual(EMPTY_METADATA);
  });

  it.each([
    'x',
    '1',
    'null',
    '[]',
    '{"v":2}',
    '{"v":1,"source":"s"}',
    '{"v":1,"source":1,"sequence":2}',
    '{"v":1,"in_hand":[5,5]}',
    '{"v":1,"in_hand":[-1,5]}',
    '{"v":1,"in_hand":"0-5"}',
  ])('is refused when it reads %s', (text) => {
    expect(() => decodeOffsetMetadata(text)).toThrow(expect.objectContaining({ code: 'OFFSET_METADATA_INVALID' }));
  });
});
