import { describe, expect, test } from 'vitest';
import { formatTimeOfDay, haveMomentInCommon, isWithin, parseTimeOfDay, type TimeOfDay } from './time-of-day.ts';

function hours(text: string): TimeOfDay {
  const parsed = parseTimeOfDay(text);
  if (parsed === null) throw new Error(text);
  return parsed;
}

test.each(['16:30-00:30', '01:00-04:00 mon-fri', '06:00-10:00 sat-sun'])('%s is written as it was read', (text) => {
  expect(formatTimeOfDay(hours(text))).toBe(text);
});

test.each(['', '1:00-2:00', '24:00-01:00', '04:00-04:00', '01:00-04:00 mon', '01:00-04:00 foo-fri', '22:00-02:00 mon-fri'])(
  '%j is no time of day',
  (text) => {
    expect(parseTimeOfDay(text)).toBeNull();
  },
);

describe('a moment', () => {
  // 2026-11-20 was a Friday.
  test.each<readonly [string, string, boolean]>([
    ['16:30-00:30', '2026-11-20T16:29:59Z', false],
    ['16:30-00:30', '2026-11-20T16:30:00Z', true],
    ['16:30-00:30', '2026-11-21T00:29:59Z', true],
    ['16:30-00:30', '2026-11-21T00:30:00Z', false],
    ['01:00-04:00 mon-fri', '2026-11-20T03:59:59Z', true],
    ['01:00-04:00 mon-fri', '2026-11-20T04:00:00Z', false],
    ['01:00-04:00 mon-fri', '2026-11-21T02:00:00Z', false],
    ['01:00-04:00 mon-fri', '2026-11-22T02:00:00Z', false],
    ['01:00-04:00 mon-fri', '2026-11-23T01:00:00Z', true],
    ['01:00-04:00 sat-sun', '2026-11-22T02:00:00Z', true],
    ['01:00-04:00 sat-mon', '2026-11-24T02:00:00Z', false],
  ])('%s at %s: %s', (text, at, expected) => {
    expect(isWithin(hours(text), Date.parse(at))).toBe(expected);
  });
});

test.each<readonly [string, string, boolean]>([
  ['01:00-04:00', '03:00-05:00', true],
  ['01:00-04:00', '04:00-05:00', false],
  ['01:00-04:00 mon-fri', '03:00-05:00 sat-sun', false],
  ['01:00-04:00 mon-fri', '03:00-05:00 fri-sun', true],
  ['01:00-04:00 mon-fri', '03:00-05:00', true],
])('%s and %s: %s', (left, right, expected) => {
  expect(haveMomentInCommon(hours(left), hours(right))).toBe(expected);
});
