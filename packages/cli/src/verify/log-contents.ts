/** What the log holds: the numbers that each group has consumed, and those that wait for the next one. Read record by record, by their headers. */
import { AppError } from '@tokenledger/domain';
import { consumers, type EventLog, lagsOf, type Lag, type LogRecord, type Topics } from '@tokenledger/event-log';
import { decodeRecord, readDeadLetter, readIdentity } from '@tokenledger/schemas';
import { type Consumed, laneKey, type LaneNumbers } from './judge.ts';
import { NumberCollector, type NumberSet, unite } from './number-set.ts';

const POLL = { recordsMax: 5_000, bytesMax: 16 * 1024 * 1024, waitMs: 1_000 };
/** A partition that gives nothing for so many polls, though it has more, is not read any further. */
const EMPTY_POLLS_MAX = 30;

/** How far each group has come in the usage topics: taken before anything else is looked at. */
export interface Cut {
  readonly lags: readonly Lag[];
}

export async function takeCut(log: EventLog, topics: Topics): Promise<Cut> {
  const usage = new Set([topics.usageEvents, topics.usagePriced, topics.deadLetter]);
  const lags = await Promise.all(
    consumers(topics)
      .filter(({ topic }) => usage.has(topic))
      .map((consumer) => lagsOf(log, consumer)),
  );
  return { lags: lags.flat() };
}

/** Everything up to the cut, partition by partition. */
export async function readConsumed(log: EventLog, cut: Cut): Promise<readonly Consumed[]> {
  const consumed: Consumed[] = [];
  for (const { consumer, partition, committed } of cut.lags) {
    if (committed === null) continue;
    const { from, records, numbers } = await readNumbers(log, consumer.topic, partition, 'start', committed.offset);
    const { group, topic } = consumer;
    consumed.push({ group, topic, partition, consumed: committed.offset - from, records, numbers });
  }
  return consumed;
}

/** Everything that was behind the cut and is in the log by now: what a group has put out that the next one had not committed, and what was never consumed. */
export async function readOnTheWay(log: EventLog, cut: Cut): Promise<LaneNumbers> {
  const onTheWay = new Map<string, NumberSet>();
  for (const { consumer, partition, committed, range } of cut.lags) {
    const { numbers } = await readNumbers(log, consumer.topic, partition, Math.max(committed?.offset ?? 0, range.start), 'end');
    for (const [source, found] of numbers) {
      const lane = laneKey(source, partition);
      onTheWay.set(lane, unite([...(onTheWay.get(lane) ?? []), ...found]));
    }
  }
  return onTheWay;
}

interface Numbers {
  /** The first offset that was there. */
  readonly from: number;
  readonly records: number;
  readonly numbers: ReadonlyMap<string, NumberSet>;
}

async function readNumbers(log: EventLog, topic: string, partition: number, from: 'start' | number, to: 'end' | number): Promise<Numbers> {
  const reader = await log.reader({ topic, partition, from });
  try {
    const range = await reader.range();
    const begin = from === 'start' ? range.start : from;
    const end = to === 'end' ? range.end : Math.min(to, range.end);
    const bySource = new Map<string, NumberCollector>();
    let [next, records, empty] = [begin, 0, 0];
    while (next < end) {
      const batch = await reader.poll(POLL);
      if (batch.length === 0 && (empty += 1) > EMPTY_POLLS_MAX)
        throw new AppError('LOG_UNAVAILABLE', `${topic}/${partition} gives nothing from offset ${next} on, though it ends at ${end}`, {
          retryable: true,
        });
      for (const record of batch) {
        next = record.offset + 1;
        if (record.offset >= end) break;
        records += 1;
        const { source, sequence } = identityOf(record);
        const collector = bySource.get(source) ?? new NumberCollector();
        collector.add(sequence);
        bySource.set(source, collector);
      }
    }
    return {
      from: Math.min(begin, end),
      records,
      numbers: new Map(Array.from(bySource, ([source, collector]) => [source, collector.numbers()])),
    };
  } finally {
    await reader.close();
  }
}

/** As the writer counts it: by its headers, by its value, else by where it stood when it was refused. */
function identityOf(record: LogRecord): { readonly source: string; readonly sequence: number } {
  const named = readIdentity(record.headers);
  if (named !== null) return named;
  const origin = readDeadLetter(record.headers)?.origin;
  const event = origin === undefined ? eventOf(record) : null;
  if (event !== null && event.source !== '' && event.sequence >= 1) return event;
  const { topic, partition, offset } = origin ?? record;
  return { source: `@${topic}/${partition}`, sequence: offset + 1 };
}

function eventOf({ value }: LogRecord): { readonly source: string; readonly sequence: number } | null {
  if (value === null) return null;
  const decoded = decodeRecord(value);
  switch (decoded.kind) {
    case 'usage':
      return decoded.event;
    case 'priced':
      return decoded.priced.event;
    case 'rejected_event':
      return decoded.rejected;
    case 'rejected':
      return null;
  }
}
