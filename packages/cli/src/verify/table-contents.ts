/** What the tables hold, as the checks of `tokenledger verify` compare it. Each comparison is one query: its parts see the same rows, whoever inserts meanwhile. */
import type { ClickHouse } from '@tokenledger/clickhouse';
import { USAGE_CLASSES, usageColumn } from '@tokenledger/domain';
import type { Topics } from '@tokenledger/event-log';
import { type Compared, type Lane, laneKey, type LaneNumbers, type RepeatedId, type SealedDay, type Sums, type Tables } from './judge.ts';
import type { NumberRange, NumberSet } from './number-set.ts';

/** Beyond this the first ones say enough. */
const NAMED_MAX = 1_000;
/** Ids are gathered in memory up to this, then on the server's disk. */
const GROUP_BYTES_IN_MEMORY = 1_000_000_000;

const COUNTS: Readonly<Record<string, string>> = {
  events: `countIf(kind = 'usage')`,
  events_usage_unknown: `countIf(kind = 'usage' AND usage_reason NOT IN ('', 'not_forwarded'))`,
  events_usage_estimated: `countIf(kind = 'usage' AND usage_source = 'estimated')`,
  events_unpriced: 'sum(unpriced)',
  events_list_unpriced: 'sum(list_unpriced)',
  events_billable_unpriced: 'sum(billable_unpriced)',
  events_not_forwarded: `countIf(kind = 'usage' AND usage_reason = 'not_forwarded')`,
};
const SUMMED = [
  'attempts_usage_unknown',
  'attempts_unpriced',
  'cost_usd',
  'list_cost_usd',
  'billable_usd',
  'saved_usd',
  'billable_amount',
  ...USAGE_CLASSES.map(usageColumn),
];
const COLUMNS = [...Object.keys(COUNTS), ...SUMMED];
const TOTALS = ['input_tokens', 'output_tokens', 'total_tokens'];

const sumsOfBase = (columns: readonly string[]): string =>
  columns.map((name) => `toString(${COUNTS[name] ?? `sum(r.${name})`}) AS s_${name}`).join(', ');
const sumsOfRollup = (columns: readonly string[]): string => columns.map((name) => `toString(sum(r.${name})) AS s_${name}`).join(', ');

const RETIRED = `(day, tenant_id) NOT IN (SELECT day, tenant_id FROM usage_sealed WHERE row_kind = 'sums' AND retired)`;
const VIEWS = [
  { view: 'usage_by_minute', day: 'toDate(minute)', where: '1' },
  { view: 'usage_by_hour', day: 'toDate(hour)', where: '1' },
  { view: 'usage_by_day', day: 'day', where: RETIRED },
] as const;

export async function readLanes(clickhouse: ClickHouse): Promise<readonly Lane[]> {
  const rows = await clickhouse.query<{
    readonly source: string;
    readonly log_partition: number;
    readonly last_sequence: string;
    readonly missing_ranges: readonly (readonly [string, string])[];
    readonly repeats: string;
    readonly closed: boolean | null;
  }>('SELECT source, log_partition, last_sequence, missing_ranges, repeats, closed FROM completeness');
  return rows.map((row) => ({
    source: row.source,
    partition: row.log_partition,
    highest: Number(row.last_sequence),
    missing: row.missing_ranges.map(toRange),
    repeats: Number(row.repeats),
    closed: row.closed === true,
  }));
}

export async function readRepeatedIds(
  clickhouse: ClickHouse,
): Promise<{ readonly rows: number; readonly repeated: readonly RepeatedId[] }> {
  const [count] = await clickhouse.query<{ readonly rows: string }>('SELECT count() AS rows FROM usage_events');
  const repeated = await clickhouse.query<{ readonly event_id: string; readonly rows: string }>(
    `SELECT event_id, count() AS rows FROM usage_events GROUP BY event_id HAVING rows > 1 ORDER BY event_id LIMIT ${NAMED_MAX}`,
    { settings: { max_bytes_before_external_group_by: String(GROUP_BYTES_IN_MEMORY) } },
  );
  return { rows: Number(count?.rows ?? 0), repeated: repeated.map((row) => ({ eventId: row.event_id, rows: Number(row.rows) })) };
}

type SideRow = Readonly<Record<string, string | null>> & { readonly side: string; readonly day: string };

/** Each view against the rows themselves, read without projections, day by day. */
export async function readRollups(clickhouse: ClickHouse): Promise<readonly Compared[]> {
  const columns = [...COLUMNS, ...TOTALS];
  const compared: Compared[] = [];
  for (const { view, day, where } of VIEWS) {
    const rows = await clickhouse.query<SideRow>(
      `SELECT 'rollup' AS side, toString(${day}) AS day, ${sumsOfRollup(columns)} FROM ${view} AS r WHERE ${where} GROUP BY day
       UNION ALL SELECT * FROM (
         SELECT 'base' AS side, toString(r.day) AS day, ${sumsOfBase(columns)} FROM usage_events AS r WHERE ${where} GROUP BY day
         SETTINGS optimize_use_projections = 0)`,
    );
    compared.push(...pairUp(rows, (row) => `${view} of ${row.day}`));
  }
  return compared;
}

