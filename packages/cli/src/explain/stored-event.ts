/** One event as ClickHouse has it: its row with attempts and lines unfolded, the rows that correct it, and the letter it became where it was refused. */
import type { ClickHouse } from '@tokenledger/clickhouse';
import { isUuid } from '@tokenledger/domain';
import { letterId } from '../dead-letters/letter.ts';

/** A column's value as `ClickHouse.query` gives it. */
export type Value = string | number | boolean | null | readonly Value[] | { readonly [name: string]: Value };

export type Fields = Readonly<Record<string, Value>>;

export interface StoredEvent {
  /** By name. */
  readonly columns: Fields;
  /** What the table keeps as a column for each field (`attempts.channel_id`), element by element: `attempts`, `line_items`, `avoided`. */
  readonly nested: Readonly<Record<string, readonly Fields[]>>;
}

export interface FoundEvent {
  readonly event: StoredEvent;
  /** Rows that name it: corrections, and results that the provider stated later. The oldest first. */
  readonly related: readonly StoredEvent[];
}

export interface RefusedEvent {
  /** As `tokenledger dead-letters` names it. */
  readonly letter: string;
  readonly code: string;
  readonly message: string;
}

const DAY_MS = 86_400_000;
/** The id of an event was made within the millisecond of `occurred_at`; a clock that was set back in between is allowed for. */
const ID_SLACK_MS = 60_000;
const RELATED_MAX = 1_000;

/** `id`: of the event, or of the request as a client was told it. Null when no row has it. */
export async function findEvent(clickhouse: ClickHouse, id: string): Promise<FoundEvent | null> {
  const event = (await nearItsTime(clickhouse, id)) ?? (await anywhere(clickhouse, id));
  if (event === undefined) return null;
  const found = storedEvent(event);
  return { event: found, related: await relatedTo(clickhouse, found) };
}

/** The letter whose bytes hold the id. Null when there is none. */
export async function findRefused(clickhouse: ClickHouse, id: string): Promise<RefusedEvent | null> {
  const [row] = await clickhouse.query<{
    readonly source: string;
    readonly log_partition: number;
    readonly sequence: string;
    readonly code: string;
    readonly message: string;
  }>(
    `SELECT source, log_partition, sequence, code, message FROM dead_letters
     WHERE position(original_bytes, {id:String}) > 0 ORDER BY recorded_at LIMIT 1`,
    { params: { id } },
  );
  if (row === undefined) return null;
  const identity = { source: row.source, partition: row.log_partition, sequence: Number(row.sequence) };
  return { letter: letterId(identity), code: row.code, message: row.message };
}

const SELECT = 'SELECT * FROM usage_events';
/** Totals are alias columns, hours and days computed ones. */
const EVERY_COLUMN = { asterisk_include_alias_columns: 1, asterisk_include_materialized_columns: 1 } as const;

/** The table is ordered by time, and a UUIDv7 says when it was made: of a large ledger a few blocks are read instead of a whole column. */
async function nearItsTime(clickhouse: ClickHouse, id: string): Promise<Fields | undefined> {
  const madeAtMs = timeOf(id);
  if (madeAtMs === null) return undefined;
  const [row] = await clickhouse.query<Fields>(
    `${SELECT} WHERE event_id = {id:UUID} AND occurred_at BETWEEN fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND fromUnixTimestamp64Milli({to:Int64}, 'UTC')
     ORDER BY recorded_at LIMIT 1`,
    { params: { id, from: madeAtMs - ID_SLACK_MS, to: madeAtMs + ID_SLACK_MS }, settings: EVERY_COLUMN },
  );
  return row;
}

/** The event of that id before events of that request: a result has the request id of what handed it in. */
async function anywhere(clickhouse: ClickHouse, id: string): Promise<Fields | undefined> {
  const [row] = await clickhouse.query<Fields>(
    `${SELECT} WHERE toString(event_id) = {id:String} OR request_id = {id:String}
     ORDER BY toString(event_id) = {id:String} DESC, kind = 'usage' DESC, recorded_at LIMIT 1`,
    { params: { id }, settings: EVERY_COLUMN },
  );
  return row;
}

async function relatedTo(clickhouse: ClickHouse, { columns }: StoredEvent): Promise<readonly StoredEvent[]> {
  // What corrects an event has its time or a later one, but for a provider's clock.
  const from = Date.parse(columns['occurred_at'] as string) - DAY_MS;
  const rows = await clickhouse.query<Fields>(
    `${SELECT} WHERE adjusts_event_id = {id:UUID} AND occurred_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
     ORDER BY recorded_at, source, sequence LIMIT {max:UInt32}`,
    { params: { id: columns['event_id'], from, max: RELATED_MAX }, settings: EVERY_COLUMN },
  );
  return rows.map(storedEvent);
}

/** Milliseconds since the epoch; null of an id that is no UUIDv7. */
function timeOf(id: string): number | null {
  if (!isUuid(id) || id[14] !== '7') return null;
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

/** `attempts.channel_id: [a, b]` becomes two attempts. */
function storedEvent(row: Fields): StoredEvent {
  const columns: Record<string, Value> = {};
  const nested: Record<string, Record<string, Value>[]> = {};
  for (const [name, value] of Object.entries(row)) {
    const [list = '', field] = name.split('.');
    if (field === undefined) {
      columns[name] = value;
      continue;
    }
    const elements = (nested[list] ??= []);
    for (const [index, each] of (value as readonly Value[]).entries()) (elements[index] ??= {})[field] = each;
  }
  return { columns, nested };
}
