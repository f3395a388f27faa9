import { virtualClock } from '@tokenledger/event-log';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ClosedEntry, JournalEntry } from '../journal.ts';
import { type DiskJournal, openDiskJournal } from './disk-journal.ts';
import type { JournalAlarm } from './journal-options.ts';
import { type SimulatedDisk, simulatedDisk } from './simulated-disk.ts';

const KIB = 1_024;
const SOURCES = ['a', 'b', 'c', 'd', 'e', 'f'].map((letter) => `${letter.repeat(8)}-0000-7000-8000-000000000000`);
const [FIRST, SECOND] = SOURCES as [string, string];

interface Opened {
  readonly journal: DiskJournal;
  readonly alarms: JournalAlarm[];
}

async function opened(disk: SimulatedDisk, change: Partial<Parameters<typeof openDiskJournal>[0]> = {}): Promise<Opened> {
  const alarms: JournalAlarm[] = [];
  const used = new Set([...disk.names].map((name) => name.slice(0, 36)));
  const journal = await openDiskJournal({
    disk,
    durability: 'disk',
    entriesMax: 1_000,
    bytesMax: 1_000 * KIB,
    bufferedBytesMax: 100 * KIB,
    memoryBytesMax: 1_000 * KIB,
    segmentBytesMax: 2 * KIB,
    unresolved: (entry, { sequence }) => ({
      key: 'recovered',
      value: Buffer.from(
        `unresolved ${sequence} ${Buffer.from(entry.facts).toString()} ${entry.progress === null ? '' : Buffer.from(entry.progress).toString()}`,
      ),
    }),
    lost: ({ sequence }) => ({ key: 'recovered', value: Buffer.from(`lost ${sequence}`) }),
    onAlarm: (alarm) => alarms.push(alarm),
    source: SOURCES.find((source) => !used.has(source)) as string,
    ...change,
  });
  return { journal, alarms };
}

const open = ({ journal }: Opened, name: string, partition = 0): JournalEntry => {
  const entry = journal.open({ partition, facts: () => Buffer.from(name) });
  if (entry === null) throw new Error('the journal is full');
  return entry;
};
const close = ({ journal }: Opened, entry: JournalEntry, text: string): number =>
  journal.close(entry, 'key', (sequence) => Buffer.from(`${text} ${sequence}`));
const synced = ({ journal }: Opened, position: number): Promise<void> =>
  new Promise((resolve) => {
    journal.onSynced(position, resolve);
  });
const record = (subject: Opened, text: string, partition = 0): Promise<void> =>
  synced(subject, close(subject, open(subject, text, partition), text));
const texts = (entries: readonly ClosedEntry[]): string[] => entries.map(({ value }) => Buffer.from(value).toString());

/** Everything that waits for the log, read to the end. */
async function drain({ journal }: Opened, source: string, partition = 0): Promise<string[]> {
  const read: string[] = [];
  for (;;) {
    const lane = journal.lanes().find((one) => one.source === source && one.partition === partition);
    if (lane === undefined || lane.acknowledged === lane.last) return read;
    const arrived = new Promise<void>((resolve) => {
      journal.onClosed(() => resolve());
    });
    const entries = journal.pending(source, partition, 10);
    if (entries.length === 0) {
      await arrived;
      continue;
    }
    read.push(...texts(entries));
    journal.acknowledged(source, partition, (entries.at(-1) as ClosedEntry).sequence);
  }
}

test('an entry waits for the log once it is synced, and not before', async () => {
  const disk = simulatedDisk();
  const gate = Promise.withResolvers<void>();
  disk.before = (operation) => (operation === 'sync' ? gate.promise : Promise.resolve());
  const subject = await opened(disk);
  const entry = open(subject, 'a');
  const written = new Promise<void>((resolve) => {
    subject.journal.onWritten(entry.position, resolve);
  });
  const position = close(subject, entry, 'a');
  await written;
  expect(subject.journal.pending(FIRST, 0, 10)).toEqual([]);
  gate.resolve();
  await synced(subject, position);
  expect(texts(subject.journal.pending(FIRST, 0, 10))).toEqual(['a 1']);
});

