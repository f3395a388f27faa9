import { describe, expect, it } from 'vitest';
import { virtualClock } from './virtual-clock.ts';

describe('a virtual clock', () => {
  it('ends waits in the order of their ends, at their times', async () => {
    const clock = virtualClock();
    const ended: string[] = [];
    const wait = async (ms: number): Promise<void> => {
      await clock.wait(ms);
      ended.push(`${ms} at ${clock.nowMs()}`);
    };
    await Promise.all([wait(3_600_000), wait(5), wait(70), wait(5)]);
    expect(ended).toEqual(['5 at 5', '5 at 5', '70 at 70', '3600000 at 3600000']);
    expect(clock.waiting).toBe(0);
  });

  it('does not pass while anything can still happen', async () => {
    const clock = virtualClock();
    const late = clock.wait(1);
    for (let step = 0; step < 1_000; step += 1) await Promise.resolve();
    expect(clock.nowMs()).toBe(0);
    await late;
    expect(clock.nowMs()).toBe(1);
  });

  it('ends a wait early when its signal aborts, and forgets it', async () => {
    const clock = virtualClock();
    const stop = new AbortController();
    const waiting = clock.wait(1_000_000, stop.signal);
    stop.abort();
    await waiting;
    expect(clock.nowMs()).toBe(0);
    expect(clock.waiting).toBe(0);
  });

  it('draws the same chances from the same seed', () => {
    const draws = (seed: number): number[] => {
      const clock = virtualClock(seed);
      return Array.from({ length: 20 }, () => clock.random());
    };
    expect(draws(7)).toEqual(draws(7));
    expect(draws(7)).not.toEqual(draws(8));
  });
});
