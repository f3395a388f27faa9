import fc from 'fast-check';
import { expect, test } from 'vitest';
import { memoryJournal } from './memory-journal.ts';

const journal = (limits: { entriesMax?: number; bytesMax?: number } = {}) =>
  memoryJournal({ source: 'test', entriesMax: limits.entriesMax ?? 100, bytesMax: limits.bytesMax ?? 1_000_000 });
const facts = () => new Uint8Array();

test('sequences are contiguous from 1 in each partition, whatever the order of closing', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ partition: fc.nat(3), publish: fc.boolean() }), { maxLength: 60 }), (steps) => {
      const subject = journal();
      const next = new Map<number, number>();
      for (const step of steps) {
        const entry = subject.open({ partition: step.partition, facts });
        if (entry === null) throw new Error('full');
        const expected = (next.get(step.partition) ?? 0) + 1;
        subject.close(entry, 'key', (sequence) => {
          expect(sequence).toBe(expected);
          return Buffer.from(String(sequence));
        });
        next.set(step.partition, expected);
        if (step.publish) subject.published(step.partition, expected);
        const pending = subject.pending(step.partition, 0, 1000);
        expect(pending.map((closed) => closed.sequence)).toEqual(pending.map((_, index) => expected - pending.length + 1 + index));
      }
    }),
  );
});

test('it is full at its limit of entries, and takes more once some are published', () => {
  const subject = journal({ entriesMax: 2 });
  const first = subject.open({ partition: 0, facts });
  const second = subject.open({ partition: 0, facts });
  expect(subject.open({ partition: 0, facts })).toBeNull();
  if (first === null || second === null) throw new Error('full');
  subject.close(second, 'key', () => Buffer.from('a'));
  expect(subject.open({ partition: 0, facts })).toBeNull();
  subject.published(0, 1);
  expect(subject.open({ partition: 0, facts })).not.toBeNull();
});

test('it is full at its limit of bytes', () => {
  const subject = journal({ bytesMax: 500 });
  const entry = subject.open({ partition: 0, facts });
  if (entry === null) throw new Error('full');
  subject.close(entry, 'key', () => Buffer.alloc(400));
  expect(subject.open({ partition: 0, facts })).toBeNull();
  subject.published(0, 1);
  expect(subject.fill()).toMatchObject({ entries: 0, bytes: 0 });
});

test('pending goes on after a sequence, at most as many as asked', () => {
  const subject = journal();
  for (let count = 0; count < 10; count++) {
    const entry = subject.open({ partition: 1, facts });
    if (entry === null) throw new Error('full');
    subject.close(entry, 'key', () => Buffer.from('x'));
  }
  subject.published(1, 3);
  expect(subject.pending(1, 5, 3).map((closed) => closed.sequence)).toEqual([6, 7, 8]);
  expect(subject.pending(1, 0, 2).map((closed) => closed.sequence)).toEqual([4, 5]);
  expect(() => subject.published(1, 11)).toThrow(/never assigned/);
});
