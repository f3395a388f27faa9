/** Dead letters as ClickHouse has them, each once, with what became of it when it was put back. */
import type { ClickHouse } from '@tokenledger/clickhouse';
import type { LetterIdentity } from './letter.ts';
import { retrySource } from './letter.ts';

export interface StoredLetter {
  readonly identity: LetterIdentity;
  readonly code: string;
  readonly message: string;
  readonly originTopic: string;
  readonly originPartition: number;
  readonly originOffset: number;
  /** `''` when it had none. */
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Empty when it did not fit into a dead letter: then it stands where it came from. */
  readonly bytes: Uint8Array;
  /** ISO 8601, UTC. */
  readonly recordedAt: string;
}

/** What became of a retry. `refused`: it is a dead letter itself. */
export type RetryState = 'none' | 'written' | 'refused';

export interface LetterFilter {
  readonly code?: string;
  readonly limit: number;
}

interface Row {
  readonly source: string;
  readonly sequence: string;
  readonly log_partition: number;
  readonly code: string;
  readonly message: string;
  readonly origin_topic: string;
  readonly origin_partition: number;
  readonly origin_offset: string;
  readonly record_key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: string;
  readonly recorded_at: string;
}

const COLUMNS = `source, sequence, log_partition, code, message, origin_topic, origin_partition, origin_offset, record_key, headers, recorded_at`;

/** The newest first, without their bytes. */
export async function listLetters(clickhouse: ClickHouse, { code, limit }: LetterFilter): Promise<readonly StoredLetter[]> {
  const rows = await clickhouse.query<Row>(
    `SELECT ${COLUMNS}, '' AS bytes FROM dead_letters WHERE {code:String} IN ('', code)
     ORDER BY recorded_at DESC, source, sequence LIMIT 1 BY source, log_partition, sequence LIMIT {limit:UInt32}`,
    { params: { code: code ?? '', limit } },
  );
  return rows.map(toLetter);
}

/** Null when there is none. */
export async function findLetter(clickhouse: ClickHouse, { source, partition, sequence }: LetterIdentity): Promise<StoredLetter | null> {
  const rows = await clickhouse.query<Row>(
    `SELECT ${COLUMNS}, base64Encode(original_bytes) AS bytes FROM dead_letters
     WHERE source = {source:String} AND log_partition = {partition:UInt32} AND sequence = {sequence:UInt64} ORDER BY recorded_at LIMIT 1`,
    { params: { source, partition, sequence } },
  );
  return rows[0] === undefined ? null : toLetter(rows[0]);
}

/** What became of the retries of these letters; those that are only in the log yet are `none`. In the order of `letters`. */
export async function retryStates(clickhouse: ClickHouse, letters: readonly LetterIdentity[]): Promise<readonly RetryState[]> {
  if (letters.length === 0) return [];
  const lane = (source: string, partition: number): string => `${partition}/${source}`;
  const rows = await clickhouse.query<{ readonly source: string; readonly log_partition: number; readonly refused: boolean }>(
    `SELECT source, log_partition, min(refused) AS refused FROM (
       SELECT source, log_partition, false AS refused FROM usage_events WHERE source IN ({sources:Array(String)}) GROUP BY source, log_partition
       UNION ALL SELECT source, log_partition, false AS refused FROM retired_numbers WHERE source IN ({sources:Array(String)})
       UNION ALL SELECT source, log_partition, true AS refused FROM dead_letters WHERE source IN ({sources:Array(String)}) GROUP BY source, log_partition
     ) GROUP BY source, log_partition`,
    { params: { sources: letters.map(retrySource) } },
  );
  const states = new Map(
    rows.map((row) => [lane(row.source, row.log_partition), row.refused ? ('refused' as const) : ('written' as const)]),
  );
  return letters.map((letter) => states.get(lane(retrySource(letter), letter.partition)) ?? 'none');
}

function toLetter(row: Row): StoredLetter {
  return {
    identity: { source: row.source, partition: row.log_partition, sequence: Number(row.sequence) },
    code: row.code,
    message: row.message,
    originTopic: row.origin_topic,
    originPartition: row.origin_partition,
    originOffset: Number(row.origin_offset),
    key: row.record_key,
    headers: row.headers,
    bytes: Buffer.from(row.bytes, 'base64'),
    recordedAt: row.recorded_at,
  };
}