test('an entry that is closed while a sync is under way is told of once it is synced itself', async () => {
  const disk = simulatedDisk();
  let began = Promise.withResolvers<() => void>();
  disk.before = async (operation) => {
    if (operation === 'sync') await new Promise<void>((resolve) => began.resolve(resolve));
  };
  /** Lets the sync that is under way, or the next one, end. */
  const letSync = async (): Promise<void> => {
    const end = await began.promise;
    began = Promise.withResolvers();
    end();
  };
  const subject = await opened(disk);
  const told: string[][] = [];
  subject.journal.onClosed((source, partition) => {
    const entries = subject.journal.pending(source, partition, 10);
    told.push(texts(entries));
    subject.journal.acknowledged(source, partition, entries.at(-1)?.sequence ?? 0);
  });
  const first = synced(subject, close(subject, open(subject, 'a'), 'a'));
  await began.promise;
  const second = synced(subject, close(subject, open(subject, 'b'), 'b'));
  await letSync();
  await first;
  await letSync();
  await second;
  expect(told).toEqual([['a 1'], ['b 2']]);
});

test('an entry beyond the memory bound is not read from disk before it is synced there', async () => {
  const disk = simulatedDisk();
  const gate = Promise.withResolvers<void>();
  const read: string[] = [];
  disk.before = async (operation, name) => {
    if (operation === 'sync') await gate.promise;
    if (operation === 'read') read.push(name);
  };
  const subject = await opened(disk, { memoryBytesMax: 0 });
  const position = close(subject, open(subject, 'a'), 'a');
  await new Promise<void>((resolve) => {
    subject.journal.onWritten(position, resolve);
  });
  expect(subject.journal.pending(FIRST, 0, 10)).toEqual([]);
  expect(read).toEqual([]);
  gate.resolve();
  await synced(subject, position);
  subject.journal.close(open(subject, 'b'), 'key', () => Buffer.from('b'));
  const arrived = new Promise<void>((resolve) => {
    subject.journal.onClosed(() => resolve());
  });
  expect(subject.journal.pending(FIRST, 0, 10)).toEqual([]);
  await arrived;
  expect(read).not.toEqual([]);
});

test('with durability process, what the operating system has is safe', async () => {
  const disk = simulatedDisk();
  disk.before = (operation) => (operation === 'sync' ? Promise.reject(new Error('nobody asks for a sync')) : Promise.resolve());
  const subject = await opened(disk, { durability: 'process' });
  await record(subject, 'a');
  expect(texts(subject.journal.pending(FIRST, 0, 10))).toEqual(['a 1']);
});

test('a killed process leaves closed entries under their numbers and an unresolved event for each open one', async () => {
  const disk = simulatedDisk();
  const first = await opened(disk);
  await record(first, 'a');
  const left = open(first, 'b');
  first.journal.progress(left, Buffer.from('half'));
  await record(first, 'c');
  const second = await opened(disk.kill());
  expect(second.journal.source).toBe(SECOND);
  expect(second.journal.recovered).toEqual({ sources: 1, unresolved: 1, lost: 0 });
  expect(await drain(second, FIRST)).toEqual(['a 1', 'c 2', 'unresolved 3 b half']);
  await record(second, 'd');
  expect(await drain(second, SECOND)).toEqual(['d 1']);
});

test('recovery that is killed before any of its operations gives the same events under the same numbers', async () => {
  for (let killedAt = 1; ; killedAt += 1) {
    const disk = simulatedDisk();
    const first = await opened(disk, { segmentBytesMax: 100 });
    await record(first, 'a');
    for (const name of ['b', 'c', 'd']) open(first, name);
    await synced(first, open(first, 'e', 1).position);
    let again = disk.kill();
    let operations = 0;
    const dies = Promise.withResolvers<SimulatedDisk>();
    again.before = async () => {
      operations += 1;
      if (operations !== killedAt) return;
      dies.resolve(again.kill(0.6));
      await new Promise(() => undefined);
    };
    const outcome = await Promise.race([opened(again, { segmentBytesMax: 100 }), dies.promise]);
    if ('journal' in outcome) {
      expect(operations).toBeLessThan(killedAt);
      return;
    }
    again = outcome;
    const second = await opened(again);
    expect(await drain(second, FIRST)).toEqual(['a 1', 'unresolved 2 b ', 'unresolved 3 c ', 'unresolved 4 d ']);
    expect(await drain(second, FIRST, 1)).toEqual(['unresolved 1 e ']);
  }
});

