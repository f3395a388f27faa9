/** Rows by their numbers alone, for tests of which numbers are there. */
import type { ClickHouse } from '@tokenledger/clickhouse';

export interface Lane {
  readonly source: string;
  readonly partition: number;
}

const COLUMNS = ['event_id', 'source', 'sequence', 'log_topic', 'log_partition', 'epoch', 'kind', 'occurred_at', 'recorded_at'];
const LETTER_COLUMNS = ['source', 'sequence', 'log_topic', 'log_partition', 'epoch', 'code', 'recorded_at'];
const EVENT_ID = '019a3f5e-2c7b-7abc-8def-0123456789ab';
const AT = '1762000000.123';

/** One insert: one part. */
export async function insertEvents(clickhouse: ClickHouse, { source, partition }: Lane, numbers: readonly number[]): Promise<void> {
  const rows = numbers.map((number) => [EVENT_ID, source, number, 'elsewhere', partition, 1, 'usage', AT, AT]);
  await clickhouse.insertRows('usage_events', COLUMNS, rows);
}

export async function insertLetters(clickhouse: ClickHouse, { source, partition }: Lane, numbers: readonly number[]): Promise<void> {
  const rows = numbers.map((number) => [source, number, 'elsewhere', partition, 1, 'X', AT]);
  await clickhouse.insertRows('dead_letters', LETTER_COLUMNS, rows);
}

/** A source says this of itself. */
export async function insertSource(
  clickhouse: ClickHouse,
  source: string,
  numbered: Readonly<Record<string, number>>,
  { atMs = 1_762_000_000_000, closed = false } = {},
): Promise<void> {
  const columns = ['source', 'instance', 'opened_at', 'at', 'closed', 'open_requests', 'numbered', 'log_topic', 'log_partition', 'epoch'];
  const at = `${Math.floor(atMs / 1000)}.${String(atMs % 1000).padStart(3, '0')}`;
  await clickhouse.insertRows('sources', columns, [[source, 'host/1', at, at, closed, 0, numbered, 'sources', 0, 1]]);
}

export const numbers = (from: number, to: number): readonly number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);
