import type { UsageEvent } from '@tokenledger/domain';
import { simulatedLog, topicNames, topicSpecs, virtualClock } from '@tokenledger/event-log';
import { expect, test } from 'vitest';
import { lostEvent } from './core/lost-event.ts';
import { openItems, type OpenItems, type OpenItemsOptions } from './open-items.ts';

const AT_MS = Date.UTC(2026, 5, 1);
const DAY_MS = 24 * 3_600_000;
const topics = topicNames('');

function submission(name: string, occurredAtMs = AT_MS): UsageEvent {
  const event = lostEvent({ eventId: '01900000-0000-7000-8000-000000000000', source: 'ingress/a', sequence: 1, atMs: occurredAtMs });
  return { ...event, upstreamRequestId: name };
}

async function machine() {
  const clock = virtualClock();
  const log = simulatedLog({ seed: 1, clock });
  await log.createTopics(topicSpecs(topics, { partitions: 2, retentionMs: 60_000 }));
  const failures: unknown[] = [];
  let dropped = 0;
  const open = (change: Partial<OpenItemsOptions> = {}): Promise<OpenItems> =>
    openItems({
      log,
      topic: topics.openItems,
      itemsMax: 100,
      waitingMax: 100,
      keptMs: DAY_MS,
      retryMs: 100,
      now: () => AT_MS,
      pacing: clock,
      onFailure: (error) => failures.push(error),
      onDropped: (items) => (dropped += items),
      ...change,
    });
  return { clock, log, failures, open, dropped: () => dropped };
}

test('what one ingress was handed is known to the others, and to those that start later', async () => {
  const { clock, open } = await machine();
  const [one, other] = await Promise.all([open(), open()]);
  one.add('openai/main/resp_1', { submission: submission('resp_1'), partition: 5 });
  expect(one.find('openai/main/resp_1')).toEqual({ submission: submission('resp_1'), partition: 5 });
  await clock.wait(5_000);
  for (const items of [other, await open()])
    expect(items.find('openai/main/resp_1')).toEqual({ submission: submission('resp_1'), partition: 5 });
  expect(other.find('openai/main/resp_2')).toBeUndefined();
});

test('what another ingress tells a moment later is waited for, and no longer than that', async () => {
  const { clock, open } = await machine();
  const [one, other] = await Promise.all([open(), open()]);
  const awaited = other.awaited('openai/main/resp_1', 60_000);
  one.add('openai/main/resp_1', { submission: submission('resp_1'), partition: 0 });
  expect((await awaited)?.submission.upstreamRequestId).toBe('resp_1');
  const beganMs = clock.nowMs();
  expect(await other.awaited('openai/main/resp_2', 500)).toBeUndefined();
  expect(clock.nowMs() - beganMs).toBe(500);
});

test('while the log is away items wait, up to a bound, and are known here all the same', async () => {
  const { clock, log, failures, dropped, open } = await machine();
  const [one, other] = await Promise.all([open({ waitingMax: 2 }), open()]);
  log.goAway();
  for (const name of ['a', 'b', 'c']) one.add(`openai/main/${name}`, { submission: submission(name), partition: 0 });
  await clock.wait(1_000);
  expect([failures.length > 0, dropped(), one.size]).toEqual([true, 1, 3]);
  log.comeBack();
  await clock.wait(20_000);
  expect(['a', 'b', 'c'].map((name) => other.find(`openai/main/${name}`) !== undefined)).toEqual([false, true, true]);
});

test('the oldest are forgotten beyond the bound of memory', async () => {
  const { open } = await machine();
  const items = await open({ itemsMax: 2 });
  for (const name of ['a', 'b', 'c']) items.add(`openai/main/${name}`, { submission: submission(name), partition: 0 });
  expect([items.size, items.find('openai/main/a')]).toEqual([2, undefined]);
});

test('what nobody can fetch any more is removed from the log by whoever reads it', async () => {
  const { clock, log, open } = await machine();
  const one = await open();
  one.add('openai/main/old', { submission: submission('old', AT_MS - 2 * DAY_MS), partition: 0 });
  await clock.wait(1_000);
  await one.close();
  const later = await open();
  expect(later.find('openai/main/old')).toBeUndefined();
  await clock.wait(1_000);
  const reader = await log.reader({ topic: topics.openItems, partition: 0, from: 'start' });
  const records = await reader.poll({ recordsMax: 10, bytesMax: 1_000_000, waitMs: 0 });
  expect(records.at(-1)).toMatchObject({ key: 'openai/main/old', value: null });
});