test('power that goes at any moment loses nothing that was synced', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.boolean(), { minLength: 1, maxLength: 30 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      async (waits, kept) => {
        const disk = simulatedDisk();
        const first = await opened(disk, { segmentBytesMax: 300 });
        const safe: string[] = [];
        for (const [index, wait] of waits.entries()) {
          const position = close(first, open(first, `n${index}`), `n${index}`);
          if (!wait) continue;
          await synced(first, position);
          while (safe.length <= index) safe.push(`n${safe.length} ${safe.length + 1}`);
        }
        const second = await opened(disk.cutPower(kept));
        expect((await drain(second, FIRST)).slice(0, safe.length)).toEqual(safe);
        expect(second.alarms).toEqual([]);
      },
    ),
    { numRuns: 60 },
  );
});

test('a tail torn at any byte is cut off: what stands before it is whole', async () => {
  const disk = simulatedDisk();
  const first = await opened(disk);
  await record(first, 'a');
  const [name] = disk.names as [string];
  const safeBytes = disk.bytes(name).length;
  await record(first, 'b');
  const whole = disk.bytes(name);
  for (let length = safeBytes; length < whole.length; length++) {
    const torn = simulatedDisk(new Map([[name, { content: whole.subarray(0, length), syncedBytes: length }]]));
    const second = await opened(torn);
    const read = await drain(second, FIRST);
    expect(read[0]).toBe('a 1');
    expect(second.alarms).toEqual([]);
  }
});

test('a bit that flips anywhere is noticed: the rest is recovered, and a number that is gone is published as lost', async () => {
  const disk = simulatedDisk();
  const first = await opened(disk);
  for (const name of ['a', 'b', 'c', 'd']) await record(first, name);
  const [name] = disk.names as [string];
  const whole = disk.bytes(name);
  let alarms = 0;
  for (let at = 0; at < whole.length; at++) {
    const bytes = Buffer.from(whole);
    bytes[at] = (bytes[at] as number) ^ (1 << (at % 8));
    const second = await opened(simulatedDisk(new Map([[name, { content: bytes, syncedBytes: bytes.length }]])));
    const read = await drain(second, FIRST);
    alarms += second.alarms.length;
    // The last batch is vouched for by none: damage there looks like a write that was never finished.
    expect(read.length).toBeGreaterThanOrEqual(3);
    for (const [index, text] of read.entries()) {
      expect([`${'abcd'[index]} ${index + 1}`, `lost ${index + 1}`, `unresolved ${index + 1} ${'abcd'[index]} `]).toContain(text);
    }
  }
  expect(alarms).toBeGreaterThan(0);
});

test('a segment that is missing is an alarm, and its numbers are lost ones', async () => {
  const disk = simulatedDisk();
  const first = await opened(disk, { segmentBytesMax: 1 });
  for (const name of ['a', 'b', 'c', 'd', 'e']) await record(first, name);
  const names = disk.names;
  expect(names.length).toBeGreaterThan(4);
  const missing = names[2] as string;
  const again = disk.kill();
  again.damage(missing, () => null);
  const second = await opened(again);
  expect(second.alarms).toMatchObject([{ kind: 'damaged', source: FIRST }]);
  const read = await drain(second, FIRST);
  expect(read).toHaveLength(5);
  expect(read.filter((text) => text.startsWith('lost') || text.startsWith('unresolved'))).toHaveLength(1);
});

test('a full disk refuses new requests at once and takes everything once there is room', async () => {
  const disk = simulatedDisk();
  const subject = await opened(disk);
  await record(subject, 'a');
  let full = true;
  disk.before = (operation) => (full && operation !== 'read' ? Promise.reject(new Error('ENOSPC')) : Promise.resolve());
  const entry = open(subject, 'b');
  await expect.poll(() => subject.alarms.length).toBeGreaterThan(0);
  expect(subject.journal.open({ partition: 0, facts: () => Buffer.from('c') })).toBeNull();
  const position = close(subject, entry, 'b');
  full = false;
  await synced(subject, position);
  expect(texts(subject.journal.pending(FIRST, 0, 10))).toEqual(['a 1', 'b 2']);
  const second = await opened(disk.cutPower(0));
  expect(await drain(second, FIRST)).toEqual(['a 1', 'b 2']);
});

