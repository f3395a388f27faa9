/** The name of a segment file: its source, and where it stands in the source's order. */

export interface SegmentName {
  readonly source: string;
  readonly number: number;
}

const PATTERN = /^(?<source>[\w.~-]{1,120})\.(?<number>\d{8})\.journal$/;
const DIGITS = 8;

/** A slash of the source stands as a tilde. */
export function segmentFileName({ source, number }: SegmentName): string {
  return `${source.replaceAll('/', '~')}.${String(number).padStart(DIGITS, '0')}.journal`;
}

/** Null for a file that is no segment. */
export function parseSegmentFileName(name: string): SegmentName | null {
  const groups = PATTERN.exec(name)?.groups;
  return groups === undefined ? null : { source: (groups['source'] as string).replaceAll('~', '/'), number: Number(groups['number']) };
}
