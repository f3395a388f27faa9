import { describe, expect, test } from 'vitest';
import type { EventLog, OutgoingRecord } from './port.ts';
import { simulatedLog } from './simulated/simulated-log.ts';
import { virtualClock } from './simulated/virtual-clock.ts';
import { createMissingTopics, growUsageTopics, lags, requireTopics } from './topic-set.ts';
import { GROUPS, topicNames, topicSpecs, usageTopics } from './topics.ts';

const topics = topicNames('t.');
const OPTIONS = { partitions: 4, retentionMs: 86_400_000 };
const newLog = (): EventLog => simulatedLog({ seed: 1, clock: virtualClock() });

async function counts(log: EventLog, names: readonly string[]): Promise<readonly (number | undefined)[]> {
  return Promise.all(names.map(async (topic) => (await log.describeTopic(topic))?.partitions));
}

async function create(log: EventLog, topic: string, partitions: number): Promise<void> {
  const spec = topicSpecs(topics, { ...OPTIONS, partitions }).find((one) => one.topic === topic);
  if (spec !== undefined) await log.createTopics([spec]);
}

describe('making topics', () => {
  test('from nothing: all of them, usage topics with the count that was asked for', async () => {
    const log = newLog();
    expect(await createMissingTopics(log, topics, OPTIONS)).toBe(4);
    expect(await counts(log, usageTopics(topics))).toEqual([4, 4, 4, 4]);
    expect(await requireTopics(log, topics)).toBe(4);
  });

  test('beside what exists: a usage topic gets the count of the others, whatever was asked for', async () => {
    const log = newLog();
    await create(log, topics.usageEvents, 6);
    await create(log, topics.checkpoints, 3);
    expect(await createMissingTopics(log, topics, OPTIONS)).toBe(6);
    expect(await counts(log, [...usageTopics(topics), topics.checkpoints, topics.control])).toEqual([6, 6, 6, 6, 3, 1]);
    expect(await createMissingTopics(log, topics, OPTIONS), 'again it changes nothing').toBe(6);
  });

  test('it refuses usage topics of unequal counts, naming each and the way out', async () => {
    const log = newLog();
    await createMissingTopics(log, topics, OPTIONS);
    await log.growTopic(topics.usagePriced, 8);
    const refusal = {
      code: 'USAGE_TOPICS_UNEQUAL',
      message: expect.stringMatching(/t\.usage\.priced 8, t\.usage\.events 4.*run `tokenledger topics grow --partitions 8`/),
    };
    await expect(createMissingTopics(log, topics, OPTIONS)).rejects.toMatchObject(refusal);
    await expect(requireTopics(log, topics)).rejects.toMatchObject(refusal);
  });
});

describe('a start', () => {
  test('names what is missing and the command that makes it', async () => {
    const log = newLog();
    await expect(requireTopics(log, topics)).rejects.toMatchObject({ code: 'TOPIC_MISSING', message: expect.stringContaining('migrate') });
    for (const spec of topicSpecs(topics, OPTIONS)) if (spec.topic !== topics.control) await log.createTopics([spec]);
    await expect(requireTopics(log, topics)).rejects.toMatchObject({
      code: 'TOPIC_MISSING',
      message: 'the topic t.control is missing: run `tokenledger migrate`, or correct the topic prefix',
    });
  });
});

describe('growing', () => {
  test('raises every usage topic and no other', async () => {
    const log = newLog();
    await createMissingTopics(log, topics, OPTIONS);
    await growUsageTopics(log, topics, 7);
    expect(await requireTopics(log, topics)).toBe(7);
    expect(await counts(log, [topics.checkpoints, topics.control])).toEqual([4, 1]);
  });

  test('an interrupted one is completed by the next, and shrinking is refused', async () => {
    const log = newLog();
    await createMissingTopics(log, topics, OPTIONS);
    await log.growTopic(topics.deadLetter, 6);
    await growUsageTopics(log, topics, 6);
    expect(await requireTopics(log, topics)).toBe(6);
    await expect(growUsageTopics(log, topics, 5)).rejects.toMatchObject({ code: 'TOPIC_MISMATCH' });
    expect(await requireTopics(log, topics)).toBe(6);
  });
});

test('a lag is what is kept and not committed', async () => {
  const log = newLog();
  await createMissingTopics(log, topics, { ...OPTIONS, partitions: 2 });
  const records = (count: number): OutgoingRecord[] => Array.from({ length: count }, () => ({ key: 'k', value: Buffer.from('v') }));
  const producer = await log.producer();
  await producer.send(topics.usageEvents, 1, records(10));
  await producer.send(topics.usagePriced, 0, records(3));
  await log.setCommittedOffset(GROUPS.pricer, topics.usageEvents, 1, { offset: 4, metadata: '' });
  const found = (await lags(log, topics)).map(({ consumer, partition, records: behind }) => `${consumer.group}/${partition} ${behind}`);
  expect(found).toEqual([
    'pricer/0 0',
    'pricer/1 6',
    'writer/0 3',
    'writer/1 0',
    'writer-dead-letters/0 0',
    'writer-dead-letters/1 0',
    'writer-audit/0 0',
    'writer-sources/0 0',
    'writer-sources/1 0',
  ]);
});
