/** Reads from ClickHouse what the verdict is about. */
import type { ClickHouse } from '@tokenledger/clickhouse';
import { CLASS_NAMES, type ClassName } from '@tokenledger/provider-simulator';
import type { Incomplete, Lane, LedgerRow, RollupSums } from './verdict.ts';

interface AnsweredRow {
  readonly event_id: string;
  readonly task_id: string;
  readonly source: string;
  readonly log_partition: number;
  readonly sequence: string;
  readonly outcome: string;
  readonly ids: readonly string[];
  readonly sources: readonly string[];
  readonly usage: readonly (readonly (string | null)[])[];
}

/** Views whose sums have to be those of the rows. */
const ROLLUP_VIEWS = ['usage_by_minute', 'usage_by_hour', 'usage_by_day'] as const;

export async function readRows(clickhouse: ClickHouse): Promise<readonly LedgerRow[]> {
  const rows = await clickhouse.query<AnsweredRow>(`
    SELECT toString(event_id) AS event_id, task_id, source, log_partition, toString(sequence) AS sequence, outcome,
      attempts.attempt_id AS ids, attempts.usage_source AS sources,
      [${CLASS_NAMES.map((name) => `arrayMap(quantity -> toString(quantity), attempts.${columnOf(name)})`).join(', ')}] AS usage
    FROM usage_events ORDER BY occurred_at`);
  return rows.map((row) => ({
    event_id: row.event_id,
    task_id: row.task_id,
    source: row.source,
    log_partition: row.log_partition,
    sequence: Number(row.sequence),
    outcome: row.outcome,
    attempts: row.ids.map((id, index) => ({
      attempt_id: id,
      usage_source: row.sources[index] ?? '',
      usage: Object.fromEntries(CLASS_NAMES.map((name, of) => [name, quantity(row.usage[of]?.[index])])) as Record<
        ClassName,
        number | null
      >,
    })),
  }));
}

/** From the rows themselves: what a view says of them is held against it elsewhere. */
export async function readLanes(clickhouse: ClickHouse): Promise<readonly Lane[]> {
  const rows = await clickhouse.query<{ source: string; log_partition: number; last: string; rows: string; distinct: string }>(`
    SELECT source, log_partition, toString(max(sequence)) AS last, toString(count()) AS rows, toString(uniqExact(sequence)) AS distinct
    FROM usage_events GROUP BY source, log_partition SETTINGS optimize_use_projections = 0`);
  return rows.map((row) => ({ ...row, last: Number(row.last), rows: Number(row.rows), distinct: Number(row.distinct) }));
}

/** What the view that operators ask says is not complete: numbers up to the last announcement, too. */
export async function readIncomplete(clickhouse: ClickHouse): Promise<readonly Incomplete[]> {
  return clickhouse.query<Incomplete>(`
    SELECT source, log_partition, toString(c.missing) AS missing, toString(c.repeats) AS repeats, toString(c.missing_ranges) AS missing_ranges
    FROM completeness AS c WHERE c.missing != 0 OR c.repeats != 0`);
}

export async function readRollups(clickhouse: ClickHouse, views: readonly string[] = ROLLUP_VIEWS): Promise<readonly RollupSums[]> {
  const totals = ['cost_usd', ...CLASS_NAMES.map(columnOf)].map((name) => `toString(ifNull(sum(s.${name}), 0)) AS ${name}`).join(', ');
  const sumsOf = async (events: string, from: string, settings: string): Promise<Readonly<Record<string, string>>> =>
    (await clickhouse.query<Record<string, string>>(`SELECT toString(${events}) AS events, ${totals} FROM ${from} AS s ${settings}`))[0] ??
    {};
  const base = await sumsOf(`countIf(kind = 'usage')`, 'usage_events', 'SETTINGS optimize_use_projections = 0');
  return Promise.all(views.map(async (view) => ({ view, base, sums: await sumsOf('sum(events)', view, '') })));
}

export async function countDeadLetters(clickhouse: ClickHouse): Promise<number> {
  const [row] = await clickhouse.query<{ letters: string }>('SELECT toString(count()) AS letters FROM dead_letters');
  return Number(row?.letters);
}

function columnOf(name: ClassName): string {
  return name === 'web_search_requests' ? name : `${name}_tokens`;
}

function quantity(text: string | null | undefined): number | null {
  return text === null || text === undefined ? null : Number(text);
}
