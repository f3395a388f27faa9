import { AppError } from '@tokenledger/domain';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { virtualClock } from '../simulated/virtual-clock.ts';
import { backoffMs, persist } from './retry.ts';

const limits = { initialMs: 50, maxMs: 10_000 };

describe('retrying', () => {
  it('waits longer each time, within its bounds, and never less than half', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (attempt, random) => {
        const pacing = { ...virtualClock(), random: () => random };
        const fullMs = Math.min(limits.maxMs, limits.initialMs * 2 ** (attempt - 1));
        const waitMs = backoffMs({ pacing, limits }, attempt);
        expect(waitMs).toBeGreaterThanOrEqual(fullMs / 2);
        expect(waitMs).toBeLessThanOrEqual(fullMs);
      }),
    );
  });

  it('tries a step again until it succeeds, and says so each time', async () => {
    const attempts: number[] = [];
    let left = 3;
    const retry = {
      pacing: virtualClock(),
      limits,
      signal: new AbortController().signal,
      retrying: (_: unknown, attempt: number) => attempts.push(attempt),
    };
    const result = await persist(retry, () => {
      if (left-- > 0) throw new AppError('AWAY', 'away', { retryable: true });
      return 'done';
    });
    expect(result).toBe('done');
    expect(attempts).toEqual([1, 2, 3]);
  });

  it('throws what cannot pass at once', async () => {
    const retry = { pacing: virtualClock(), limits, signal: new AbortController().signal, retrying: () => expect.unreachable() };
    await expect(persist(retry, () => Promise.reject(new AppError('BROKEN', 'broken')))).rejects.toMatchObject({ code: 'BROKEN' });
    await expect(persist(retry, () => Promise.reject(new Error('a bug')))).rejects.toThrow('a bug');
  });

  it('gives up when ownership is lost, without waiting to the end', async () => {
    const lost = new AbortController();
    const pacing = virtualClock();
    const retry = { pacing, limits: { initialMs: 3_600_000, maxMs: 3_600_000 }, signal: lost.signal, retrying: () => lost.abort() };
    const failed = persist(retry, () => Promise.reject(new AppError('AWAY', 'away', { retryable: true })));
    await expect(failed).rejects.toMatchObject({ code: 'OWNERSHIP_LOST' });
    expect(pacing.nowMs()).toBe(0);
  });
});
