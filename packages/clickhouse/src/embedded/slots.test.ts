import { expect, test } from 'vitest';
import { EngineError } from './engine-error.ts';
import { QueryTable } from './running-query.ts';
import { Slots } from './slots.ts';

function job() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { begun: false, end: resolve, work: () => promise };
}

test('so many run at a time, the others wait in order, and too many are refused', async () => {
  const [slots, table] = [new Slots(1, 2), new QueryTable()];
  const order: string[] = [];
  const first = job();
  const running = slots.use(table.start('1', ''), first.work);
  const waiting = ['2', '3'].map((id) => slots.use(table.start(id, ''), async () => void order.push(id)));
  await expect(slots.use(table.start('4', ''), async () => undefined)).rejects.toThrow(
    expect.objectContaining({ engineName: 'TOO_MANY_SIMULTANEOUS_QUERIES' }),
  );
  expect(order).toEqual([]);
  first.end();
  await Promise.all([running, ...waiting]);
  expect(order).toEqual(['2', '3']);
});

test('a query that is cancelled while it waits never begins, and takes no turn from others', async () => {
  const [slots, table] = [new Slots(1, 2), new QueryTable()];
  const [first, begun] = [job(), [] as string[]];
  const running = slots.use(table.start('1', ''), first.work);
  const cancelled = table.start('2', '');
  const waiting = slots.use(cancelled, async () => void begun.push('2'));
  const next = slots.use(table.start('3', ''), async () => void begun.push('3'));
  cancelled.cancel();
  await expect(waiting).rejects.toThrow(expect.objectContaining({ engineName: 'QUERY_WAS_CANCELLED' }));
  first.end();
  await Promise.all([running, next]);
  expect(begun).toEqual(['3']);
});

test.each([0, 1, 2, 3, 4, 5, 6, 7, 8])('a query cancelled around the moment of its turn (%i steps later) loses no turn', async (steps) => {
  const [slots, table] = [new Slots(1, 2), new QueryTable()];
  const first = job();
  const running = slots.use(table.start('1', ''), first.work);
  const cancelled = table.start('2', '');
  const outcome = slots
    .use(cancelled, async () => 'begun')
    .catch((error: unknown) => (error instanceof EngineError ? error.engineName : String(error)));
  first.end();
  for (let step = 0; step < steps; step++) await Promise.resolve();
  cancelled.cancel();
  await running;
  expect(await outcome).toMatch(/^(begun|QUERY_WAS_CANCELLED)$/);
  const ends = ['3', '4'].map((id) => slots.use(table.start(id, ''), async () => 'done'));
  expect(await Promise.all(ends)).toEqual(['done', 'done']);
});

test('a slot is free again after a failure', async () => {
  const [slots, table] = [new Slots(1, 1), new QueryTable()];
  await expect(slots.use(table.start('1', ''), () => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
  expect(await slots.use(table.start('2', ''), async () => 'done')).toBe('done');
});

test('one id runs once at a time', () => {
  const table = new QueryTable();
  const first = table.start('1', '');
  expect(() => table.start('1', '')).toThrow(expect.objectContaining({ engineName: 'QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING' }));
  table.finish(first);
  expect(table.start('1', '').id).toBe('1');
});
