/** What a dead letter says in its headers; its value is the original bytes, its key the original key. */
import type { Rejected } from '@tokenledger/domain';

export const DEAD_LETTER_CODE_HEADER = 'tl-code';
export const DEAD_LETTER_MESSAGE_HEADER = 'tl-message';
export const ORIGIN_TOPIC_HEADER = 'tl-origin-topic';
export const ORIGIN_PARTITION_HEADER = 'tl-origin-partition';
export const ORIGIN_OFFSET_HEADER = 'tl-origin-offset';

/** Where a record was when it was refused. */
export interface RecordOrigin {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

export interface DeadLetter {
  readonly code: string;
  readonly message: string;
  readonly origin: RecordOrigin;
}

/** Keeps the record's own headers, its identity among them. */
export function deadLetterHeaders(
  record: RecordOrigin & { readonly headers: Readonly<Record<string, string>> },
  reason: Pick<Rejected, 'code' | 'message'>,
): Record<string, string> {
  return {
    ...record.headers,
    [DEAD_LETTER_CODE_HEADER]: reason.code,
    [DEAD_LETTER_MESSAGE_HEADER]: reason.message,
    [ORIGIN_TOPIC_HEADER]: record.topic,
    [ORIGIN_PARTITION_HEADER]: String(record.partition),
    [ORIGIN_OFFSET_HEADER]: String(record.offset),
  };
}

/** Null when the headers are not what `deadLetterHeaders` writes. */
export function readDeadLetter(headers: Readonly<Record<string, string>>): DeadLetter | null {
  const code = headers[DEAD_LETTER_CODE_HEADER];
  const topic = headers[ORIGIN_TOPIC_HEADER];
  const partition = readCount(headers[ORIGIN_PARTITION_HEADER]);
  const offset = readCount(headers[ORIGIN_OFFSET_HEADER]);
  if (code === undefined || topic === undefined || partition === null || offset === null) return null;
  return { code, message: headers[DEAD_LETTER_MESSAGE_HEADER] ?? '', origin: { topic, partition, offset } };
}

function readCount(digits: string | undefined): number | null {
  if (digits === undefined || !/^\d{1,16}$/.test(digits)) return null;
  const count = Number(digits);
  return Number.isSafeInteger(count) ? count : null;
}
