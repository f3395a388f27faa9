/** The journal on disk. Each opening is a source of its own with its own segments; what earlier openings left is finished first: a request that was
 *  opened and never closed gets its number and its `unresolved` event, on disk, before anything of it is sent. */
import { invariant } from '@tokenledger/domain';
import { type Pacing, systemPacing } from '@tokenledger/event-log';
import type { ClosedEntry, ForeignSource, Journal, JournalEntry, JournalFill, LaneState, OpenRequest } from '../journal.ts';
import { PositionQueue } from '../position-queue.ts';
import { scanSegment } from './batch.ts';
import { type EarlierSource, recoverSource } from './earlier-source.ts';
import { ForeignSources } from './foreign-sources.ts';
import type { DiskJournalOptions } from './journal-options.ts';
import { Lane, laneKey, type LaneTotals } from './lane.ts';
import { closedRecords } from './recovery.ts';
import { segmentsBySource } from './segment-name.ts';
import { type Segment, SegmentWriter, type WrittenEntry } from './segment-writer.ts';

export interface DiskJournal extends Journal {
  /** What recovery did, for the log. */
  readonly recovered: { readonly sources: number; readonly unresolved: number; readonly lost: number };
}

interface OpenEntry extends JournalEntry, WrittenEntry {
  position: number;
  closed: boolean;
}

/** Between two tries to remove a segment. */
const REMOVE_RETRY_MS = 1_000;

const NOTHING_ASSIGNED = (): ReadonlyMap<number, number> => new Map();

/** Throws what the disk throws: without its journal an ingress does not start. */
export async function openDiskJournal(options: DiskJournalOptions): Promise<DiskJournal> {
  const pacing = options.pacing ?? systemPacing;
  const earlier: EarlierSource[] = [];
  const totals: LaneTotals = { waiting: 0, bytes: 0 };
  for (const [source, numbers] of await segmentsBySource(options.disk)) {
    const onWriteFailure = (error: unknown): void => options.onAlarm({ kind: 'write_failed', error });
    const recovered = await recoverSource(source, numbers, {
      ...options,
      assigned: options.assigned ?? NOTHING_ASSIGNED,
      isForeign: options.isForeign ?? (() => false),
      totals,
      pacing,
      onWriteFailure,
    });
    if ('setAside' in recovered) {
      options.onAlarm({ kind: 'set_aside', ...recovered.setAside });
      continue;
    }
    const { damagedBatches: batches, lost } = recovered;
    if (batches.length > 0) options.onAlarm({ kind: 'damaged', source, batches, numbers: lost });
    earlier.push(recovered);
  }
  return new OpenedJournal(options, pacing, earlier, totals);
}

class OpenedJournal implements DiskJournal {
  readonly source: string;
  readonly recovered: DiskJournal['recovered'];
  readonly #options: DiskJournalOptions;
  readonly #pacing: Pacing;
  readonly #lanes: Map<string, Lane>;
  readonly #totals: LaneTotals;
  /** Earlier openings that still hold entries, and foreign sources that nobody adds to. */
  readonly #earlier: Map<string, EarlierSource>;
  #earlierBytes = 0;
  readonly #foreign: ForeignSources;
  readonly #writer: SegmentWriter;
  readonly #written = new PositionQueue();
  readonly #synced = new PositionQueue();
  readonly #listeners: ((source: string, partition: number) => void)[] = [];
  /** Lanes with closed entries that are not synced yet, and where the last of them ends. */
  readonly #fresh = new Map<Lane, number>();
  readonly #reading = new Set<Lane>();
  /** By source: settles with the last removal that was begun; false when a segment had to stay. */
  readonly #removing = new Map<string, Promise<boolean>>();
  #lastId = 0;
  #open = 0;
  #closing = false;

