import { expect, test } from 'vitest';
import { LaneAges } from './lane-ages.ts';

const lane = (acknowledged: number, landed: number, last: number, source = 'one') => ({
  source,
  partition: 0,
  acknowledged,
  landed,
  last,
  synced: last,
});

test('with nothing recorded nobody is behind', () => {
  const ages = new LaneAges();
  ages.look([lane(0, 0, 0)], 1000);
  expect([ages.unpublished(2000), ages.unlanded(2000)]).toEqual([
    { events: 0, oldestMs: 0 },
    { events: 0, oldestMs: 0 },
  ]);
});

test('the oldest of what is not there tells how far the log and ClickHouse are behind', () => {
  const ages = new LaneAges();
  ages.look([lane(0, 0, 0)], 1000);
  ages.look([lane(0, 0, 5)], 2000);
  ages.look([lane(5, 0, 9)], 3000);
  expect(ages.unpublished(10_000)).toEqual({ events: 4, oldestMs: 8000 });
  expect(ages.unlanded(10_000)).toEqual({ events: 9, oldestMs: 9000 });
  ages.look([lane(9, 7, 9)], 4000);
  expect(ages.unpublished(10_000)).toEqual({ events: 0, oldestMs: 0 });
  expect(ages.unlanded(10_000)).toEqual({ events: 2, oldestMs: 8000 });
});

test('what an earlier opening left counts from when it was first seen, and goes with its lane', () => {
  const ages = new LaneAges();
  ages.look([lane(2, 2, 7, 'earlier'), lane(0, 0, 1)], 1000);
  expect(ages.unlanded(1500)).toEqual({ events: 6, oldestMs: 500 });
  ages.look([lane(1, 1, 1)], 2000);
  expect(ages.unlanded(2500)).toEqual({ events: 0, oldestMs: 0 });
});

test('an hour without ClickHouse is told to within a few seconds, in bounded memory', () => {
  const ages = new LaneAges();
  const HOUR_S = 3600;
  for (let second = 0; second <= HOUR_S; second++) ages.look([lane(second, 0, second)], second * 1000);
  expect(ages.unlanded(HOUR_S * 1000)).toEqual({ events: HOUR_S, oldestMs: HOUR_S * 1000 });
  ages.look([lane(HOUR_S, HOUR_S / 2, HOUR_S)], HOUR_S * 1000);
  const { oldestMs } = ages.unlanded(HOUR_S * 1000);
  expect(oldestMs).toBeGreaterThanOrEqual((HOUR_S / 2) * 1000);
  expect(oldestMs).toBeLessThan((HOUR_S / 2 + 10) * 1000);
});
