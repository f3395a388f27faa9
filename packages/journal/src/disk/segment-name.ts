/** The name of a segment file: its source, and where it stands in the source's order. */
import type { JournalDisk } from './disk.ts';

export interface SegmentName {
  readonly source: string;
  readonly number: number;
}

const PATTERN = /^(?<source>[\w.~-]{1,200})\.(?<number>\d{8})\.journal$/;
const DIGITS = 8;

/** A slash of the source stands as a tilde. */
export function segmentFileName({ source, number }: SegmentName): string {
  return `${source.replaceAll('/', '~')}.${String(number).padStart(DIGITS, '0')}.journal`;
}

/** Null for a file that is no segment. */
function parseSegmentFileName(name: string): SegmentName | null {
  const groups = PATTERN.exec(name)?.groups;
  return groups === undefined ? null : { source: (groups['source'] as string).replaceAll('~', '/'), number: Number(groups['number']) };
}

/** The numbers of the segments of each source, in order. */
export async function segmentsBySource(disk: Pick<JournalDisk, 'list'>): Promise<ReadonlyMap<string, readonly number[]>> {
  const sources = new Map<string, number[]>();
  for (const name of await disk.list()) {
    const parsed = parseSegmentFileName(name);
    if (parsed === null) continue;
    const numbers = sources.get(parsed.source) ?? [];
    numbers.push(parsed.number);
    sources.set(parsed.source, numbers);
  }
  for (const numbers of sources.values()) numbers.sort((one, other) => one - other);
  return sources;
}

/** The earlier sources that a journal holds segments of. */
export async function heldSources(disk: Pick<JournalDisk, 'list'>): Promise<readonly string[]> {
  return [...(await segmentsBySource(disk)).keys()];
}
