/** Which rows of a batch go in: every row whose number is not there yet, once. Pure; the table answers through `present`. */
import type { Row } from './row.ts';
import { addSeen, forgetBeyond, lookUp, NOTHING_SEEN, type Seen } from './seen.ts';

/** What becomes a row of a table, with its identity there. Numbers are at least 1. */
export interface Numbered<Content> {
  readonly source: string;
  readonly sequence: number;
  readonly row: Content;
}

export type NumberedRow = Numbered<Row>;

/** What is known of each source of one table and partition. */
export type SeenBySource = ReadonlyMap<string, Seen>;

/** Numbers by source. */
export type Numbers = ReadonlyMap<string, ReadonlySet<number>>;

export interface Decided<Content> {
  readonly rows: readonly Content[];
  readonly repeats: number;
  /** The sources of the batch, as they are once `rows` are in the table. */
  readonly seen: SeenBySource;
}

/** Sources that memory says nothing about. */
export function unknownSources(rows: readonly Numbered<unknown>[], seen: SeenBySource): readonly string[] {
  const unknown = new Set<string>();
  for (const { source } of rows) if (!seen.has(source)) unknown.add(source);
  return [...unknown];
}

/** Numbers of the batch that memory cannot tell about. */
export function numbersToAsk(rows: readonly Numbered<unknown>[], seen: SeenBySource): Numbers {
  const ask = new Map<string, Set<number>>();
  for (const { source, sequence } of rows) {
    if (lookUp(seen.get(source) ?? NOTHING_SEEN, sequence) !== 'ask') continue;
    const numbers = ask.get(source);
    if (numbers === undefined) ask.set(source, new Set([sequence]));
    else numbers.add(sequence);
  }
  return ask;
}

/** `seen` knows every source of the batch; `present` says which of `numbersToAsk` are in the table.
 *
 *  | memory | table      | in this batch before | the row is |
 *  | ------ | ---------- | -------------------- | ---------- |
 *  | new    | not asked  | no                   | inserted   |
 *  | new    | not asked  | yes                  | a repeat   |
 *  | seen   | not asked  | –                    | a repeat   |
 *  | ask    | present    | –                    | a repeat   |
 *  | ask    | not there  | no                   | inserted   |
 *  | ask    | not there  | yes                  | a repeat   | */
export function decide<Content>(
  batch: readonly Numbered<Content>[],
  known: SeenBySource,
  present: Numbers,
  limits: { readonly rangesMax: number },
): Decided<Content> {
  const seen = new Map<string, Seen>();
  const healed = new Map<string, Set<number>>();
  const rows: Content[] = [];
  for (const { source, sequence, row } of batch) {
    const before = seen.get(source) ?? known.get(source) ?? NOTHING_SEEN;
    const answer = lookUp(before, sequence);
    const inserted =
      answer === 'new' || (answer === 'ask' && present.get(source)?.has(sequence) !== true && firstOf(healed, source, sequence));
    if (inserted) rows.push(row);
    seen.set(source, answer === 'new' ? addSeen(before, sequence) : before);
  }
  // Not before the end: a number that memory forgot in between was never asked.
  for (const [source, after] of seen) seen.set(source, forgetBeyond(after, limits.rangesMax));
  return { rows, repeats: batch.length - rows.length, seen };
}

/** Memory has no place for numbers that have to be asked, so the batch remembers those that it inserts itself. */
function firstOf(numbers: Map<string, Set<number>>, source: string, number: number): boolean {
  const known = numbers.get(source);
  if (known === undefined) {
    numbers.set(source, new Set([number]));
    return true;
  }
  if (known.has(number)) return false;
  known.add(number);
  return true;
}
