/** Which lines of a statement ClickHouse lacks: as events, dead letters and sealed days have them, and nothing else. */
import type { ClickHouse } from '@tokenledger/clickhouse';
import type { NumberRange } from '@tokenledger/schemas';
import type { FixedLane, FixedStatement } from './statement-log.ts';

/** By partition, ascending and disjoint; partitions of which nothing is missing are absent. */
export type LaneRanges = ReadonlyMap<number, readonly NumberRange[]>;

export async function missingIn(clickhouse: ClickHouse, { source, lanes }: FixedStatement): Promise<LaneRanges> {
  const counts = await clickhouse.query<{ readonly log_partition: number; readonly there: string }>(
    `SELECT log_partition, bitmapCardinality(numbers) AS there FROM (${NUMBERS})`,
    { params: { source, partitions: lanes.map(({ partition }) => partition) } },
  );
  const there = new Map(counts.map((row) => [row.log_partition, Number(row.there)]));
  const missing = new Map<number, readonly NumberRange[]>();
  for (const lane of lanes) {
    const count = there.get(lane.partition) ?? 0;
    if (count === 0) missing.set(lane.partition, [{ from: 1, to: lane.lines }]);
    else if (count < lane.lines) missing.set(lane.partition, await missingOf(clickhouse, source, lane));
  }
  return missing;
}

async function missingOf(clickhouse: ClickHouse, source: string, { partition, lines }: FixedLane): Promise<readonly NumberRange[]> {
  const [row] = await clickhouse.query<{ readonly missing: readonly (readonly [string, string])[] }>(
    `WITH
       arrayConcat([toUInt64(0)], arraySort(bitmapToArray(numbers)), [{after:UInt64}]) AS edges,
       arrayDifference(edges) AS steps
     SELECT arrayMap((next, step) -> (toUInt64(next - step + 1), toUInt64(next - 1)), arrayFilter((next, step) -> step > 1, edges, steps), arrayFilter(step -> step > 1, steps)) AS missing
     FROM (${NUMBERS})`,
    { params: { source, partitions: [partition], after: lines + 1 } },
  );
  return (row?.missing ?? [['1', String(lines)] as const]).map(([from, to]) => ({ from: Number(from), to: Number(to) }));
}

const OF_LANES = 'source = {source:String} AND log_partition IN ({partitions:Array(UInt32)})';
const NUMBERS = `SELECT log_partition, groupBitmapMergeState(seen) AS numbers FROM (
    SELECT log_partition, groupBitmapState(sequence) AS seen FROM usage_events WHERE ${OF_LANES} GROUP BY source, log_partition
    UNION ALL SELECT log_partition, groupBitmapState(sequence) AS seen FROM dead_letters WHERE ${OF_LANES} GROUP BY source, log_partition
    UNION ALL SELECT log_partition, seen FROM retired_numbers WHERE ${OF_LANES}
  ) GROUP BY log_partition`;

export function isIn(ranges: readonly NumberRange[], number: number): boolean {
  let [low, high] = [0, ranges.length - 1];
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const range = ranges[middle] as NumberRange;
    if (number < range.from) high = middle - 1;
    else if (number > range.to) low = middle + 1;
    else return true;
  }
  return false;
}
