import { mkdtempDisposable, readFile, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { BatchBuffer, scanSegment } from './batch.ts';
import { type DiskJournal, openDiskJournal } from './disk-journal.ts';
import { nodeDisk } from './node-disk.ts';

const MIB = 1024 * 1024;
const SOURCES = [
  'aaaaaaaa-0000-7000-8000-000000000000',
  'bbbbbbbb-0000-7000-8000-000000000000',
  'cccccccc-0000-7000-8000-000000000000',
] as const;
const FILE = `${SOURCES[0]}.00000001.journal`;

const inTempDir = (): Promise<{ path: string } & AsyncDisposable> => mkdtempDisposable(join(tmpdir(), 'journal-'));

async function opened(directory: string, source: string): Promise<DiskJournal> {
  return await openDiskJournal({
    disk: nodeDisk(directory),
    source,
    durability: 'disk',
    entriesMax: 100,
    bytesMax: 100 * MIB,
    bufferedBytesMax: MIB,
    memoryBytesMax: MIB,
    segmentBytesMax: MIB,
    unresolved: (_entry, { sequence }) => ({ key: 'key', value: Buffer.from(`unresolved ${sequence}`) }),
    lost: () => ({ key: 'key', value: Buffer.from('lost') }),
    onAlarm: (alarm) => {
      throw new Error(`nothing is damaged here: ${JSON.stringify(alarm)}`);
    },
  });
}

/** One entry that is closed and one that stays open, both on disk. */
async function used(directory: string, source: string): Promise<DiskJournal> {
  const journal = await opened(directory, source);
  const request = { partition: 0, facts: () => Buffer.from('facts') };
  const [first, second] = [journal.open(request), journal.open(request)];
  if (first === null || second === null) throw new Error('the journal is full');
  const position = journal.close(first, 'key', (sequence) => Buffer.from(`event ${sequence}`));
  await new Promise<void>((resolve) => {
    journal.onSynced(position, resolve);
  });
  return journal;
}

test('a file that was closed holds what was appended, and no zeros behind it', async () => {
  await using directory = await inTempDir();
  const file = await nodeDisk(directory.path).create('a');
  await file.append(Buffer.from('one, '));
  await file.sync();
  expect((await stat(join(directory.path, 'a'))).size).toBeGreaterThan(100_000);
  await file.append(Buffer.from('two'));
  await file.close();
  expect(await readFile(join(directory.path, 'a'), 'utf8')).toBe('one, two');
});

test('more than is filled ahead is written as a whole', async () => {
  await using directory = await inTempDir();
  const file = await nodeDisk(directory.path).create('a');
  const pieces = [100_000, 3 * MIB, 1, 700_000].map((length, index) => Buffer.alloc(length, index + 1));
  for (const piece of pieces) await file.append(piece);
  await file.close();
  expect((await readFile(join(directory.path, 'a'))).equals(Buffer.concat(pieces))).toBe(true);
});

test('a journal that was not closed is recovered from a file that ends in zeros', async () => {
  await using directory = await inTempDir();
  await used(directory.path, SOURCES[0]);
  const bytes = await readFile(join(directory.path, FILE));
  expect(bytes.at(-1)).toBe(0);
  const second = await opened(directory.path, SOURCES[1]);
  expect(second.recovered).toEqual({ sources: 1, unresolved: 1, lost: 0 });
  expect((await second.read(SOURCES[0], 0, 1, 9)).map(({ value }) => Buffer.from(value).toString())).toEqual(['event 1', 'unresolved 2']);
  await second.shutdown();
  const third = await opened(directory.path, SOURCES[2]);
  expect(third.recovered).toEqual({ sources: 1, unresolved: 0, lost: 0 });
  await third.shutdown();
});

test('a machine that stopped before the zeros were on disk leaves a shorter file, which is read like any other', async () => {
  await using directory = await inTempDir();
  await used(directory.path, SOURCES[0]);
  const path = join(directory.path, FILE);
  const bytes = await readFile(path);
  const end = bytes.findLastIndex((byte) => byte !== 0) + 1;
  await truncate(path, end + 10);
  const second = await opened(directory.path, SOURCES[1]);
  expect(second.recovered).toEqual({ sources: 1, unresolved: 1, lost: 0 });
  await second.shutdown();
});

test('a batch that was torn over zeros is no batch, at whatever byte, and those before it are all there', () => {
  const batches = [1, 2].map((number) => {
    const buffer = new BatchBuffer(256);
    buffer.append({ kind: 'opened', id: number, partition: 0, facts: Buffer.from(`facts of ${number}`) });
    return Buffer.from(buffer.seal(number, number - 1));
  }) as [Buffer, Buffer];
  const [whole, torn] = batches;
  for (let kept = 0; kept < torn.length; kept++) {
    const segment = Buffer.alloc(1_000);
    whole.copy(segment);
    torn.copy(segment, whole.length, 0, kept);
    expect(scanSegment(segment).batches.map(({ number }) => number)).toEqual([1]);
  }
});
