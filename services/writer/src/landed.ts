/** What has landed of a lane: read from ClickHouse, from events, dead letters and sealed days alike, and from nothing else. */
import { quoteName } from '@tokenledger/clickhouse';
import type { LandedLane, NumberRange } from '@tokenledger/schemas';
import type { TableReader } from './tables.ts';

export interface LaneName {
  readonly source: string;
  readonly partition: number;
}

export interface LandedOptions {
  readonly reader: TableReader;
  /** Most missing ranges that are told of a lane: the lowest ones. */
  readonly rangesMax: number;
  /** Numbers that are listed at once while a gap is looked for. */
  readonly pageNumbersMax: number;
  readonly nowMs: number;
}

interface Counted extends LaneName {
  readonly highest: number;
  readonly distinct: number;
}

/** Lanes without a number in ClickHouse are absent. `through` may be told where it was the last time, so that a gap is looked for from there on; that it
 *  still holds is asked first. Throws what ClickHouse throws. */
export async function readLanded(
  lanes: readonly LaneName[],
  through: (lane: LaneName) => number,
  options: LandedOptions,
): Promise<readonly LandedLane[]> {
  const found: LandedLane[] = [];
  for (const counted of await countLanes(lanes, options)) {
    const { source, partition, highest, distinct } = counted;
    // As many different numbers as the highest, and the first is 1: nothing is missing.
    const missing = distinct === highest ? [] : await readMissing(counted, through(counted), options);
    found.push({ source, partition, through: (missing[0]?.from ?? highest + 1) - 1, highest, missing, atMs: options.nowMs });
  }
  return found;
}

async function countLanes(lanes: readonly LaneName[], { reader }: LandedOptions): Promise<readonly Counted[]> {
  const wanted = new Set(lanes.map(({ source, partition }) => `${source}/${partition}`));
  const rows = await reader.clickhouse.query<{
    readonly source: string;
    readonly log_partition: number;
    readonly highest: string;
    readonly distinct: string;
  }>(
    `SELECT source, log_partition, bitmapMax(numbers) AS highest, bitmapCardinality(numbers) AS distinct
     FROM (${numbersOf(reader.database)}) WHERE bitmapCardinality(numbers) > 0`,
    {
      params: {
        sources: [...new Set(lanes.map(({ source }) => source))],
        partitions: [...new Set(lanes.map(({ partition }) => partition))],
      },
    },
  );
  return rows
    .map((row) => ({ source: row.source, partition: row.log_partition, highest: Number(row.highest), distinct: Number(row.distinct) }))
    .filter(({ source, partition }) => wanted.has(`${source}/${partition}`));
}

/** The lowest ranges, a page of numbers after the other. */
async function readMissing(lane: Counted, hint: number, options: LandedOptions): Promise<readonly NumberRange[]> {
  const missing: NumberRange[] = [];
  let after = hint;
  for (;;) {
    const page = await readPage(lane, after, options);
    if (page === undefined) return missing;
    // What was there once and is not any more counts as missing, too.
    if (missing.length === 0 && after > 0 && page.below !== after) {
      after = 0;
      continue;
    }
    missing.push(...page.missing.slice(0, options.rangesMax - missing.length));
    if (page.last >= lane.highest || missing.length >= options.rangesMax) return missing;
    after = page.last;
  }
}

interface Page {
  /** How many numbers are there up to where the page begins. */
  readonly below: number;
  readonly missing: readonly NumberRange[];
  readonly last: number;
}

async function readPage({ source, partition }: LaneName, after: number, options: LandedOptions): Promise<Page | undefined> {
  const { clickhouse, database } = options.reader;
  const [row] = await clickhouse.query<{
    readonly below: string;
    readonly last: string;
    readonly missing: readonly (readonly [string, string])[];
  }>(
    `WITH
       arrayConcat([{after:UInt64}], arraySort(bitmapToArray(bitmapSubsetLimit(numbers, {after:UInt64} + 1, {page:UInt64})))) AS edges,
       arrayDifference(edges) AS steps
     SELECT
       bitmapCardinality(bitmapSubsetInRange(numbers, toUInt64(0), {after:UInt64} + 1)) AS below,
       edges[-1] AS last,
       arraySlice(arrayMap((next, step) -> (toUInt64(next - step + 1), toUInt64(next - 1)), arrayFilter((next, step) -> step > 1, edges, steps), arrayFilter(step -> step > 1, steps)), 1, {ranges:UInt64}) AS missing
     FROM (${numbersOf(database)})`,
    { params: { sources: [source], partitions: [partition], after, page: options.pageNumbersMax, ranges: options.rangesMax } },
  );
  if (row === undefined) return undefined;
  return {
    below: Number(row.below),
    last: Number(row.last),
    missing: row.missing.map(([from, to]) => ({ from: Number(from), to: Number(to) })),
  };
}

/** By lane, the numbers that are there. The tables are read through their projections `completeness`. */
function numbersOf(database: string): string {
  const lanes = `source IN ({sources:Array(String)}) AND log_partition IN ({partitions:Array(UInt32)})`;
  const rowsOf = (table: string): string =>
    `SELECT source, log_partition, groupBitmapState(sequence) AS seen FROM ${table} WHERE ${lanes} GROUP BY source, log_partition`;
  return `SELECT source, log_partition, groupBitmapMergeState(seen) AS numbers FROM (
      ${rowsOf('usage_events')} UNION ALL ${rowsOf('dead_letters')}
      UNION ALL SELECT source, log_partition, seen FROM ${quoteName(database)}.retired_numbers WHERE ${lanes}
    ) GROUP BY source, log_partition`;
}
