import { expect, test } from 'vitest';
import { channelHealth } from './channel-health.ts';
import { channelOf } from './core/sample-route.ts';

function healthAt(now: { ms: number }) {
  const opened: string[] = [];
  return {
    opened,
    health: channelHealth(
      { breaker_failures: 2, breaker_open_ms: 100 },
      () => now.ms,
      (id) => opened.push(id),
    ),
  };
}

test('a channel with a bound takes requests up to it, and again as they end', () => {
  const { health } = healthAt({ ms: 0 });
  const channel = channelOf('a', { inFlightMax: 2 });
  health.began(channel);
  expect(health.takes(channel)).toBe(true);
  health.began(channel);
  expect(health.takes(channel)).toBe(false);
  health.ended(channel, 'unsaid');
  expect(health.takes(channel)).toBe(true);
});

test('a channel without a bound takes any number', () => {
  const { health } = healthAt({ ms: 0 });
  const channel = channelOf('a');
  for (let index = 0; index < 1_000; index++) health.began(channel);
  expect(health.takes(channel)).toBe(true);
});

test('that a channel is passed over is told once, however many of its requests fail', () => {
  const now = { ms: 0 };
  const { health, opened } = healthAt(now);
  const [failing, working] = [channelOf('a'), channelOf('b')];
  for (let index = 0; index < 5; index++) {
    health.began(failing);
    health.ended(failing, 'failed');
  }
  expect(opened).toEqual(['a']);
  expect([health.takes(failing), health.takes(working)]).toEqual([false, true]);
  now.ms = 100;
  expect(health.takes(failing)).toBe(true);
});

test('a channel whose document has changed begins anew', () => {
  const { health } = healthAt({ ms: 0 });
  const before = channelOf('a');
  for (let index = 0; index < 2; index++) {
    health.began(before);
    health.ended(before, 'failed');
  }
  expect([health.takes(before), health.takes(channelOf('a'))]).toEqual([false, true]);
});
