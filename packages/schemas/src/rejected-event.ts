/** The codec of `RejectedEvent`. */
import type { RejectedEvent } from '@tokenledger/domain';
import { recordCodec } from './record-codec.ts';
import { loadVersions } from './schema-versions.ts';

interface RejectedEventRow {
  readonly source: string;
  readonly sequence: number;
  readonly code: string;
  readonly message: string;
  readonly origin_topic: string;
  readonly origin_partition: number;
  readonly origin_offset: number;
  readonly original_bytes: Uint8Array;
}

export const rejectedEventCodec = recordCodec<RejectedEvent, RejectedEventRow>({
  versions: loadVersions('RejectedEvent'),
  toRow: (event) => ({
    source: event.source,
    sequence: event.sequence,
    code: event.code,
    message: event.message,
    origin_topic: event.originTopic,
    origin_partition: event.originPartition,
    origin_offset: event.originOffset,
    // avsc writes nothing but a Buffer.
    original_bytes: Buffer.from(event.originalBytes.buffer, event.originalBytes.byteOffset, event.originalBytes.byteLength),
  }),
  fromRow: (row) => ({
    source: row.source,
    sequence: row.sequence,
    code: row.code,
    message: row.message,
    originTopic: row.origin_topic,
    originPartition: row.origin_partition,
    originOffset: row.origin_offset,
    originalBytes: row.original_bytes,
  }),
});
