import { expect, test } from 'vitest';
import { Breaker } from './breaker.ts';

const LIMITS = { failuresMax: 3, openMs: 1_000 };

function failing(times: number, now = 0): Breaker {
  const breaker = new Breaker(LIMITS);
  for (let index = 0; index < times; index++) breaker.failed(now);
  return breaker;
}

test('a channel is passed over after so many failures in a row, and not before', () => {
  expect(failing(2).takes(0)).toBe(true);
  expect(failing(3).takes(0)).toBe(false);
});

test('a success in between begins the count anew', () => {
  const breaker = failing(2);
  breaker.succeeded();
  expect([breaker.failed(0), breaker.failed(0), breaker.takes(0)]).toEqual([false, false, true]);
});

test('after a while one request tries it, and others only if nothing is heard of that for as long again', () => {
  const breaker = failing(3);
  expect(breaker.takes(999)).toBe(false);
  expect(breaker.takes(1_000)).toBe(true);
  breaker.began(1_000);
  expect(breaker.takes(1_001)).toBe(false);
  expect(breaker.takes(2_000)).toBe(true);
});

test('one failure of the trial passes it over again, one success takes it back', () => {
  const breaker = failing(3);
  breaker.began(1_000);
  breaker.failed(1_100);
  expect(breaker.takes(2_099)).toBe(false);
  expect(breaker.takes(2_100)).toBe(true);
  breaker.began(2_100);
  breaker.succeeded();
  expect(breaker.takes(2_100)).toBe(true);
  expect([breaker.failed(2_200), breaker.failed(2_200), breaker.failed(2_200)]).toEqual([false, false, true]);
});

test('it tells once that it passes a channel over, and again for each trial that fails', () => {
  const breaker = failing(2);
  expect([breaker.failed(0), breaker.failed(1)]).toEqual([true, false]);
  breaker.began(2_000);
  expect([breaker.failed(2_001), breaker.failed(2_002)]).toEqual([true, false]);
});
