import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Sized, SendQueue } from './send-queue.ts';

const LIMITS = { batchRecordsMax: 10, batchBytesMax: 1_000, lingerMs: 5, lingerRecordsMax: 4 };

function send(records: number, bytes = records, sinceMs = 0): Sized & { readonly id: number } {
  return { records: { length: records }, bytes, sinceMs, id: sinceMs };
}

function queueOf(...sends: Sized[]): SendQueue<Sized> {
  const queue = new SendQueue<Sized>(LIMITS);
  for (const one of sends) queue.push(one);
  return queue;
}

describe('how long a batch waits', () => {
  test('an empty queue has none', () => {
    expect(queueOf().waitMs(0)).toBe(null);
  });
  test('for its linger, counted from its first send', () => {
    const queue = queueOf(send(1, 1, 100), send(1, 1, 104));
    expect([100, 103, 105, 200].map((nowMs) => queue.waitMs(nowMs))).toEqual([5, 2, 0, 0]);
  });
  test('not at all once it is full, by records or by bytes', () => {
    expect(queueOf(send(4)).waitMs(0)).toBe(0);
    expect(queueOf(send(1, 1_000)).waitMs(0)).toBe(0);
    expect(queueOf(send(3, 999)).waitMs(0)).toBe(5);
  });
  test('what is left behind a full batch waits from its own beginning', () => {
    const queue = queueOf(send(10, 10, 0), send(1, 1, 3));
    queue.take();
    expect(queue.waitMs(4)).toBe(4);
  });
});

describe('what a batch holds', () => {
  test('a send that is larger than a batch comes alone', () => {
    const large = send(50, 5_000);
    const queue = queueOf(send(1), large, send(1));
    expect([queue.take(), queue.take(), queue.take(), queue.take()].map((batch) => batch.map(({ records }) => records.length))).toEqual([
      [1],
      [50],
      [1],
      [],
    ]);
  });

  test('every send is in one batch, whole and in order, and no batch of several exceeds the limits', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(15), fc.nat(1_500))), (sizes) => {
        const sends = sizes.map(([records, bytes], index) => send(records, bytes, index));
        const queue = queueOf(...sends);
        const batches: (readonly Sized[])[] = [];
        while (queue.size > 0) batches.push(queue.take());
        expect(batches.flat()).toEqual(sends);
        for (const batch of batches.filter(({ length }) => length > 1)) {
          expect(batch.reduce((sum, { records }) => sum + records.length, 0)).toBeLessThanOrEqual(LIMITS.batchRecordsMax);
          expect(batch.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(LIMITS.batchBytesMax);
        }
        expect(queue.waitMs(0)).toBe(null);
      }),
    );
  });
});
