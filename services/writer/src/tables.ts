/** The tables that the writer fills, and what they are asked: which numbers are there. */
import { type ClickHouse, quoteName } from '@tokenledger/clickhouse';
import type { SinkOwner } from '@tokenledger/event-log';
import { AUDIT_COLUMNS } from './core/audit-row.ts';
import { DEAD_LETTER_COLUMNS } from './core/dead-letter-row.ts';
import type { Numbers, SeenBySource } from './core/decide.ts';
import { NOTHING_SEEN, type Seen, seenFromTable } from './core/seen.ts';

export interface LedgerTable {
  readonly name: 'usage_events' | 'dead_letters' | 'audit_log';
  /** The columns that make up the identity of a row: who numbered it, and its number. */
  readonly source: string;
  readonly sequence: string;
  /** Rows that can have the identity of one from this owner. An event has one way into the ledger, a dead letter two: each topic is counted by itself. */
  readonly scope: string;
  /** The numbers whose rows have left, as a view with `source`, `log_partition` and `seen`: they are there still. */
  readonly retired?: string;
}

export const USAGE_EVENTS: LedgerTable = {
  name: 'usage_events',
  source: 'source',
  sequence: 'sequence',
  scope: 'log_partition = {log_partition:UInt32}',
  retired: 'retired_numbers',
};

/** A table whose rows are sent one after the other. */
export interface RowTable extends LedgerTable {
  /** In the order of the values of its rows. */
  readonly columns: readonly string[];
}

export const DEAD_LETTERS: RowTable = {
  name: 'dead_letters',
  columns: DEAD_LETTER_COLUMNS,
  source: 'source',
  sequence: 'sequence',
  scope: 'log_partition = {log_partition:UInt32} AND log_topic = {log_topic:String}',
};

export const AUDIT_LOG: RowTable = {
  name: 'audit_log',
  columns: AUDIT_COLUMNS,
  source: 'change_id',
  sequence: 'n',
  scope: 'log_partition = {log_partition:UInt32}',
};

export interface TableReader {
  readonly clickhouse: ClickHouse;
  /** The database that has the views. */
  readonly database: string;
}

/** What the table has of each source, answered from its projection `completeness` where it has one. Sources without a row have nothing. */
export async function readSeen(
  { clickhouse, database }: TableReader,
  table: LedgerTable,
  owner: SinkOwner,
  sources: readonly string[],
): Promise<SeenBySource> {
  const rows = await clickhouse.query<{
    readonly source: string;
    readonly lowest: string;
    readonly highest: string;
    readonly distinct: string;
  }>(
    `SELECT source, min(lowest) AS lowest, max(highest) AS highest, groupBitmapMerge(seen) AS distinct
     FROM (${numbersByRow(table)}${retiredNumbers(database, table)}) GROUP BY source`,
    { params: { ...scopeParams(owner), sources } },
  );
  const seen = new Map<string, Seen>(sources.map((source) => [source, NOTHING_SEEN]));
  for (const { source, lowest, highest, distinct } of rows) {
    seen.set(source, seenFromTable({ lowest: Number(lowest), highest: Number(highest), distinct: Number(distinct) }));
  }
  return seen;
}

/** Which of `numbers` are in the table. */
export async function readPresent(
  { clickhouse, database }: TableReader,
  table: LedgerTable,
  owner: SinkOwner,
  numbers: Numbers,
): Promise<Numbers> {
  if (numbers.size === 0) return numbers;
  const asked = new Set<number>();
  for (const ofSource of numbers.values()) for (const number of ofSource) asked.add(number);
  const rows = await clickhouse.query<{ readonly source: string; readonly present: readonly string[] }>(
    `SELECT source, bitmapToArray(bitmapAnd(groupBitmapMergeState(seen), bitmapBuild({numbers:Array(UInt64)}))) AS present
     FROM (${numbersByRow(table)}${retiredNumbers(database, table)}) GROUP BY source`,
    { params: { ...scopeParams(owner), sources: [...numbers.keys()], numbers: [...asked] } },
  );
  return new Map(rows.map((row) => [row.source, new Set(row.present.map(Number))]));
}

function numbersByRow({ name, source, sequence, scope }: LedgerTable): string {
  return `SELECT ${source} AS source, min(${sequence}) AS lowest, max(${sequence}) AS highest, groupBitmapState(${sequence}) AS seen
    FROM ${name} WHERE ${scope} AND ${source} IN ({sources:Array(String)}) GROUP BY ${source}`;
}

function retiredNumbers(database: string, { retired }: LedgerTable): string {
  if (retired === undefined) return '';
  return ` UNION ALL SELECT source, bitmapMin(seen) AS lowest, bitmapMax(seen) AS highest, seen
    FROM ${quoteName(database)}.${retired} WHERE log_partition = {log_partition:UInt32} AND source IN ({sources:Array(String)})`;
}

function scopeParams(owner: SinkOwner): { readonly log_partition: number; readonly log_topic: string } {
  return { log_partition: owner.partition, log_topic: owner.topic };
}