  constructor(options: DiskJournalOptions, pacing: Pacing, earlier: EarlierSource[], totals: LaneTotals) {
    this.#options = options;
    this.#pacing = pacing;
    this.#totals = totals;
    this.#lanes = new Map(earlier.flatMap(({ lanes }) => lanes).map((lane) => [laneKey(lane.source, lane.partition), lane]));
    this.#earlier = new Map(earlier.map((one) => [one.source, one]));
    const held = earlier.flatMap(({ segments }) => segments);
    for (const { bytes } of held) this.#earlierBytes += bytes;
    this.#foreign = new ForeignSources({
      ...options,
      pacing,
      firstSegment: held.reduce((highest, { number }) => Math.max(highest, number), 0) + 1,
      hasRoom: (uncounted) => this.#hasRoom(uncounted),
      keepsInMemory: () => totals.bytes < options.memoryBytesMax,
      take: (source) => this.#takeEarlier(source),
      laneOf: (source, partition) => this.#lane(source, partition),
      onAdded: (source, partition) => {
        for (const listener of this.#listeners) listener(source, partition);
      },
      onLeft: (left) => this.#leave(left),
      onFailure: (error) => options.onAlarm({ kind: 'write_failed', error }),
    });
    this.recovered = {
      sources: earlier.length,
      unresolved: earlier.reduce((sum, { unresolved }) => sum + unresolved, 0),
      lost: earlier.reduce((sum, { lost }) => sum + lost, 0),
    };
    this.source = options.source;
    this.#writer = new SegmentWriter({
      disk: options.disk,
      source: this.source,
      durability: options.durability,
      segmentBytesMax: options.segmentBytesMax,
      firstSegment: 1,
      firstBatch: 1,
      numbered: new Map(),
      pacing,
      ...(options.syncIntervalMsMax === undefined ? {} : { syncIntervalMsMax: options.syncIntervalMsMax }),
      onWritten: () => this.#written.reached(this.#writer.writtenThrough),
      onSynced: () => this.#onSynced(),
      onFailure: (error) => options.onAlarm({ kind: 'write_failed', error }),
    });
    for (const { source } of earlier) this.#letGo(source);
  }

  get syncedThrough(): number {
    return this.#writer.syncedThrough;
  }

  open(request: OpenRequest): JournalEntry | null {
    if (this.#closing || this.#writer.failing || this.#writer.bufferedBytes >= this.#options.bufferedBytesMax) return null;
    if (!this.#hasRoom()) return null;
    this.#lastId += 1;
    this.#open += 1;
    const entry: OpenEntry = { id: this.#lastId, partition: request.partition, position: 0, segment: null, closed: false };
    entry.position = this.#writer.opened({ kind: 'opened', id: entry.id, partition: entry.partition, facts: request.facts() }, entry);
    return entry;
  }

  progress(entry: JournalEntry, facts: Uint8Array): number | null {
    // Mostly it betters an estimate: a disk that does not keep up, or is full, is spared it.
    const isFull = this.fill().bytes >= this.#options.bytesMax;
    if (isFull || this.#writer.failing || this.#writer.bufferedBytes >= this.#options.bufferedBytesMax) return null;
    return this.#writer.append({ kind: 'progress', id: entry.id, facts });
  }

  answered(entry: JournalEntry, facts: Uint8Array): number {
    invariant(!(entry as OpenEntry).closed, 'an entry of the journal is answered before it is closed');
    return ((entry as OpenEntry).position = this.#writer.append({ kind: 'progress', id: entry.id, facts }));
  }

  close(entry: JournalEntry, key: string, encode: (sequence: number) => Uint8Array): number {
    const open = entry as OpenEntry;
    invariant(!open.closed, 'an entry of the journal is closed once');
    open.closed = true;
    this.#open -= 1;
    const lane = this.#lane(this.source, open.partition);
    const sequence = lane.nextSequence();
    const value = encode(sequence);
    const record = { kind: 'closed', id: open.id, partition: open.partition, sequence, key, value } as const;
    open.position = this.#writer.closed(record, open);
    lane.add(
      { source: this.source, partition: open.partition, sequence, key, value },
      open.position,
      this.#totals.bytes < this.#options.memoryBytesMax,
    );
    this.#fresh.set(lane, open.position);
    return open.position;
  }

  foreign(source: string, partition: number): ForeignSource | null {
    return this.#closing ? null : this.#foreign.use(source, partition);
  }

  flush(): void {
    this.#writer.flush();
  }

  onWritten(position: number, callback: () => void): void {
    if (position <= this.#writer.writtenThrough) callback();
    else this.#written.add(position, callback);
  }

  onSynced(position: number, callback: () => void): void {
    if (position <= this.#writer.syncedThrough) {
      callback();
      return;
    }
    this.#synced.add(position, callback);
    this.#writer.want(position);
  }

  lanes(): readonly LaneState[] {
    return Array.from(this.#lanes.values(), (lane) => {
      const { source, partition, acknowledged, landed, last } = lane;
      return { source, partition, acknowledged, landed, last, synced: this.#syncedIn(lane) };
    });
  }

  pending(source: string, partition: number, max: number): readonly ClosedEntry[] {
    const lane = this.#lanes.get(laneKey(source, partition));
    if (lane === undefined) return [];
    const entries = lane.pending(this.#writer.syncedThrough, max);
    if (entries.length === 0 && lane.firstOnDisk !== null) this.#load(lane);
    return entries;
  }

  acknowledged(source: string, partition: number, sequence: number): void {
    // A lane that landed as a whole while it was sent is gone.
    this.#lanes.get(laneKey(source, partition))?.acknowledge(sequence);
  }

  landed(source: string, partition: number, sequence: number): void {
    const lane = this.#lanes.get(laneKey(source, partition));
    if (lane === undefined || sequence <= lane.landed) return;
    lane.land(sequence);
    this.#letGo(source);
  }

  async read(source: string, partition: number, from: number, to: number): Promise<readonly ClosedEntry[]> {
    const found = new Map<number, ClosedEntry>();
    // Others may be let go while one is read.
    for (const segment of this.#segmentsOf(source).slice()) {
      const held = segment.closed.get(partition);
      if (held === undefined || held.to < from || held.from > to) continue;
      const bytes = await this.#readHeld(source, segment);
      if (bytes === null) continue;
      for (const record of closedRecords(scanSegment(bytes))) {
        if (record.partition !== partition || record.sequence < from || record.sequence > to) continue;
        found.set(record.sequence, { source, partition, sequence: record.sequence, key: record.key, value: Buffer.from(record.value) });
      }
    }
    return Array.from(found.values()).toSorted((one, other) => one.sequence - other.sequence);
  }

  /** Null for a segment that has been let go. */
  async #readHeld(source: string, segment: Segment): Promise<Buffer | null> {
    try {
      return await this.#options.disk.read(segment.name);
    } catch (error) {
      if (this.#segmentsOf(source).includes(segment)) throw error;
      return null;
    }
  }

  onClosed(listener: (source: string, partition: number) => void): void {
    this.#listeners.push(listener);
  }

  fill(): JournalFill {
    let bytes = this.#writer.bufferedBytes + this.#earlierBytes + this.#foreign.bytes;
    for (const segment of this.#writer.segments) bytes += segment.bytes;
    return {
      entries: this.#open + this.#totals.waiting,
      open: this.#open,
      bytes,
      entriesMax: this.#options.entriesMax,
      bytesMax: this.#options.bytesMax,
    };
  }

  async shutdown(): Promise<void> {
    this.#closing = true;
    await Promise.all([this.#writer.close(), this.#foreign.close()]);
    // With nothing held there is nothing for the next start to read.
    this.#letGoOf(this.source, this.#writer.segments, 0);
    await Promise.all(this.#removing.values());
  }

  #onSynced(): void {
    this.#synced.reached(this.#writer.syncedThrough);
    for (const [lane, position] of this.#fresh) {
      // A sync covers what was written when it began: the rest is told with the next one.
      if (position <= this.#writer.syncedThrough) this.#fresh.delete(lane);
      for (const listener of this.#listeners) listener(lane.source, lane.partition);
    }
    this.#letGo(this.source);
  }

  #hasRoom(uncounted = 0): boolean {
    const { entries, entriesMax, bytes, bytesMax } = this.fill();
    return entries + uncounted < entriesMax && bytes < bytesMax;
  }

  #lane(source: string, partition: number): Lane {
    const key = laneKey(source, partition);
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      lane = new Lane(source, partition, 0, 0, this.#totals);
      this.#lanes.set(key, lane);
    }
    return lane;
  }

  /** The last number of a lane that is on disk for good. */
  #syncedIn({ source, partition, last }: Lane): number {
    return source === this.source ? (this.#writer.syncedNumbers.get(partition) ?? 0) : last;
  }

  #segmentsOf(source: string): readonly Segment[] {
    if (source === this.source) return this.#writer.segments;
    return this.#foreign.segmentsOf(source) ?? this.#earlier.get(source)?.segments ?? [];
  }

  #takeEarlier(source: string): EarlierSource | undefined {
    const earlier = this.#earlier.get(source);
    this.#earlier.delete(source);
    for (const { bytes } of earlier?.segments ?? []) this.#earlierBytes -= bytes;
    return earlier;
  }

  #leave(left: EarlierSource): void {
    this.#earlier.set(left.source, left);
    for (const { bytes } of left.segments) this.#earlierBytes += bytes;
    this.#letGo(left.source);
  }

  /** Reads the next entries of a lane from disk, a segment at a time. */
  #load(lane: Lane): void {
    const first = lane.firstOnDisk;
    // What is written and not synced may still be gone after a power cut: its turn comes with the next sync.
    if (first === null || first > this.#syncedIn(lane) || this.#reading.has(lane)) return;
    // A number that recovery gave may stand in a later segment than those above it.
    const candidates = this.#segmentsOf(lane.source).filter((segment) => {
      const held = segment.closed.get(lane.partition);
      return held !== undefined && held.from <= first && held.to >= first;
    });
    this.#reading.add(lane);
    void this.#loadFrom(lane, first, candidates);
  }

  async #loadFrom(lane: Lane, first: number, candidates: readonly Segment[]): Promise<void> {
    try {
      for (const { name } of candidates) {
        const bytes = await this.#options.disk.read(name);
        for (const record of closedRecords(scanSegment(bytes))) {
          const { key, sequence, partition } = record;
          if (partition !== lane.partition || sequence > this.#syncedIn(lane) || lane.bytes >= this.#options.memoryBytesMax) continue;
          lane.load({ source: lane.source, partition, sequence, key, value: Buffer.from(record.value) });
        }
        if (lane.firstOnDisk !== first) break;
      }
      invariant(lane.firstOnDisk !== first, `number ${first} of ${lane.source}/${lane.partition} is in its segment`);
    } catch (error) {
      // What landed meanwhile may have gone with its segment. Else the lane waits for the next start, whose recovery tells what can be had.
      if (lane.firstOnDisk === first) {
        this.#options.onAlarm({ kind: 'read_failed', error });
        return;
      }
    } finally {
      this.#reading.delete(lane);
    }
    for (const listener of this.#listeners) listener(lane.source, lane.partition);
  }

  /** Segments go from the front, once nothing in them is needed any more. What is added to is kept: its next entries may come at any moment. */
  #letGo(source: string): void {
    if (source === this.source) {
      this.#letGoOf(source, this.#writer.segments, 1);
      return;
    }
    const earlier = this.#earlier.get(source);
    if (earlier === undefined) return;
    this.#letGoOf(source, earlier.segments, 0);
    if (earlier.segments.length > 0) return;
    this.#earlier.delete(source);
    for (const { partition } of earlier.lanes) this.#lanes.delete(laneKey(source, partition));
  }

  #letGoOf(source: string, segments: Segment[], kept: number): void {
    while (segments.length > kept) {
      const [segment] = segments as [Segment];
      if (segment.unclosed > 0) return;
      for (const [partition, { to }] of segment.closed) if (to > this.#lane(source, partition).landed) return;
      segments.shift();
      if (source !== this.source) this.#earlierBytes -= segment.bytes;
      this.#removing.set(source, this.#removeAfter(this.#removing.get(source), segment));
    }
  }

  /** One after the other, from the front: where one is gone and an older one is left, the next start would find a hole and call it damage. */
  async #removeAfter(before: Promise<boolean> | undefined, { name }: Segment): Promise<boolean> {
    // What stays although it may go is read, and let go, at the next start.
    if ((await before) === false) return false;
    for (;;) {
      try {
        await this.#options.disk.remove(name);
        return true;
      } catch (error) {
        this.#options.onAlarm({ kind: 'write_failed', error });
        if (this.#closing) return false;
      }
      await this.#pacing.wait(REMOVE_RETRY_MS);
    }
  }
}
