/** How large a record counts: the one measure for limits of sends, polls and batches. */
import { AppError } from '@tokenledger/domain';
import type { LogRecord, OutgoingRecord } from './port.ts';

/** Largest record, in bytes; as large as a Kafka broker takes by default, less its framing. */
export const RECORD_BYTES_MAX = 1_000_000;

/** Key, value and headers in bytes; text is taken for one byte a character. */
export function recordBytes(record: OutgoingRecord | LogRecord): number {
  let bytes = (record.key?.length ?? 0) + (record.value?.byteLength ?? 0);
  for (const name in record.headers) bytes += name.length + (record.headers[name]?.length ?? 0);
  return bytes;
}

/** Throws `RECORD_TOO_LARGE`. */
export function checkRecordSizes(topic: string, records: readonly OutgoingRecord[], recordBytesMax: number): void {
  for (const record of records) {
    const bytes = recordBytes(record);
    if (bytes > recordBytesMax) {
      throw new AppError(
        'RECORD_TOO_LARGE',
        `A record of ${bytes} bytes for topic ${topic} exceeds the limit of ${recordBytesMax} bytes: make it smaller or raise the limit.`,
      );
    }
  }
}
