/** The documents of the control topic in memory: complete when it opens, then kept up to date, one whole change after the other. */
import { type EventLog, openTable, type Pacing, type RetryLimits, type Running, type ShapeObserver } from '@tokenledger/event-log';
import { createChangeReader, type ReadEvent } from './change-reader.ts';
import type { ControlRecord } from './control-record.ts';
import { documentsIn, type DocumentSet } from './document-set.ts';

export interface ControlWatchOptions {
  readonly log: EventLog;
  /** Name of the control topic. */
  readonly topic: string;
  /** Told after documents changed, in order, and not before the watch has opened. Must not throw. */
  readonly onChange?: (documents: DocumentSet) => void;
  /** Whether `onEvent` is told of audit records, too; they are left unread otherwise. */
  readonly audit?: boolean;
  /** Told of everything that is read, from the first record on. Must not throw. */
  readonly onEvent?: (event: ReadEvent) => void;
  readonly retry?: RetryLimits;
  readonly pacing?: Pacing;
  readonly observer?: ShapeObserver;
}

export interface ControlWatch extends Running {
  /** As of the last whole change; the same object until the next one. */
  documents(): DocumentSet;
  /** The version of each document that holds, deleted ones included, by `kind/id`. Changes under whoever keeps it. */
  readonly records: ReadonlyMap<string, ControlRecord>;
  /** Of the newest claim or record; 0 before the first. */
  readonly epoch: number;
  /** After the last record that was read. */
  readonly nextOffset: number;
  /** How old what is known may be, in milliseconds: since the end of the topic was last seen. */
  behindMs(): number;
}

/** Resolves once it has read to the end. Throws `TOPIC_MISSING`, and what the log throws. */
export async function watchControl(options: ControlWatchOptions): Promise<ControlWatch> {
  const reader = createChangeReader({ audit: options.audit ?? false });
  let documents: DocumentSet | undefined;
  let opened = false;
  const current = (): DocumentSet => (documents ??= documentsIn(reader.records.values()));

  const table = await openTable<never>({
    log: options.log,
    topic: options.topic,
    // The reader keeps what holds; a table by key would also keep what does not.
    decode: () => undefined,
    onRecord: (record) => {
      for (const event of reader.take(record)) {
        if (event.kind === 'applied') documents = undefined;
        options.onEvent?.(event);
        if (event.kind === 'applied' && opened) options.onChange?.(current());
      }
    },
    ...(options.retry === undefined ? {} : { retry: options.retry }),
    ...(options.pacing === undefined ? {} : { pacing: options.pacing }),
    ...(options.observer === undefined ? {} : { observer: options.observer }),
  });
  opened = true;
  return {
    failed: table.failed,
    close: () => table.close(),
    documents: current,
    records: reader.records,
    get epoch() {
      return reader.epoch;
    },
    get nextOffset() {
      return reader.nextOffset;
    },
    behindMs: () => table.behindMs(),
  };
}
