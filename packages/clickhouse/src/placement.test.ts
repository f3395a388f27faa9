import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { placeOf } from './placement.ts';

test('partitions go round the shards, and within a shard round its replicas', () => {
  const shards = [['a1', 'a2'], ['b1', 'b2'], ['c1']];
  expect([0, 1, 2, 3, 4, 5, 6, 7].map((partition) => placeOf(shards, partition))).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'c1', 'a1', 'b1']);
});

test('with shards of equal size no node has two partitions more than another', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 200 }),
      (shards, replicas, partitions) => {
        const nodes = Array.from({ length: shards }, (_, shard) => Array.from({ length: replicas }, (_, replica) => `${shard}/${replica}`));
        const counts = new Map(nodes.flat().map((node) => [node, 0]));
        for (let partition = 0; partition < partitions; partition++) {
          const node = placeOf(nodes, partition);
          counts.set(node, (counts.get(node) ?? 0) + 1);
        }
        expect(Math.max(...counts.values()) - Math.min(...counts.values())).toBeLessThanOrEqual(1);
      },
    ),
  );
});