/** Every sealed day and tenant against its raw rows. */
export async function readSealedDays(clickhouse: ClickHouse): Promise<readonly SealedDay[]> {
  const rows = await clickhouse.query<
    SideRow & { readonly tenant_id: string; readonly retired: boolean; readonly rows: string; readonly numbers: string }
  >(
    `SELECT 'rollup' AS side, toString(day) AS day, tenant_id, max(r.retired) AS retired, sumIf(r.base_rows, row_kind = 'sums') AS rows, sumIf(bitmapCardinality(numbers), row_kind = 'numbers') AS numbers,
       ${sumsOfRollup(COLUMNS)} FROM usage_sealed AS r GROUP BY day, tenant_id
     UNION ALL SELECT * FROM (
       SELECT 'base' AS side, toString(r.day) AS day, tenant_id, false AS retired, count() AS rows, 0 AS numbers, ${sumsOfBase(COLUMNS)} FROM usage_events AS r
       WHERE r.day IN (SELECT day FROM usage_sealed) GROUP BY day, tenant_id SETTINGS optimize_use_projections = 0)`,
  );
  const key = (row: { readonly day: string; readonly tenant_id: string }): string => `${row.day} of ${row.tenant_id}`;
  const sealed = new Map(rows.filter(({ side }) => side === 'rollup').map((row) => [key(row), row]));
  const base = new Map(rows.filter(({ side }) => side === 'base').map((row) => [key(row), row]));
  return [...new Set([...sealed.keys(), ...base.keys()])].toSorted().map((where) => {
    const [summed, raw] = [sealed.get(where), base.get(where)];
    return {
      where,
      rollup: summed === undefined ? null : toSums(summed),
      base: raw === undefined ? null : toSums(raw),
      retired: summed?.retired === true,
      sealedRows: Number(summed?.rows ?? 0),
      baseRows: Number(raw?.rows ?? 0),
      numbers: Number(summed?.numbers ?? 0),
    };
  });
}

export async function readTables(clickhouse: ClickHouse, topics: Topics): Promise<Tables> {
  const deadLetters = (topic: 'priced' | 'dead'): string =>
    `SELECT source, log_partition, groupBitmapState(sequence) AS seen FROM dead_letters WHERE log_topic = {${topic}:String} GROUP BY source, log_partition`;
  const params = { priced: topics.usagePriced, dead: topics.deadLetter };
  return {
    written: await readNumbers(
      clickhouse,
      `SELECT source, log_partition, groupBitmapState(sequence) AS seen FROM usage_events GROUP BY source, log_partition
       UNION ALL SELECT source, log_partition, seen FROM retired_numbers`,
      params,
    ),
    rejected: await readNumbers(clickhouse, deadLetters('priced'), params),
    deadLettered: await readNumbers(clickhouse, deadLetters('dead'), params),
  };
}

/** As the lowest and the highest number of each lane, and what is missing between them: only where something is are numbers listed. */
async function readNumbers(clickhouse: ClickHouse, bitmaps: string, params: Readonly<Record<string, unknown>>): Promise<LaneNumbers> {
  const rows = await clickhouse.query<{
    readonly source: string;
    readonly log_partition: number;
    readonly lowest: string;
    readonly highest: string;
    readonly gaps: readonly (readonly [string, string])[];
  }>(
    `SELECT source, log_partition, bitmapMin(numbers) AS lowest, bitmapMax(numbers) AS highest,
       if(highest - lowest + 1 = bitmapCardinality(numbers), 0, highest + 1) AS listed,
       arraySort(bitmapToArray(bitmapSubsetInRange(numbers, toUInt64(0), listed))) AS edges,
       arrayDifference(edges) AS steps,
       arrayMap((next, step) -> (toUInt64(next - step + 1), toUInt64(next - 1)), arrayFilter((next, step) -> step > 1, edges, steps), arrayFilter(step -> step > 1, steps)) AS gaps
     FROM (SELECT source, log_partition, groupBitmapMergeState(seen) AS numbers FROM (${bitmaps}) GROUP BY source, log_partition)`,
    { params },
  );
  return new Map(
    rows.map((row): [string, NumberSet] => {
      const numbers: NumberRange[] = [];
      let from = Number(row.lowest);
      for (const gap of row.gaps.map(toRange)) {
        numbers.push({ from, to: gap.from - 1 });
        from = gap.to + 1;
      }
      return [laneKey(row.source, row.log_partition), [...numbers, { from, to: Number(row.highest) }]];
    }),
  );
}

function pairUp(rows: readonly SideRow[], where: (row: SideRow) => string): readonly Compared[] {
  const pairs = new Map<string, { rollup: Sums | null; base: Sums | null }>();
  for (const row of rows) {
    const pair = pairs.get(where(row)) ?? { rollup: null, base: null };
    pair[row.side === 'base' ? 'base' : 'rollup'] = toSums(row);
    pairs.set(where(row), pair);
  }
  return Array.from(pairs, ([name, pair]) => ({ where: name, ...pair })).toSorted((left, right) => left.where.localeCompare(right.where));
}

function toSums(row: Readonly<Record<string, unknown>>): Sums {
  const sums = Object.entries(row).filter(([name]) => name.startsWith('s_'));
  return Object.fromEntries(sums.map(([name, value]) => [name.slice(2), typeof value === 'string' ? value : null]));
}

function toRange([from, to]: readonly [string, string]): NumberRange {
  return { from: Number(from), to: Number(to) };
}