test('a sync that fails is never trusted again: everything since the last good one is written anew', async () => {
  const disk = simulatedDisk();
  const subject = await opened(disk);
  await record(subject, 'a');
  let failures = 1;
  disk.before = (operation) => (operation === 'sync' && failures-- > 0 ? Promise.reject(new Error('EIO')) : Promise.resolve());
  await record(subject, 'b');
  expect(disk.names).toHaveLength(2);
  const second = await opened(disk.cutPower(0));
  expect(await drain(second, FIRST)).toEqual(['a 1', 'b 2']);
});

test('while a sync stalls, what waits is bounded and requests are refused early', async () => {
  const disk = simulatedDisk();
  const subject = await opened(disk, { bufferedBytesMax: 4 * KIB });
  await record(subject, 'a');
  const gate = Promise.withResolvers<void>();
  disk.before = (operation) => (operation === 'sync' ? gate.promise : Promise.resolve());
  let taken = 0;
  let last: JournalEntry | null = null;
  for (;;) {
    const entry = subject.journal.open({ partition: 0, facts: () => Buffer.alloc(100) });
    if (entry === null) break;
    last = entry;
    taken += 1;
    if (taken > 1_000) throw new Error('nothing bounds what waits');
  }
  expect(taken).toBeGreaterThan(10);
  gate.resolve();
  await synced(subject, (last as JournalEntry).position);
  expect(subject.journal.open({ partition: 0, facts: () => Buffer.alloc(100) })).not.toBeNull();
});

test('segments go once all that was opened in them is closed and all that was closed has landed', async () => {
  const disk = simulatedDisk();
  const subject = await opened(disk, { segmentBytesMax: 200 });
  const long = open(subject, 'long');
  for (let count = 0; count < 20; count++) await record(subject, 'short');
  await drain(subject, FIRST);
  subject.journal.landed(FIRST, 0, 20);
  expect(disk.names.length).toBeGreaterThan(3);
  await synced(subject, close(subject, long, 'long'));
  await drain(subject, FIRST);
  subject.journal.landed(FIRST, 0, 21);
  await expect.poll(() => disk.names.length).toBe(1);
  expect(subject.journal.fill().entries).toBe(0);
  await subject.journal.shutdown();
  const second = await opened(disk.kill());
  expect(second.journal.lanes()).toEqual([]);
});

test('segments go one after the other: a process that is killed in between leaves no hole, and the next one finds no damage', async () => {
  const disk = simulatedDisk();
  const subject = await opened(disk, { segmentBytesMax: 1 });
  for (const name of ['a', 'b', 'c', 'd']) await record(subject, name);
  const [first] = disk.names as [string];
  disk.before = (operation, name) => (operation === 'remove' && name === first ? new Promise(() => undefined) : Promise.resolve());
  const before = disk.names;
  subject.journal.landed(FIRST, 0, 3);
  await record(subject, 'e');
  expect(disk.names).toEqual(expect.arrayContaining([...before]));
  const second = await opened(disk.kill(), { segmentBytesMax: 1 });
  expect(second.alarms).toEqual([]);
  expect(second.journal.recovered).toEqual({ sources: 1, unresolved: 0, lost: 0 });
});

test('a segment that cannot be removed is tried again, and those behind it wait for it', async () => {
  const disk = simulatedDisk();
  const subject = await opened(disk, { segmentBytesMax: 1, pacing: virtualClock() });
  for (const name of ['a', 'b', 'c']) await record(subject, name);
  const [first, second] = disk.names as [string, string];
  const tried: string[] = [];
  const bothGone = new Promise<void>((resolve) => {
    disk.before = async (operation, name) => {
      if (operation !== 'remove') return;
      tried.push(name);
      if (tried.length <= 2) throw new Error('EIO: i/o error');
      if (name === second) resolve();
    };
  });
  subject.journal.landed(FIRST, 0, 2);
  await bothGone;
  expect(tried).toEqual([first, first, first, second]);
  expect(subject.alarms).toHaveLength(2);
});

test('entries beyond the memory bound are read from disk in their order, and can be read again until they have landed', async () => {
  const disk = simulatedDisk();
  const subject = await opened(disk, { memoryBytesMax: 20, segmentBytesMax: 300 });
  const expected: string[] = [];
  for (let count = 1; count <= 50; count++) {
    await record(subject, 'n');
    expected.push(`n ${count}`);
  }
  expect(await drain(subject, FIRST)).toEqual(expected);
  expect(texts(await subject.journal.read(FIRST, 0, 7, 9))).toEqual(['n 7', 'n 8', 'n 9']);
});
