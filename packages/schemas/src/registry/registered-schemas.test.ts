import { expect, test } from 'vitest';
import { registeredSchemas } from './registered-schemas.ts';

/** A registry that has the ids below `end`, a clock, and what was asked. */
function setUp(end: number) {
  const asked: number[] = [];
  const clock = { nowMs: 0, end };
  const registry = {
    idOf: () => Promise.reject(new Error('nobody registers here')),
    schemaOf: async (id: number): Promise<unknown> => {
      asked.push(id);
      return id < clock.end ? { type: 'string', id } : undefined;
    },
  };
  return { asked, clock, schemas: registeredSchemas(registry, () => clock.nowMs) };
}

test('a schema is asked for once, however often and in whatever company it is needed', async () => {
  const { asked, schemas } = setUp(10);
  expect(schemas.lookup(3)).toBeUndefined();
  for (const id of [3, 3, 4, 3]) await schemas.fetch(id);
  expect(asked).toEqual([3, 4]);
  expect(schemas.lookup(3)).toEqual({ type: 'string', id: 3 });
});

test('an id without a schema is not asked for again before ten seconds are over, and is found then', async () => {
  const { asked, clock, schemas } = setUp(5);
  await schemas.fetch(7);
  clock.nowMs = 9_999;
  clock.end = 10;
  await schemas.fetch(7);
  expect(schemas.lookup(7)).toBeUndefined();
  clock.nowMs = 10_000;
  await schemas.fetch(7);
  expect(schemas.lookup(7)).toEqual({ type: 'string', id: 7 });
  expect(asked).toEqual([7, 7]);
});

test('ids of a stranger, however many, push out no more than as many as are remembered', async () => {
  const { asked, schemas } = setUp(3_000);
  for (let id = 0; id < 1_500; id += 1) await schemas.fetch(id);
  expect(schemas.lookup(499)).toBeUndefined();
  expect(schemas.lookup(500)).toBeDefined();
  expect([schemas.knows(1_499), schemas.knows(0)]).toEqual([true, false]);
  expect(asked).toHaveLength(1_500);
});
