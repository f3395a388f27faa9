/** The journal's twin in memory: the same numbering and the same bounds, lost with the process. */
import { invariant } from '@tokenledger/domain';
import type { ClosedEntry, Journal, JournalEntry, JournalFill, OpenRequest } from './journal.ts';

export interface MemoryJournalOptions {
  readonly source: string;
  readonly entriesMax: number;
  readonly bytesMax: number;
}

/** What one closed entry costs besides its bytes, roughly. */
const ENTRY_OVERHEAD_BYTES = 200;

interface Partition {
  lastSequence: number;
  publishedThrough: number;
  /** Closed entries in sequence order; the one at `head` has sequence `publishedThrough + 1`. */
  queue: ClosedEntry[];
  /** Entries at the front of `queue` that are published already; cut off in blocks. */
  head: number;
}

const HEAD_CUT = 1024;

export function memoryJournal(options: MemoryJournalOptions): Journal {
  const partitions = new Map<number, Partition>();
  const listeners: ((partition: number) => void)[] = [];
  let lastId = 0;
  let entries = 0;
  let bytes = 0;

  const partitionOf = (number: number): Partition => {
    let partition = partitions.get(number);
    if (partition === undefined) {
      partition = { lastSequence: 0, publishedThrough: 0, queue: [], head: 0 };
      partitions.set(number, partition);
    }
    return partition;
  };

  return {
    source: options.source,
    syncedThrough: Number.MAX_SAFE_INTEGER,

    open(request: OpenRequest): JournalEntry | null {
      if (entries >= options.entriesMax || bytes >= options.bytesMax) return null;
      entries += 1;
      lastId += 1;
      return { id: lastId, partition: request.partition, position: lastId };
    },

    close(entry, key, encode) {
      const partition = partitionOf(entry.partition);
      const sequence = partition.lastSequence + 1;
      const value = encode(sequence);
      partition.lastSequence = sequence;
      partition.queue.push({ id: entry.id, partition: entry.partition, sequence, key, value });
      bytes += value.byteLength + ENTRY_OVERHEAD_BYTES;
      for (const listener of listeners) listener(entry.partition);
      return entry.position;
    },

    onSynced(_position, callback) {
      callback();
    },

    pending(number, afterSequence, max) {
      const partition = partitions.get(number);
      if (partition === undefined) return [];
      const from = partition.head + Math.max(0, afterSequence - partition.publishedThrough);
      return partition.queue.slice(from, from + max);
    },

    published(number, sequence) {
      const partition = partitionOf(number);
      invariant(sequence <= partition.lastSequence, 'a number that was never assigned was published');
      while (partition.publishedThrough < sequence) {
        const entry = partition.queue[partition.head] as ClosedEntry;
        partition.head += 1;
        partition.publishedThrough += 1;
        entries -= 1;
        bytes -= entry.value.byteLength + ENTRY_OVERHEAD_BYTES;
      }
      if (partition.head >= HEAD_CUT || partition.head === partition.queue.length) {
        partition.queue = partition.queue.slice(partition.head);
        partition.head = 0;
      }
    },

    onClosed(listener) {
      listeners.push(listener);
    },

    fill(): JournalFill {
      return { entries, bytes, entriesMax: options.entriesMax, bytesMax: options.bytesMax };
    },

    shutdown: () => Promise.resolve(),
  };
}
