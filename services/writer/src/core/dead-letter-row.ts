/** The row of a refused message: every column of `dead_letters` that is inserted. */
import type { Cell } from '@tokenledger/clickhouse';
import type { LogRecord } from '@tokenledger/event-log';
import type { RecordOrigin } from '@tokenledger/schemas';
import type { NumberedRow } from './decide.ts';
import type { RowOwner } from './row.ts';
import { clampTime, time } from './time.ts';

export interface Refused {
  /** The record that the row is written from. */
  readonly record: LogRecord;
  /** Null when it could not be read: then the origin stands in. */
  readonly identity: { readonly source: string; readonly sequence: number } | null;
  readonly code: string;
  readonly message: string;
  /** Where the message was when it was refused. */
  readonly origin: RecordOrigin;
  readonly originalBytes: Uint8Array;
}

export const DEAD_LETTER_COLUMNS: readonly string[] = [
  'source',
  'sequence',
  'log_topic',
  'log_partition',
  'epoch',
  'code',
  'message',
  'origin_topic',
  'origin_partition',
  'origin_offset',
  'record_key',
  'headers',
  'original_base64',
  'recorded_at',
];

export function deadLetterRow(refused: Refused, owner: RowOwner): NumberedRow {
  const { record, origin, originalBytes } = refused;
  const { source, sequence } = refused.identity ?? identityOfOrigin(origin);
  const row: readonly Cell[] = [
    source,
    sequence,
    owner.topic,
    owner.partition,
    owner.epoch,
    refused.code,
    refused.message,
    origin.topic,
    origin.partition,
    origin.offset,
    record.key ?? '',
    record.headers,
    Buffer.from(originalBytes.buffer, originalBytes.byteOffset, originalBytes.byteLength).toString('base64'),
    time(clampTime(record.timestampMs)),
  ];
  return { source, sequence, row };
}

/** Numbers start at 1 and offsets at 0. No source of our own begins with `@`. */
function identityOfOrigin(origin: RecordOrigin): { readonly source: string; readonly sequence: number } {
  return { source: `@${origin.topic}/${origin.partition}`, sequence: origin.offset + 1 };
}
