/** What was handed in and is not known to be done: by the name that its results will be counted by, the event that handed it in. It says whose the results are.
 *  Compacted in the log, so that every ingress knows. What is counted, and how often, does not depend on it: an item that is lost, or not here yet, costs the
 *  knowledge of who handed it in. */
import { isRejected, type UsageEvent } from '@tokenledger/domain';
import {
  type EventLog,
  type LogRecord,
  openTable,
  type OutgoingRecord,
  type Pacing,
  type ShapeObserver,
  systemPacing,
} from '@tokenledger/event-log';
import { decodeUsageEvent, encodeUsageEvent } from '@tokenledger/schemas';
import { append } from './sending.ts';

export interface OpenItem {
  readonly submission: UsageEvent;
  /** Of the usage topics: where its results belong, also when there are more partitions by then. */
  readonly partition: number;
}

export interface OpenItemsOptions {
  readonly log: EventLog;
  readonly topic: string;
  /** Items in memory; beyond it the oldest are forgotten here. */
  readonly itemsMax: number;
  /** Items that wait to be sent; beyond it the oldest are not sent. */
  readonly waitingMax: number;
  /** An item that is older is nobody's any more: no provider keeps results for so long. */
  readonly keptMs: number;
  readonly retryMs: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly pacing?: Pacing;
  readonly observer?: ShapeObserver;
  /** It is tried again. */
  readonly onFailure: (error: unknown) => void;
  readonly onDropped: (items: number) => void;
}

export interface OpenItems {
  readonly size: number;
  find(source: string): OpenItem | undefined;
  /** As `find`, but waits for an item that another ingress may have told of a moment ago. */
  awaited(source: string, waitMs: number): Promise<OpenItem | undefined>;
  /** Known here at once, and sent beside. */
  add(source: string, item: OpenItem): void;
  /** Rejects when others' items are not followed any more. */
  readonly failed: Promise<never>;
  /** Sends what waits, once. */
  close(): Promise<void>;
}

interface Kept {
  readonly value: Uint8Array;
  readonly partition: number;
}

/** The only one of the topic. */
const TOPIC_PARTITION = 0;
const PARTITION_HEADER = 'tl-partition';
const SEND_RECORDS_MAX = 500;

/** Resolves once the topic is read. Throws `TOPIC_MISSING`, and what the log throws. */
export async function openItems(options: OpenItemsOptions): Promise<OpenItems> {
  const { log, topic, pacing = systemPacing } = options;
  const items = new Map<string, Kept>();
  const waiters = new Map<string, Set<() => void>>();
  let waiting: OutgoingRecord[] = [];
  const closed = new AbortController();
  let sending: Promise<void> | undefined;
  const producer = await log.producer();

  function keep(source: string, kept: Kept): void {
    items.delete(source);
    items.set(source, kept);
    for (const oldest of items.keys()) {
      if (items.size <= options.itemsMax) break;
      items.delete(oldest);
    }
    for (const woken of waiters.get(source) ?? []) woken();
  }

  function apply({ key, value, headers }: LogRecord): void {
    if (key === null) return;
    if (value === null) {
      items.delete(key);
      return;
    }
    const partition = Number(headers[PARTITION_HEADER] ?? Number.NaN);
    const submission = decodeUsageEvent(value);
    // What a newer version wrote and this one cannot read says nothing.
    if (isRejected(submission) || !Number.isSafeInteger(partition) || partition < 0) return;
    if (submission.occurredAtMs + options.keptMs < options.now()) enqueue({ key, value: null });
    else keep(key, { value, partition });
  }

  function enqueue(record: OutgoingRecord): void {
    waiting.push(record);
    const excess = waiting.length - options.waitingMax;
    if (excess > 0) {
      waiting.splice(0, excess);
      options.onDropped(excess);
    }
    sending ??= send().finally(() => (sending = undefined));
  }

  async function send(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, SEND_RECORDS_MAX);
      const failure = await append(producer, topic, TOPIC_PARTITION, batch);
      if (failure === undefined) {
        const sent = new Set(batch);
        waiting = waiting.filter((record) => !sent.has(record));
        continue;
      }
      options.onFailure(failure);
      if (closed.signal.aborted) return;
      await pacing.wait(options.retryMs, closed.signal);
    }
  }

  const table = await openTable<never>({
    log,
    topic,
    decode: () => undefined,
    onRecord: apply,
    pacing,
    ...(options.observer === undefined ? {} : { observer: options.observer }),
  }).catch(async (error: unknown) => {
    await producer.close();
    throw error;
  });

  function find(source: string): OpenItem | undefined {
    const kept = items.get(source);
    const submission = kept === undefined ? undefined : decodeUsageEvent(kept.value);
    return kept === undefined || submission === undefined || isRejected(submission) ? undefined : { submission, partition: kept.partition };
  }

  return {
    get size() {
      return items.size;
    },
    find,
    async awaited(source, waitMs) {
      const known = find(source);
      if (known !== undefined || closed.signal.aborted) return known;
      const enough = new AbortController();
      const wake = (): void => enough.abort();
      const ours = waiters.get(source) ?? new Set();
      waiters.set(source, ours.add(wake));
      await pacing.wait(waitMs, enough.signal);
      ours.delete(wake);
      if (ours.size === 0) waiters.delete(source);
      return find(source);
    },
    add(source, { submission, partition }) {
      const value = encodeUsageEvent(submission);
      keep(source, { value, partition });
      enqueue({ key: source, value, headers: { [PARTITION_HEADER]: String(partition) } });
    },
    failed: table.failed,
    async close() {
      closed.abort();
      await sending;
      if (waiting.length > 0) await send();
      await table.close();
      await producer.close();
    },
  };
}
