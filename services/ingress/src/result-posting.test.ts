import { simulatedLog, topicNames, topicSpecs, virtualClock } from '@tokenledger/event-log';
import { type DiskJournal, openDiskJournal, simulatedDisk } from '@tokenledger/journal';
import type { IdentifiedResult } from '@tokenledger/providers';
import { decodeUsageEvent } from '@tokenledger/schemas';
import { afterEach, expect, test } from 'vitest';
import { lostEvent } from './core/lost-event.ts';
import { openItems, type OpenItems } from './open-items.ts';
import { isResultSource } from './result-identity.ts';
import { resultPosting, type ResultReading, type Results } from './result-posting.ts';

const MIB = 1024 * 1024;
const AT_MS = Date.UTC(2026, 5, 1);
const SUBMISSION = lostEvent({ eventId: '01900000-0000-7000-8000-000000000000', source: 'ingress/a', sequence: 1, atMs: AT_MS });
const READING: ResultReading = {
  channel: { id: 'main', provider: 'openai', region: '' },
  requestId: 'request',
  attribution: { ...SUBMISSION.attribution, tenantId: 'acme', virtualKeyId: 'reader' },
};
const SOURCE = 'openai/main/file-1';

const cleanUp: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of cleanUp.splice(0)) await close();
});

async function posting(entriesMax = 1_000): Promise<{ results: Results; journal: DiskJournal; items: OpenItems; followed: string[] }> {
  const clock = virtualClock();
  const log = simulatedLog({ seed: 1, clock });
  const topics = topicNames('');
  await log.createTopics(topicSpecs(topics, { partitions: 4, retentionMs: 60_000 }));
  const items = await openItems({
    log,
    topic: topics.openItems,
    itemsMax: 100,
    waitingMax: 100,
    keptMs: MIB,
    retryMs: 100,
    now: () => AT_MS,
    pacing: clock,
    onFailure: () => undefined,
    onDropped: () => undefined,
  });
  const nothing = (): never => {
    throw new Error('there is nothing to recover');
  };
  const journal = await openDiskJournal({
    disk: simulatedDisk(),
    source: 'ingress/test',
    durability: 'disk',
    entriesMax,
    bytesMax: MIB,
    bufferedBytesMax: MIB,
    memoryBytesMax: MIB,
    segmentBytesMax: MIB,
    isForeign: isResultSource,
    unresolved: nothing,
    lost: nothing,
    onAlarm: nothing,
  });
  cleanUp.push(() => items.close());
  const followed: string[] = [];
  const results = resultPosting({
    journal,
    items,
    partitions: 4,
    ownerWaitMs: 10,
    now: () => AT_MS,
    follow: (source, partition) => followed.push(`${source} ${partition}`),
    onPosted: () => undefined,
  });
  return { results, journal, items, followed };
}

function line(sequence: number, origin: IdentifiedResult['origin'] = 'batch_line'): IdentifiedResult {
  return {
    kind: 'result',
    name: 'file-1',
    sequence,
    origin,
    surface: 'openai.chat',
    callId: `req_${sequence}`,
    occurredAtMs: AT_MS,
    httpStatus: 200,
    answer: {
      usage: null,
      usageReason: 'not_reported',
      usageFlags: [],
      rawUsage: '',
      servedModel: 'm',
      serviceTier: 'batch',
      upstreamId: '',
      finishReason: '',
      errorClass: '',
      complete: true,
    },
  };
}

async function posted({ journal, followed }: { journal: DiskJournal; followed: readonly string[] }) {
  const partition = Number(followed[0]?.split(' ')[1]);
  const entries = await journal.read(SOURCE, partition, 1, 1_000);
  return entries.map(({ sequence, value }) => {
    const event = decodeUsageEvent(Buffer.from(value));
    if (event.kind === 'rejected') throw new Error(event.message);
    return `${sequence} ${event.attribution.virtualKeyId} ${event.adjustsEventId}`;
  });
}

test('sessions that read the same at the same time post each number once, and each waits for all of it', async () => {
  const subject = await posting();
  const sessions = [subject.results.session(READING), subject.results.session(READING)];
  for (let sequence = 1; sequence <= 5; sequence++) {
    for (const session of sessions) session.take(line(sequence, sequence === 5 ? 'batch_last_line' : 'batch_line'));
    await sessions[sequence % 2]?.caughtUp();
  }
  await Promise.all(sessions.map((session) => session.safe()));
  for (const session of sessions) session.end();
  expect(await posted(subject)).toEqual([1, 2, 3, 4, 5].map((sequence) => `${sequence} reader `));
});

test('what is whole is not posted again here, what broke off goes on where it broke off', async () => {
  const subject = await posting();
  const read = async (lines: readonly IdentifiedResult[]): Promise<void> => {
    const session = subject.results.session(READING);
    for (const each of lines) session.take(each);
    await session.safe();
    session.end();
  };
  await read([line(1), line(2)]);
  await read([line(1), line(2), line(3, 'batch_last_line')]);
  expect(await posted(subject)).toHaveLength(3);
  await read([line(1), line(2), line(3, 'batch_last_line')]);
  expect(subject.followed).toHaveLength(2);
});

test('a file counts for whoever handed in the batch, once an answer has said which files are its', async () => {
  const subject = await posting();
  const submission = { ...SUBMISSION, attribution: { ...SUBMISSION.attribution, tenantId: 'acme', virtualKeyId: 'submitter' } };
  subject.results.submitted({ provider: 'openai', channelId: 'main' }, 'batch_1', submission);
  const status = subject.results.session(READING);
  status.take({ kind: 'named', id: 'batch_1', names: ['file-1'] });
  status.end();
  const session = subject.results.session(READING);
  session.take(line(1, 'batch_last_line'));
  await session.safe();
  session.end();
  expect(await posted(subject)).toEqual([`1 submitter ${SUBMISSION.eventId}`]);
});

test('a full journal ends the reading; what it has taken stays, and the next reading goes on', async () => {
  const subject = await posting(2);
  const session = subject.results.session(READING);
  for (const sequence of [1, 2, 3]) session.take(line(sequence));
  await expect(session.safe()).rejects.toMatchObject({ code: 'JOURNAL_FULL', retryable: true });
  session.end();
  const partition = Number(subject.followed[0]?.split(' ')[1]);
  subject.journal.acknowledged(SOURCE, partition, 2);
  const again = subject.results.session(READING);
  for (const sequence of [1, 2, 3]) again.take(line(sequence, sequence === 3 ? 'batch_last_line' : 'batch_line'));
  await again.safe();
  again.end();
  expect(await posted(subject)).toHaveLength(3);
});

test('more results at once than may wait end the reading', async () => {
  const { results } = await posting(1_000_000);
  const session = results.session(READING);
  for (let sequence = 1; sequence <= 50_001; sequence++) session.take(line(sequence));
  await expect(session.caughtUp()).rejects.toMatchObject({ code: 'JOURNAL_FULL' });
  session.end();
});
