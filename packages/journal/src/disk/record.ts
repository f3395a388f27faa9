/** The records of a journal, as bytes: a kind, a length and the fields in fixed order, little-endian. */

/** Before an entry's first byte goes upstream. */
export interface OpenedRecord {
  readonly kind: 'opened';
  readonly id: number;
  readonly partition: number;
  readonly facts: Uint8Array;
}

export interface ProgressRecord {
  readonly kind: 'progress';
  readonly id: number;
  readonly facts: Uint8Array;
}

/** `id` is 0 for a number that was lost and is closed by recovery. */
export interface ClosedRecord {
  readonly kind: 'closed';
  readonly id: number;
  readonly partition: number;
  readonly sequence: number;
  readonly key: string;
  readonly value: Uint8Array;
}

/** First in each segment: how far each partition was numbered when it began, as pairs of partition and last sequence. */
export interface SegmentRecord {
  readonly kind: 'segment';
  readonly numbered: ReadonlyMap<number, number>;
}

export type JournalRecord = OpenedRecord | ProgressRecord | ClosedRecord | SegmentRecord;

const KINDS = { opened: 1, progress: 2, closed: 3, segment: 4 } as const;
/** Kind and length. */
const HEAD_BYTES = 5;
const ID_BYTES = 6;
const SEQUENCE_BYTES = 6;
const PARTITION_BYTES = 4;
const KEY_LENGTH_BYTES = 2;

/** The most bytes that `writeRecord` needs for it. */
export function recordSize(record: JournalRecord): number {
  switch (record.kind) {
    case 'opened':
      return HEAD_BYTES + ID_BYTES + PARTITION_BYTES + record.facts.byteLength;
    case 'progress':
      return HEAD_BYTES + ID_BYTES + record.facts.byteLength;
    case 'closed':
      return HEAD_BYTES + ID_BYTES + PARTITION_BYTES + SEQUENCE_BYTES + KEY_LENGTH_BYTES + 3 * record.key.length + record.value.byteLength;
    case 'segment':
      return HEAD_BYTES + record.numbered.size * (PARTITION_BYTES + SEQUENCE_BYTES);
  }
}

/** Writes it at `at`; returns where it ends. There must be room. */
export function writeRecord(record: JournalRecord, into: Buffer, at: number): number {
  let end = at + HEAD_BYTES;
  switch (record.kind) {
    case 'opened':
      end = into.writeUIntLE(record.id, end, ID_BYTES);
      end = into.writeUInt32LE(record.partition, end);
      into.set(record.facts, end);
      end += record.facts.byteLength;
      break;
    case 'progress':
      end = into.writeUIntLE(record.id, end, ID_BYTES);
      into.set(record.facts, end);
      end += record.facts.byteLength;
      break;
    case 'closed': {
      end = into.writeUIntLE(record.id, end, ID_BYTES);
      end = into.writeUInt32LE(record.partition, end);
      end = into.writeUIntLE(record.sequence, end, SEQUENCE_BYTES);
      const keyBytes = into.write(record.key, end + KEY_LENGTH_BYTES);
      end = into.writeUInt16LE(keyBytes, end) + keyBytes;
      into.set(record.value, end);
      end += record.value.byteLength;
      break;
    }
    case 'segment':
      for (const [partition, sequence] of record.numbered) {
        end = into.writeUInt32LE(partition, end);
        end = into.writeUIntLE(sequence, end, SEQUENCE_BYTES);
      }
      break;
  }
  into.writeUInt8(KINDS[record.kind], at);
  into.writeUInt32LE(end - at - HEAD_BYTES, at + 1);
  return end;
}

/** The records of one batch, whose check sum has shown that they are as they were written. Their bytes are views of `payload`. */
export function* readRecords(payload: Buffer): Generator<JournalRecord> {
  for (let at = 0; at < payload.length;) {
    const kind = payload.readUInt8(at);
    const body = at + HEAD_BYTES;
    const end = body + payload.readUInt32LE(at + 1);
    yield readBody(kind, payload.subarray(body, end));
    at = end;
  }
}

function readBody(kind: number, body: Buffer): JournalRecord {
  switch (kind) {
    case KINDS.opened:
      return {
        kind: 'opened',
        id: body.readUIntLE(0, ID_BYTES),
        partition: body.readUInt32LE(ID_BYTES),
        facts: body.subarray(ID_BYTES + PARTITION_BYTES),
      };
    case KINDS.progress:
      return { kind: 'progress', id: body.readUIntLE(0, ID_BYTES), facts: body.subarray(ID_BYTES) };
    case KINDS.closed: {
      const sequenceAt = ID_BYTES + PARTITION_BYTES;
      const keyAt = sequenceAt + SEQUENCE_BYTES + KEY_LENGTH_BYTES;
      const valueAt = keyAt + body.readUInt16LE(keyAt - KEY_LENGTH_BYTES);
      return {
        kind: 'closed',
        id: body.readUIntLE(0, ID_BYTES),
        partition: body.readUInt32LE(ID_BYTES),
        sequence: body.readUIntLE(sequenceAt, SEQUENCE_BYTES),
        key: body.toString('utf8', keyAt, valueAt),
        value: body.subarray(valueAt),
      };
    }
    case KINDS.segment: {
      const numbered = new Map<number, number>();
      for (let at = 0; at < body.length; at += PARTITION_BYTES + SEQUENCE_BYTES) {
        numbered.set(body.readUInt32LE(at), body.readUIntLE(at + PARTITION_BYTES, SEQUENCE_BYTES));
      }
      return { kind: 'segment', numbered };
    }
    default:
      throw new RangeError(`a journal record has the unknown kind ${kind}: it was written by a newer version`);
  }
}
