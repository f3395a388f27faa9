/** Records as the checks make, send and read them. */
import assert from 'node:assert/strict';
import { AppError } from '@tokenledger/domain';
import type { Appended, EventLog, LogRecord, OutgoingRecord } from '@tokenledger/event-log';
import { SEQUENCE_HEADER, SOURCE_HEADER } from '@tokenledger/event-log';

export const POLL = { recordsMax: 1_000, bytesMax: 64 * 1024 * 1024, waitMs: 2_000 } as const;

/** A record that says who it is: source `s`, its number as text for a value. */
export function numbered(sequence: number, source = 's'): OutgoingRecord {
  return {
    key: `key-${sequence % 7}`,
    value: Buffer.from(String(sequence)),
    headers: { [SOURCE_HEADER]: source, [SEQUENCE_HEADER]: String(sequence) },
  };
}

/** Numbers `from` to `to`, both included. */
export function numberedFrom(from: number, to: number, source = 's'): OutgoingRecord[] {
  return Array.from({ length: to - from + 1 }, (_, index) => numbered(from + index, source));
}

export function text(record: LogRecord | undefined): string {
  return Buffer.from(record?.value ?? new Uint8Array()).toString();
}

export function texts(records: readonly LogRecord[]): string[] {
  return records.map(text);
}

/** `'1'` to `'count'`. */
export function counted(count: number): string[] {
  return Array.from({ length: count }, (_, index) => String(index + 1));
}

export async function send(log: EventLog, topic: string, partition: number, records: readonly OutgoingRecord[]): Promise<Appended> {
  const producer = await log.producer();
  try {
    return await producer.send(topic, partition, records);
  } finally {
    await producer.close();
  }
}

/** Everything in a partition now, in order. */
export async function readAll(log: EventLog, topic: string, partition: number): Promise<LogRecord[]> {
  const reader = await log.reader({ topic, partition, from: 'start' });
  const { start, end } = await reader.range();
  const records: LogRecord[] = [];
  let next = start;
  while (next < end) {
    const polled = await reader.poll(POLL);
    if (polled.length === 0) break;
    records.push(...polled);
    next = (polled.at(-1)?.offset ?? next) + 1;
  }
  await reader.close();
  return records;
}

/** The first of each value, in order: what is left when a reader drops repeats. */
export function withoutRepeats(values: readonly string[]): string[] {
  return [...new Set(values)];
}

export async function rejectsWith(code: string, work: Promise<unknown>): Promise<AppError> {
  const outcome = await work.then(
    (value: unknown) => ({ value }),
    (error: unknown) => ({ error }),
  );
  assert.ok('error' in outcome, `expected ${code}, but nothing was thrown`);
  const { error } = outcome;
  assert.ok(error instanceof AppError, `expected ${code}, got ${String(error)}`);
  assert.equal(error.code, code);
  return error;
}
