/** What is in a partition, read by the event log straight from the brokers. */
import { type EventLog, type LogRecord, openKafkaLog } from '@tokenledger/event-log';

const POLL = { recordsMax: 10_000, bytesMax: 64 * 1024 * 1024, waitMs: 2_000 } as const;

export async function readStored(log: EventLog, topic: string, partition: number): Promise<readonly LogRecord[]> {
  const reader = await log.reader({ topic, partition, from: 'start' });
  try {
    const { start, end } = await reader.range();
    const records: LogRecord[] = [];
    for (let next = start; next < end; next = (records.at(-1)?.offset ?? end) + 1) {
      const polled = await reader.poll(POLL);
      if (polled.length === 0) throw new Error(`nothing came of ${topic}/${partition} at ${next}, and it ends at ${end}`);
      records.push(...polled);
    }
    return records;
  } finally {
    await reader.close();
  }
}

/** The values as text. */
export async function readTexts(brokers: readonly string[], topic: string, partition: number): Promise<readonly string[]> {
  const log = openKafkaLog({ brokers });
  try {
    return (await readStored(log, topic, partition)).map(({ value }) => Buffer.from(value ?? []).toString());
  } finally {
    await log.close();
  }
}
