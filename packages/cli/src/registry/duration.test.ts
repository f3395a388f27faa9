import { expect, test } from 'vitest';
import { parseDuration } from './duration.ts';

test('durations are read in their units', () => {
  expect(['0', '90s', '15m', '24h', '7d'].map(parseDuration)).toEqual([0, 90, 900, 86_400, 604_800]);
});

test.each(['15', '', 'soon', '1.5h', '-1h', '1 h'])('%j is refused', (text) => {
  expect(() => parseDuration(text)).toThrow(/Write a duration as 90s/);
});
