/** Says on the topic `landed` what ClickHouse has of the lanes that were written: at most every so often, and of those alone. */
import { type OutgoingRecord, type Pacing, type Producer, systemPacing } from '@tokenledger/event-log';
import { encodeLandedLane, laneKey, type LandedLane } from '@tokenledger/schemas';
import { type LaneName, readLanded } from './landed.ts';
import type { TableReader } from './tables.ts';

export interface LandedAnnouncerOptions {
  /** The node that has the partitions. */
  readonly reader: TableReader;
  readonly producer: Producer;
  readonly topic: string;
  /** Of the topic: a lane's records stand in its own partition, modulo these. */
  readonly partitions: number;
  readonly everyMs: number;
  readonly rangesMax: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly pacing?: Pacing;
  /** It is tried again. */
  readonly onFailure: (error: unknown) => void;
  readonly onAnnounced: (lanes: readonly LandedLane[]) => void;
}

export interface LandedAnnouncer {
  /** Rows of these sources are in ClickHouse, new or not: whoever sent them wants to know. The partition was taken over before, so that nothing of an
   *  older owner is under way. */
  written(partition: number, sources: Iterable<string>): void;
  /** Says what is left to say, once. */
  close(): Promise<void>;
}

/** Lanes of one look; the others have their turn next. */
const LANES_MAX = 1_000;
const PAGE_NUMBERS_MAX = 1_000_000;
/** Lanes of which is remembered how far they had landed; beyond it a gap is looked for from the beginning. */
const HINTS_MAX = 10_000;
/** Sources that stand for the place of a record whose identity could not be read. */
const UNREADABLE = '@';

export function createLandedAnnouncer(options: LandedAnnouncerOptions): LandedAnnouncer {
  const { pacing = systemPacing } = options;
  const waiting = new Map<string, LaneName>();
  /** Where to look for a gap first; ClickHouse is asked whether it still holds. */
  const hints = new Map<string, number>();
  const closed = new AbortController();
  let running: Promise<void> | null = null;

  async function run(): Promise<void> {
    while (waiting.size > 0 && !closed.signal.aborted) {
      await say();
      await pacing.wait(options.everyMs, closed.signal);
    }
  }

  async function say(): Promise<void> {
    const lanes = [...waiting.values()].slice(0, LANES_MAX);
    for (const { source, partition } of lanes) waiting.delete(laneKey(source, partition));
    try {
      const landed = await readLanded(lanes, ({ source, partition }) => hints.get(laneKey(source, partition)) ?? 0, {
        reader: options.reader,
        rangesMax: options.rangesMax,
        pageNumbersMax: PAGE_NUMBERS_MAX,
        nowMs: options.now(),
      });
      await send(landed);
      options.onAnnounced(landed);
    } catch (error) {
      for (const lane of lanes) waiting.set(laneKey(lane.source, lane.partition), lane);
      options.onFailure(error);
    }
  }

  async function send(landed: readonly LandedLane[]): Promise<void> {
    const byPartition = new Map<number, OutgoingRecord[]>();
    for (const lane of landed) {
      const key = laneKey(lane.source, lane.partition);
      const to = lane.partition % options.partitions;
      const records = byPartition.get(to) ?? [];
      records.push({ key, value: encodeLandedLane(lane) });
      byPartition.set(to, records);
      hints.delete(key);
      if (hints.size < HINTS_MAX) hints.set(key, lane.through);
    }
    await Promise.all(Array.from(byPartition, ([partition, records]) => options.producer.send(options.topic, partition, records)));
  }

  return {
    written(partition, sources) {
      for (const source of sources) {
        if (!source.startsWith(UNREADABLE)) waiting.set(laneKey(source, partition), { source, partition });
      }
      if (closed.signal.aborted) return;
      running ??= run().finally(() => (running = null));
    },
    async close() {
      closed.abort();
      await running;
      if (waiting.size > 0) await say();
    },
  };
}
