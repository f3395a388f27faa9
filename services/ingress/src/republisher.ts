/** Lets go of what has landed in ClickHouse, and sends again what is missing there. */
import { type OutgoingRecord, type Pacing, type Producer, systemPacing } from '@tokenledger/event-log';
import type { ClosedEntry, Journal, LaneState, Numbered, RecoveredEvent } from '@tokenledger/journal';
import { type LandedLane, laneKey, type NumberRange } from '@tokenledger/schemas';
import { isDue, type LaneMemory, marked, republication, sentAgain, type SendMark } from './core/republication.ts';
import type { KnownLanes } from './known-lanes.ts';
import { append, recordOf } from './sending.ts';

export interface RepublisherOptions {
  readonly journal: Journal;
  readonly known: KnownLanes;
  readonly producer: Producer;
  readonly topic: string;
  /** Where `landed` says how far a lane has landed, and how many partitions that topic has. */
  readonly landed: { readonly topic: string; readonly partitions: number };
  /** Whether a source is numbered elsewhere: a number that is not here is not called lost. */
  readonly isForeign: (source: string) => boolean;
  /** Whether the log has what is final of an earlier source: until then nothing of it is let go. */
  readonly isFinal: (source: string) => boolean;
  /** The event for a number that the journal cannot supply any more: reason `journal_lost`. */
  readonly lost: (numbered: Numbered) => RecoveredEvent;
  /** Most events per send. */
  readonly batchMax: number;
  /** Between two looks, in milliseconds. */
  readonly lookMs: number;
  readonly quietMs: number;
  readonly pacing?: Pacing;
  /** Events that the log holds once more; `lost`: those among them that only say that they are lost. */
  readonly onRepublished: (info: { readonly lane: LaneState; readonly range: NumberRange; readonly lost: number }) => void;
  /** It is tried again. */
  readonly onFailure: (error: unknown) => void;
}

export interface Republisher {
  /** Resolves once nothing is under way any more. */
  close(): Promise<void>;
}

/** Looks at a lane of which is remembered when its numbers were sent. */
const MARKS_MAX = 128;

/** Call it before anything of the journal is published: what has landed is not published again, and what is missing below it is sent at once. */
export function startRepublisher(options: RepublisherOptions): Republisher {
  const { journal, known, producer, topic, pacing = systemPacing } = options;
  const memories = new Map<string, LaneMemory>();
  const marks = new Map<string, readonly SendMark[]>();
  const closed = new AbortController();

  for (const { source, partition, last } of journal.lanes()) {
    if (options.isForeign(source)) known.follow(source, partition);
    const lane = known.landed(source, partition);
    if (lane === undefined) continue;
    // The former process sent all that is missing below the highest number; whether again, nobody knows: so now.
    const sentLongAgo = { givenThrough: -1, atMs: pacing.nowMs(), again: 0 };
    memories.set(
      laneKey(source, partition),
      lane.missing.map((range) => ({ ...range, ...sentLongAgo })),
    );
    journal.acknowledged(source, partition, Math.min(lane.highest, last));
    letGo(lane);
  }
  known.onLanded(letGo);
  const running = run();

  async function run(): Promise<void> {
    while (!closed.signal.aborted) {
      try {
        await look();
      } catch (error) {
        options.onFailure(error);
      }
      await pacing.wait(options.lookMs, closed.signal);
    }
  }

  function letGo({ source, partition, through }: LandedLane): void {
    if (options.isFinal(source)) journal.landed(source, partition, through);
  }

  async function look(): Promise<void> {
    for (const { source, partition } of journal.lanes()) {
      // It may have become final since it landed.
      const landed = known.landed(source, partition);
      if (landed !== undefined) letGo(landed);
    }
    const lanes = journal.lanes();
    const held = new Set(lanes.map(({ source, partition }) => laneKey(source, partition)));
    for (const key of memories.keys()) {
      if (held.has(key)) continue;
      memories.delete(key);
      marks.delete(key);
    }
    for (const lane of lanes) await sendMissing(lane);
    for (const [source, partition] of known.followed) if (!held.has(laneKey(source, partition))) await forget(source, partition);
  }

  /** Each result that a provider identifies is a source of its own, so that what was said of those would add up for ever. Whoever still has entries of it sends
   *  them again, and is told again. */
  async function forget(source: string, partition: number): Promise<void> {
    const { landed } = options;
    const removal = { key: laneKey(source, partition), value: null };
    const failure = await append(producer, landed.topic, partition % landed.partitions, [removal]);
    if (failure === undefined) known.forget(source);
    else options.onFailure(failure);
  }

  async function sendMissing(lane: LaneState): Promise<void> {
    const { source, partition, acknowledged } = lane;
    const key = laneKey(source, partition);
    const limits = { nowMs: pacing.nowMs(), quietMs: options.quietMs };
    const landed = known.landed(source, partition);
    const given = givenIn(partition);
    const sent = marked(marks.get(key) ?? [], { acknowledged, given }, landed?.through ?? 0, MARKS_MAX);
    marks.set(key, sent);
    const view = {
      missing: landed?.missing ?? [],
      highest: landed?.highest ?? 0,
      acknowledged,
      given,
      marks: sent,
      passed: known.landed(journal.source, partition)?.highest ?? 0,
    };
    let memory = republication(memories.get(key) ?? [], view, limits);
    memories.set(key, memory);
    for (const due of memory.filter((range) => isDue(range, view, limits))) {
      for (const range of chunks(due, options.batchMax)) {
        if (closed.signal.aborted) return;
        if (!(await send(lane, range))) return;
        memory = sentAgain(memory, range, givenIn(partition), pacing.nowMs());
        memories.set(key, memory);
      }
    }
  }

  function givenIn(partition: number): number {
    return journal.lanes().find((lane) => lane.source === journal.source && lane.partition === partition)?.last ?? 0;
  }

  /** Says whether the log has acknowledged it. */
  async function send(lane: LaneState, range: NumberRange): Promise<boolean> {
    const { source, partition } = lane;
    const entries = new Map<number, ClosedEntry>();
    for (const entry of await journal.read(source, partition, range.from, range.to)) entries.set(entry.sequence, entry);
    const isForeign = options.isForeign(source);
    // What landed while it was read may be gone from the journal since: it is not lost.
    const landed = known.landed(source, partition);
    let lost = 0;
    const records: OutgoingRecord[] = [];
    for (let sequence = range.from; sequence <= range.to; sequence++) {
      if (hasLanded(landed, sequence)) continue;
      const entry = entries.get(sequence);
      if (entry !== undefined) {
        records.push(recordOf(entry));
      } else if (!isForeign) {
        lost += 1;
        const numbered = { source, partition, sequence };
        records.push(recordOf({ ...numbered, ...options.lost(numbered) }));
      }
    }
    if (records.length === 0) return true;
    const failure = await append(producer, topic, partition, records);
    if (failure === undefined) options.onRepublished({ lane, range, lost });
    else options.onFailure(failure);
    return failure === undefined;
  }

  return {
    async close() {
      closed.abort();
      await running;
    },
  };
}

function hasLanded(lane: LandedLane | undefined, sequence: number): boolean {
  if (lane === undefined || sequence > lane.highest) return false;
  return !lane.missing.some(({ from, to }) => sequence >= from && sequence <= to);
}

function* chunks({ from, to }: NumberRange, max: number): Generator<NumberRange> {
  for (let next = from; next <= to; next += max) yield { from: next, to: Math.min(to, next + max - 1) };
}
