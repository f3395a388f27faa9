import { isRejected } from '@tokenledger/domain';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  decodeLandedLane,
  decodeSourceState,
  encodeLandedLane,
  encodeSourceState,
  laneKey,
  type LandedLane,
  laneSource,
  type SourceState,
} from './lane-records.ts';

const count = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const source = fc.stringMatching(/^[a-z]{1,8}\/[0-9a-f-]{1,36}$/);

test('what has landed is read as it was written', () => {
  const lane = fc
    .record({
      source,
      partition: fc.nat({ max: 1023 }),
      through: count,
      above: fc.nat({ max: 1_000_000 }),
      atMs: count,
      gaps: fc.array(count),
    })
    .map(({ above, gaps, ...rest }): LandedLane => ({
      ...rest,
      highest: Math.min(Number.MAX_SAFE_INTEGER, rest.through + above),
      missing: gaps.map((from) => ({ from, to: from })),
    }));
  fc.assert(
    fc.property(lane, (written) => {
      expect(decodeLandedLane(encodeLandedLane(written))).toEqual(written);
    }),
  );
});

test('what a source says is read as it was written', () => {
  const state: fc.Arbitrary<SourceState> = fc.record({
    source,
    instance: fc.string({ maxLength: 40 }),
    openedAtMs: count,
    atMs: count,
    closed: fc.boolean(),
    openRequests: count,
    partitions: fc.array(fc.tuple(fc.nat({ max: 1023 }), count)).map((pairs) => new Map(pairs)),
    closedBy: fc.option(fc.record({ by: fc.string({ minLength: 1, maxLength: 40 }), note: fc.string({ maxLength: 40 }) })),
  });
  fc.assert(
    fc.property(state, (written) => {
      expect(decodeSourceState(encodeSourceState(written))).toEqual(written);
    }),
  );
});

test.each([
  ['no JSON', '{'],
  ['a number where text belongs', '{"source":1}'],
  ['a range that ends before it begins', '{"source":"a","partition":0,"through":1,"highest":9,"missing":[[5,4]],"at_ms":1}'],
  ['more landed than is there', '{"source":"a","partition":0,"through":2,"highest":1,"missing":[],"at_ms":1}'],
])('%s is refused', (_what, text) => {
  expect(isRejected(decodeLandedLane(Buffer.from(text)))).toBe(true);
  expect(isRejected(decodeSourceState(Buffer.from(text)))).toBe(true);
});

test('what a newer version adds is read over', () => {
  const text = '{"source":"a","partition":0,"through":1,"highest":1,"missing":[],"at_ms":1,"more":true}';
  expect(decodeLandedLane(Buffer.from(text))).toMatchObject({ source: 'a', through: 1 });
});

test('a key names its source, slashes and all', () => {
  expect(laneSource(laneKey('ingress/0199', 11))).toBe('ingress/0199');
});
