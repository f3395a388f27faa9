import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assignPartitions, type Candidate } from './group-assignment.ts';
import { decodeAssignment, decodeSubscription, encodeAssignment, encodeSubscription, type Partitions } from './group-protocol.ts';

function candidate(memberId: string, owned: readonly number[] = [], generation = 1, topics: readonly string[] = ['t']): Candidate {
  return { memberId, topics, generation, owned: new Map(owned.length === 0 ? [] : [['t', owned]]) };
}

function assigned(candidates: readonly Candidate[], count: number): Record<string, readonly number[]> {
  const assignment = assignPartitions(candidates, new Map([['t', count]]));
  return Object.fromEntries(Array.from(assignment, ([memberId, partitions]) => [memberId, partitions.get('t') ?? []]));
}

/** What the members have after they have followed an assignment. */
function follow(candidates: readonly Candidate[], count: number, generation: number): Candidate[] {
  const next = assigned(candidates, count);
  return candidates.map(({ memberId, topics }) => ({ memberId, topics, generation, owned: new Map([['t', next[memberId] ?? []]]) }));
}

describe('who may have which partition', () => {
  test('a member alone gets all', () => {
    expect(assigned([candidate('a')], 3)).toEqual({ a: [0, 1, 2] });
  });

  test('what is to move is first given to nobody, and to its new owner only once the old one has let go', () => {
    const first = [candidate('a', [0, 1, 2, 3]), candidate('b')];
    expect(assigned(first, 4)).toEqual({ a: [0, 1], b: [] });
    const second = follow(first, 4, 2);
    expect(assigned(second, 4)).toEqual({ a: [0, 1], b: [2, 3] });
    expect(assigned(follow(second, 4, 3), 4)).toEqual({ a: [0, 1], b: [2, 3] });
  });

  test('of two that claim a partition, the one of the later generation has it', () => {
    const claims = [candidate('old', [0, 1], 3), candidate('young', [0, 1], 4)];
    const { old, young } = assigned(claims, 2);
    expect(old).toEqual([]);
    expect(young).toHaveLength(1);
  });

  test('a member gets no topic that it does not read, and a partition that is gone is nobody’s', () => {
    expect(assigned([candidate('a'), candidate('b', [], 1, ['other'])], 2)).toEqual({ a: [0, 1], b: [] });
    expect(assigned([candidate('a', [0, 7])], 2)).toEqual({ a: [0, 1] });
  });

  test('a partition never has two owners, nobody gets what another still has, and two rounds settle it evenly', () => {
    const groups = fc
      .tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 20 }), fc.array(fc.nat(7), { minLength: 20, maxLength: 20 }))
      .map(([size, count, owners]) => ({
        count,
        members: Array.from({ length: size }, (_, member) =>
          candidate(
            `m${member}`,
            [...Array.from({ length: count }).keys()].filter((partition) => owners[partition] === member),
          ),
        ),
      }));
    fc.assert(
      fc.property(groups, ({ count, members }) => {
        const first = assigned(members, count);
        const given = Object.values(first).flat();
        expect(new Set(given).size).toBe(given.length);
        for (const { memberId } of members) {
          const others = members.filter((other) => other.memberId !== memberId).flatMap(({ owned }) => owned.get('t') ?? []);
          expect(first[memberId]?.filter((partition) => others.includes(partition))).toEqual([]);
        }
        const settled = assigned(follow(members, count, 2), count);
        expect(
          Object.values(settled)
            .flat()
            .toSorted((a, b) => a - b),
        ).toEqual([...Array.from({ length: count }).keys()]);
        const shares = Object.values(settled).map(({ length }) => length);
        expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('what members tell each other', () => {
  const partitions: fc.Arbitrary<Partitions> = fc
    .dictionary(fc.string({ minLength: 1, maxLength: 10 }), fc.array(fc.nat(1_000), { maxLength: 5 }), { maxKeys: 4 })
    .map((topics) => new Map(Object.entries(topics)));

  test('a subscription and an assignment come back as they were', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string(), { maxLength: 4 }),
        partitions,
        fc.integer({ min: -1, max: 1_000_000 }),
        (topics, owned, generation) => {
          expect(decodeSubscription(encodeSubscription({ topics, owned, generation }))).toEqual({ topics, owned, generation });
          expect(decodeAssignment(encodeAssignment(owned))).toEqual(owned);
        },
      ),
    );
  });

  test('nothing at all means that nothing is assigned', () => {
    expect(decodeAssignment(Buffer.alloc(0))).toEqual(new Map());
    expect(decodeAssignment(null)).toEqual(new Map());
  });

  test('a subscription by another client of the first version owns nothing and is of no generation', () => {
    const bytes = Buffer.from([0, 0, 0, 0, 0, 1, 0, 1, 0x74, 0xff, 0xff, 0xff, 0xff]);
    expect(decodeSubscription(bytes)).toEqual({ topics: ['t'], owned: new Map(), generation: -1 });
  });
});
