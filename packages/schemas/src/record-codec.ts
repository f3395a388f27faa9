/** One record's codec over the versions of its schema: writes the newest, reads all of them. */
import { invariant, rejected, type Rejected } from '@tokenledger/domain';
import type { Type } from 'avsc';
import { avroType } from './avro-types.ts';
import { rabinFingerprint } from './rabin.ts';

/** Marker of Avro's single-object encoding; the fingerprint follows in 8 bytes, little-endian, then the body. */
export const SINGLE_OBJECT_MARKER = [0xc3, 0x01] as const;
export const SINGLE_OBJECT_HEADER_BYTES = 10;

/** The writer's buffer starts at this size, doubles when a record does not fit, and is kept for the next one. */
const SCRATCH_BYTES_INITIAL = 16_384;
/** A record beyond this is a defect of whoever built it: its parts are bounded. */
const SCRATCH_BYTES_MAX = 64 * 1024 * 1024;

let scratch: Buffer = Buffer.allocUnsafeSlow(SCRATCH_BYTES_INITIAL);

/** Reads a body that was written with one version of a schema. Never throws. */
export type BodyReader<Value> = (bytes: Buffer, offset: number) => Value | Rejected;

export interface BodyReaders<Value> {
  /** Keyed by the fingerprint's 8 bytes as they stand in the header, as a Latin-1 string. */
  readonly byFingerprint: ReadonlyMap<string, BodyReader<Value>>;
  /** For a schema from a registry, as parsed JSON. Undefined when it is of another record. Throws when it is no schema or cannot be read as this record. */
  ofSchema(schema: unknown): BodyReader<Value> | undefined;
}

export interface RecordCodec<Value> {
  /** Header and body in the newest version. Throws on a value that does not fit the schema: that is a defect, not bad input. */
  encode(value: Value): Buffer;
  readonly readers: BodyReaders<Value>;
}

export interface RecordMapping<Value, Row> {
  /** Schemas of one record, oldest first, as parsed JSON. */
  readonly versions: readonly unknown[];
  readonly toRow: (value: Value) => Row;
  readonly fromRow: (row: Row) => Value | Rejected;
}

export function recordCodec<Value, Row>(mapping: RecordMapping<Value, Row>): RecordCodec<Value> {
  const types = mapping.versions.map(avroType);
  const newest = types.at(-1);
  invariant(newest !== undefined, 'a record has at least one version');
  const header = singleObjectHeader(newest);
  const readerOf = (written: Type): BodyReader<Value> => bodyReader(newest, written, mapping.fromRow);
  return {
    encode: (value) => write(newest, header, mapping.toRow(value)),
    readers: {
      byFingerprint: new Map(types.map((type) => [fingerprintKey(singleObjectHeader(type)), readerOf(type)])),
      ofSchema: (schema) => {
        const written = avroType(schema);
        return written.branchName === newest.branchName ? readerOf(written) : undefined;
      },
    },
  };
}

/** The fingerprint in a header, as `BodyReaders` is keyed. */
export function fingerprintKey(bytes: Buffer): string {
  return bytes.toString('latin1', SINGLE_OBJECT_MARKER.length, SINGLE_OBJECT_HEADER_BYTES);
}

/** The 10 bytes in front of every record of a type. */
export function singleObjectHeader(type: Type): Buffer {
  const canonicalForm = JSON.stringify(type.schema());
  const header = Buffer.alloc(SINGLE_OBJECT_HEADER_BYTES);
  header.set(SINGLE_OBJECT_MARKER);
  header.writeBigUInt64LE(rabinFingerprint(Buffer.from(canonicalForm)), SINGLE_OBJECT_MARKER.length);
  return header;
}

function write(type: Type, header: Buffer, row: unknown): Buffer {
  return writeBehind(header, NO_BYTES, type, row);
}

const NO_BYTES = Buffer.alloc(0);

/** A header, fields that are encoded already, and `row` with the fields after them. */
export function writeBehind(header: Buffer, encoded: Buffer, type: Type, row: unknown): Buffer {
  // A negative end says by how many bytes the scratch buffer was too small.
  let end = type.encode(row, scratch, 0);
  while (end < 0) {
    invariant(scratch.length < SCRATCH_BYTES_MAX, `a record has at most ${SCRATCH_BYTES_MAX} bytes`);
    scratch = Buffer.allocUnsafeSlow(scratch.length * 2);
    end = type.encode(row, scratch, 0);
  }
  const start = header.length + encoded.length;
  const bytes = Buffer.allocUnsafe(start + end);
  bytes.set(header);
  if (encoded.length > 0) encoded.copy(bytes, header.length);
  scratch.copy(bytes, start, 0, end);
  return bytes;
}

function bodyReader<Value, Row>(newest: Type, written: Type, fromRow: (row: Row) => Value | Rejected): BodyReader<Value> {
  const resolver = written === newest ? undefined : newest.createResolver(written);
  return (bytes, offset) => {
    let row: Row;
    try {
      const decoded = newest.decode(bytes, offset, resolver);
      if (decoded.offset < 0) return rejected('UNDECODABLE', 'the bytes end in the middle of the record');
      if (decoded.offset < bytes.length) return rejected('UNDECODABLE', `${bytes.length - decoded.offset} bytes follow the record`);
      row = decoded.value as Row;
    } catch (error) {
      // avsc throws on what cannot be: a number beyond 2^53, a branch of a union that does not exist.
      return rejected('UNDECODABLE', `the bytes do not fit the schema: ${error instanceof Error ? error.message : String(error)}`);
    }
    return fromRow(row);
  };
}
