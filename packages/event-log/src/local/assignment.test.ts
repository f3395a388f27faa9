import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assign } from './assignment.ts';

const members = fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 });

describe('assign', () => {
  it('gives every partition to one member, no member more than one above another', () => {
    fc.assert(
      fc.property(members, fc.array(fc.option(fc.integer({ min: 1, max: 9 })), { maxLength: 30 }), (joined, current) => {
        const assigned = assign(joined, current);
        expect(assigned.every((member) => member !== null && joined.includes(member))).toBe(true);
        const held = joined.map((member) => assigned.filter((owner) => owner === member).length);
        expect(Math.max(...held) - Math.min(...held)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('changes nothing when it is asked again', () => {
    fc.assert(
      fc.property(members, fc.integer({ min: 0, max: 30 }), (joined, count) => {
        const once = assign(
          joined,
          Array.from({ length: count }, () => null),
        );
        expect(assign(joined, once)).toEqual(once);
      }),
    );
  });

  it('moves only what the newcomer gets', () => {
    const before = assign([1, 2], [null, null, null, null, null, null]);
    const after = assign([1, 2, 3], before);
    expect(after.filter((member, partition) => member !== before[partition])).toEqual([3, 3]);
  });

  it('leaves partitions without members unowned', () => {
    expect(assign([], [1, null, 2])).toEqual([null, null, null]);
  });
});
