/** What stands in a journal, read beside whoever owns it: nothing is changed, nothing is recovered. */
import type { ClosedEntry } from '../journal.ts';
import { scanSegment } from './batch.ts';
import type { JournalDisk } from './disk.ts';
import { closedRecords, type HeldNumbers, SourceRecovery, type UnclosedEntry } from './recovery.ts';
import { segmentFileName, segmentsBySource } from './segment-name.ts';

export interface InspectedSource {
  readonly source: string;
  readonly segments: number;
  readonly bytes: number;
  /** By partition: the numbers that are here, from the lowest to the highest. */
  readonly held: ReadonlyMap<number, HeldNumbers>;
  readonly unclosed: readonly UnclosedEntry[];
  /** Numbers whose bytes are gone, and writes that are damaged. */
  readonly lost: number;
  readonly damagedBatches: number;
}

type ReadableDisk = Pick<JournalDisk, 'list' | 'read'>;

/** Throws what the disk throws. A segment that goes meanwhile has landed: it is read over. */
export async function inspectJournal(disk: ReadableDisk): Promise<readonly InspectedSource[]> {
  const sources: InspectedSource[] = [];
  for (const [source, numbers] of await segmentsBySource(disk)) {
    const recovery = new SourceRecovery();
    const held = new Map<number, HeldNumbers>();
    let [segments, bytes] = [0, 0];
    for (const number of numbers) {
      const content = await readIfThere(disk, segmentFileName({ source, number }));
      if (content === null) continue;
      segments += 1;
      bytes += content.length;
      for (const [partition, { from, to }] of recovery.add(content).closed) {
        const before = held.get(partition);
        held.set(partition, { from: Math.min(before?.from ?? from, from), to: Math.max(before?.to ?? to, to) });
      }
    }
    const { unclosed, lost, damagedBatches } = recovery.result();
    if (segments > 0) sources.push({ source, segments, bytes, held, unclosed, lost: lost.length, damagedBatches: damagedBatches.length });
  }
  return sources;
}

/** Every closed entry of a source, a segment at a time; one that was written twice comes twice. */
export async function* closedEntries(disk: ReadableDisk, source: string): AsyncGenerator<ClosedEntry> {
  for (const number of (await segmentsBySource(disk)).get(source) ?? []) {
    const content = await readIfThere(disk, segmentFileName({ source, number }));
    if (content === null) continue;
    for (const { partition, sequence, key, value } of closedRecords(scanSegment(content)))
      yield { source, partition, sequence, key, value };
  }
}

async function readIfThere(disk: ReadableDisk, name: string): Promise<Buffer | null> {
  try {
    return await disk.read(name);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
