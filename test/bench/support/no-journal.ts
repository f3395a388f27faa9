/** What an ingress without a journal would do: events wait in memory for the log, and are lost with the process. For comparison only. */
import type { ClosedEntry, Journal, JournalEntry } from '@tokenledger/journal';

interface Lane {
  waiting: ClosedEntry[];
  last: number;
  acknowledged: number;
}

export function noJournal(): Journal {
  const source = 'bench/none';
  const lanes = new Map<number, Lane>();
  const listeners: ((source: string, partition: number) => void)[] = [];
  const fresh = new Set<number>();
  let lastId = 0;
  let open = 0;

  const laneOf = (partition: number): Lane => {
    let lane = lanes.get(partition);
    if (lane === undefined) lanes.set(partition, (lane = { waiting: [], last: 0, acknowledged: 0 }));
    return lane;
  };
  const now = (_position: number, callback: () => void): void => callback();
  /** Once for all that is closed in one turn of the event loop, as a sync would be. */
  const announce = (): void => {
    for (const partition of fresh) for (const listener of listeners) listener(source, partition);
    fresh.clear();
  };

  return {
    source,
    syncedThrough: Number.MAX_SAFE_INTEGER,
    open({ partition }): JournalEntry {
      open += 1;
      return { id: ++lastId, partition, position: 0 };
    },
    progress: () => 0,
    answered: () => 0,
    close({ partition }, key, encode) {
      open -= 1;
      const lane = laneOf(partition);
      const sequence = ++lane.last;
      lane.waiting.push({ source, partition, sequence, key, value: encode(sequence) });
      if (fresh.size === 0) setImmediate(announce);
      fresh.add(partition);
      return 0;
    },
    foreign: () => null,
    flush: () => undefined,
    onWritten: now,
    onSynced: now,
    lanes: () =>
      Array.from(lanes, ([partition, { acknowledged, last }]) => ({
        source,
        partition,
        acknowledged,
        landed: acknowledged,
        last,
        synced: last,
      })),
    pending: (_source, partition, max) => laneOf(partition).waiting.slice(0, max),
    acknowledged(_source, partition, sequence) {
      const lane = laneOf(partition);
      lane.waiting = lane.waiting.slice(sequence - lane.acknowledged);
      lane.acknowledged = sequence;
    },
    landed: () => undefined,
    read: () => Promise.resolve([]),
    onClosed: (listener) => void listeners.push(listener),
    fill: () => {
      let entries = open;
      for (const { last, acknowledged } of lanes.values()) entries += last - acknowledged;
      return { entries, open, entriesMax: Number.MAX_SAFE_INTEGER, bytes: 0, bytesMax: 1 };
    },
    shutdown: () => Promise.resolve(),
  };
}
