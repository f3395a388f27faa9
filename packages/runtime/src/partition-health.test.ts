import { expect, test } from 'vitest';
import { partitionHealth } from './partition-health.ts';

test('what troubles a partition is told until it is fine again', () => {
  const health = partitionHealth();
  expect(health.sentence()).toBe('');
  health.trouble('events', 0, 'waits', new Error('no answer'));
  health.trouble('letters', 0, 'has stopped', 'bad');
  expect(health.sentence()).toBe('events/0 waits: no answer; letters/0 has stopped: bad');
  health.fine('events', 0);
  expect(health.sentence()).toBe('letters/0 has stopped: bad');
});
