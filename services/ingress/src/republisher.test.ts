import { simulatedLog, systemPacing } from '@tokenledger/event-log';
import { openDiskJournal, simulatedDisk } from '@tokenledger/journal';
import { laneKey, type LandedLane } from '@tokenledger/schemas';
import { expect, test } from 'vitest';
import type { KnownLanes } from './known-lanes.ts';
import { startRepublisher } from './republisher.ts';

const SOURCE = 'aaaaaaaa-0000-7000-8000-000000000000';
const TOPIC = 'usage.events';
const COUNT = 6;
const MIB = 1024 * 1024;

test('what lands while it is read to be sent again is not called lost', async () => {
  const disk = simulatedDisk();
  const never = (): never => {
    throw new Error('nothing is recovered here, and nothing fails');
  };
  // Each number in a segment of its own.
  const journal = await openDiskJournal({
    disk,
    source: SOURCE,
    durability: 'disk',
    entriesMax: 100,
    bytesMax: MIB,
    bufferedBytesMax: MIB,
    memoryBytesMax: MIB,
    segmentBytesMax: 1,
    unresolved: never,
    lost: never,
    onAlarm: never,
  });
  for (let number = 1; number <= COUNT; number++) {
    const entry = journal.open({ partition: 0, facts: () => Buffer.from('facts') });
    if (entry === null) throw new Error('the journal is full');
    const position = journal.close(entry, 'key', (sequence) => Buffer.from(`event ${sequence}`));
    await new Promise<void>((resolve) => {
      journal.onSynced(position, resolve);
    });
  }
  let lane: LandedLane = { source: SOURCE, partition: 0, through: 0, highest: COUNT, missing: [{ from: 1, to: COUNT - 1 }], atMs: 0 };
  let listener: (landed: LandedLane) => void = () => undefined;
  const known: KnownLanes = {
    states: new Map(),
    assigned: () => new Map(),
    landed: (source, partition) => (laneKey(source, partition) === laneKey(SOURCE, 0) ? lane : undefined),
    follow: never,
    followed: new Map(),
    forget: never,
    onLanded: (next) => (listener = next),
    failed: Promise.race([]),
    close: () => Promise.resolve(),
  };
  let reads = 0;
  disk.before = async (operation) => {
    if (operation !== 'read') return;
    reads += 1;
    if (reads !== 2) return;
    lane = { ...lane, through: 3, missing: [{ from: 4, to: COUNT - 1 }] };
    listener(lane);
  };
  const log = simulatedLog({ seed: 1, clock: systemPacing });
  await log.createTopics([{ topic: TOPIC, partitions: 1, cleanup: 'time', retentionMs: 60_000 }]);
  const sent = Promise.withResolvers<{ readonly lost: number }>();
  const republisher = startRepublisher({
    journal,
    known,
    producer: await log.producer(),
    topic: TOPIC,
    landed: { topic: 'landed', partitions: 1 },
    isForeign: () => false,
    isFinal: () => true,
    lost: ({ sequence }) => ({ key: 'lost', value: Buffer.from(`lost ${sequence}`) }),
    batchMax: 100,
    lookMs: 10,
    quietMs: 60_000,
    onRepublished: sent.resolve,
    onFailure: sent.reject,
  });
  expect((await sent.promise).lost).toBe(0);
  await republisher.close();
  const reader = await log.reader({ topic: TOPIC, partition: 0, from: 'start' });
  const records = await reader.poll({ recordsMax: 100, bytesMax: MIB, waitMs: 1000 });
  expect(records.map(({ value }) => Buffer.from(value ?? []).toString())).toEqual(['event 4', 'event 5']);
});
