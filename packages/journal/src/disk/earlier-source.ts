/** Finishes what an earlier opening left: reads its segments, gives every request that was never closed its number and event, and puts both on disk
 *  before anybody may send them. Killed anywhere, the next start finds what was finished and goes on with the same numbers. */
import type { Pacing } from '@tokenledger/event-log';
import type { RecoveredEvent } from './recovered-event.ts';
import type { JournalDisk } from './disk.ts';
import { Lane, type LaneTotals } from './lane.ts';
import { type HeldNumbers, type RecoveredSource, SourceRecovery, type UnclosedEntry } from './recovery.ts';
import { segmentFileName } from './segment-name.ts';
import { type Segment, SegmentWriter } from './segment-writer.ts';

/** An earlier opening that still holds entries. */
export interface EarlierSource {
  readonly source: string;
  readonly segments: Segment[];
  readonly lanes: readonly Lane[];
  readonly lastBatch: number;
  readonly unresolved: number;
  readonly lost: number;
  readonly damagedBatches: readonly number[];
}

/** A source of which the ledger knows more than is here. */
export interface BehindSource {
  readonly source: string;
  readonly partition: number;
  /** The last number that is here, and the last that was given. */
  readonly last: number;
  readonly assigned: number;
}

export interface Numbered {
  readonly source: string;
  readonly partition: number;
  readonly sequence: number;
}

export interface RecoveryOptions {
  readonly disk: JournalDisk;
  readonly durability: 'disk' | 'process';
  readonly segmentBytesMax: number;
  readonly assigned: (source: string) => ReadonlyMap<number, number>;
  readonly isForeign: (source: string) => boolean;
  readonly totals: LaneTotals;
  readonly pacing: Pacing;
  readonly unresolved: (entry: UnclosedEntry, numbered: Numbered) => RecoveredEvent;
  readonly lost: (numbered: Numbered) => RecoveredEvent;
  readonly onWriteFailure: (error: unknown) => void;
}

/** `numbers`: of the source's segments, in order. A source that is behind is set aside before anything in it gets a number. */
export async function recoverSource(
  source: string,
  numbers: readonly number[],
  options: RecoveryOptions,
): Promise<EarlierSource | { readonly setAside: BehindSource & { readonly to: string } }> {
  const recovery = new SourceRecovery();
  const segments: Segment[] = [];
  for (const number of numbers) {
    const name = segmentFileName({ source, number });
    // What the operating system has and the disk has not would be sent and then be forgotten in a power cut.
    if (options.durability === 'disk') await options.disk.sync(name);
    const bytes = await options.disk.read(name);
    const { closed } = recovery.add(bytes);
    segments.push({ name, number, bytes: bytes.length, closed: new Map(closed), unclosed: 0 });
  }
  const result = recovery.result();
  const isForeign = options.isForeign(source);
  const found = isForeign ? throughFirstGap(result, segments) : result;
  const behind = isForeign ? null : whereBehind(source, found, options.assigned(source));
  if (behind !== null) return { setAside: { ...behind, to: await options.disk.setAside(segments.map(({ name }) => name)) } };
  const last = new Map(found.lastSequence);
  let { lastBatch } = found;
  if (found.unclosed.length > 0 || found.lost.length > 0) {
    const finished = await finish(source, (numbers.at(-1) ?? 0) + 1, found, last, options);
    segments.push(...finished.segments);
    lastBatch = finished.lastBatch;
  }
  const lanes = Array.from(
    last,
    ([partition, sequence]) => new Lane(source, partition, found.heldAfter.get(partition) ?? 0, sequence, options.totals),
  );
  return {
    source,
    segments,
    lanes,
    lastBatch,
    unresolved: found.unclosed.length,
    lost: result.lost.length,
    damagedBatches: found.damagedBatches,
  };
}

/** A number of a foreign source that is gone here may be had elsewhere, so it is not called lost: what stands above it is added again by whoever reads the
 *  source again. */
function throughFirstGap(found: RecoveredSource, segments: readonly Segment[]): RecoveredSource {
  const lastSequence = new Map(found.lastSequence);
  for (const { partition, sequence } of found.lost) {
    lastSequence.set(partition, Math.min(sequence - 1, lastSequence.get(partition) ?? sequence));
  }
  for (const { closed } of segments) {
    for (const [partition, held] of closed) {
      const through = lastSequence.get(partition) ?? held.to;
      if (held.from > through) closed.delete(partition);
      else if (held.to > through) closed.set(partition, { from: held.from, to: through } satisfies HeldNumbers);
    }
  }
  return { ...found, lastSequence, lost: [] };
}

function whereBehind(source: string, found: RecoveredSource, assigned: ReadonlyMap<number, number>): BehindSource | null {
  // A file whose first write the disk never took has nothing that could be mistaken.
  if (found.lastSequence.size === 0 && found.unclosed.length === 0) return null;
  for (const [partition, highest] of assigned) {
    const last = found.lastSequence.get(partition) ?? 0;
    if (last < highest) return { source, partition, last, assigned: highest };
  }
  return null;
}

/** Resolves once all of it is on disk. Raises `last` by the numbers that are given. */
async function finish(
  source: string,
  firstSegment: number,
  found: RecoveredSource,
  last: Map<number, number>,
  options: RecoveryOptions,
): Promise<Pick<SegmentWriter, 'segments' | 'lastBatch'>> {
  const writer = new SegmentWriter({
    disk: options.disk,
    source,
    durability: options.durability,
    segmentBytesMax: options.segmentBytesMax,
    firstSegment,
    firstBatch: found.lastBatch + 1,
    numbered: new Map(last),
    pacing: options.pacing,
    onWritten: () => undefined,
    onSynced: () => undefined,
    onFailure: options.onWriteFailure,
  });
  for (const { partition, sequence } of found.lost) {
    const event = options.lost({ source, partition, sequence });
    writer.closed({ kind: 'closed', id: 0, partition, sequence, ...event }, null);
  }
  for (const entry of found.unclosed) {
    const sequence = (last.get(entry.partition) ?? 0) + 1;
    last.set(entry.partition, sequence);
    const event = options.unresolved(entry, { source, partition: entry.partition, sequence });
    writer.closed({ kind: 'closed', id: entry.id, partition: entry.partition, sequence, ...event }, null);
  }
  await writer.close();
  return writer;
}
