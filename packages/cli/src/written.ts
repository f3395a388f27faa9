/** Waits until what the log has at this moment is in ClickHouse: step by step along the path of an event. */
import { setTimeout as wait } from 'node:timers/promises';
import { AppError, invariant } from '@tokenledger/domain';
import { type Consumer, consumers, type EventLog, GROUPS, type Topics } from '@tokenledger/event-log';

const LOOK_MS = 200;

/** Throws `NOT_WRITTEN` when a role has not come that far after `timeoutMs`. */
export async function untilWritten(log: EventLog, topics: Topics, timeoutMs: number): Promise<void> {
  const untilMs = performance.now() + timeoutMs;
  const path: readonly string[] = [topics.usageEvents, topics.usagePriced, topics.deadLetter];
  for (const topic of path)
    for (const consumer of consumers(topics).filter((one) => one.topic === topic)) await untilRead(log, consumer, untilMs);
}

/** Told how many records a group has not read yet. */
export type OnBehind = (records: number) => void;

/** What the topic of priced events holds now, as rows or as dead letters. Throws `NOT_WRITTEN`. */
export async function untilPricedWritten(log: EventLog, topics: Topics, untilMs: number, onBehind: OnBehind = () => {}): Promise<void> {
  for (const group of [GROUPS.writer, GROUPS.writerDeadLetters]) {
    const consumer = consumers(topics).find((one) => one.group === group);
    invariant(consumer !== undefined, 'writers read priced events and dead letters');
    await untilRead(log, consumer, untilMs, onBehind);
  }
}

/** Throws `NOT_WRITTEN` when the group of a consumer has not come to the present end of its topic by `untilMs`, of `performance.now()`. */
export async function untilRead(log: EventLog, consumer: Consumer, untilMs: number, onBehind: OnBehind = () => {}): Promise<void> {
  const ends = (await log.ranges(consumer.topic)).map(({ start, end }) => (end > start ? end : 0));
  for (;;) {
    const committed = await log.committedOffsets(consumer.group, consumer.topic);
    const left = ends.map((end, partition) => Math.max(0, end - (committed.get(partition)?.offset ?? 0)));
    const behind = left.findIndex((records) => records > 0);
    if (behind < 0) return;
    onBehind(left.reduce((sum, records) => sum + records, 0));
    if (performance.now() >= untilMs) {
      throw new AppError(
        'NOT_WRITTEN',
        `${consumer.group} has not read ${consumer.topic}/${behind} up to offset ${ends[behind]}: let a ${consumer.role} run until it has, and try again`,
        { retryable: true },
      );
    }
    await wait(LOOK_MS);
  }
}
