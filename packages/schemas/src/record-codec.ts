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

/** Fields that stand side by side and come from one object, which many values share: its bytes are made once. */
export interface SharedFields<Value> {
  readonly first: string;
  readonly last: string;
  /** Must never change. */
  readonly of: (value: Value) => object;
  readonly toRow: (value: Value) => object;
}

export interface RecordMapping<Value, Row> {
  /** Schemas of one record, oldest first, as parsed JSON. */
  readonly versions: readonly unknown[];
  readonly shared?: SharedFields<Value>;
  /** All but the shared fields. */
  readonly toRow: (value: Value) => Partial<Row>;
  readonly fromRow: (row: Row) => Value | Rejected;
}

export function recordCodec<Value, Row>(mapping: RecordMapping<Value, Row>): RecordCodec<Value> {
  const types = mapping.versions.map(avroType);
  const newest = types.at(-1);
  invariant(newest !== undefined, 'a record has at least one version');
  const header = singleObjectHeader(newest);
  const readerOf = (written: Type): BodyReader<Value> => bodyReader(newest, written, mapping.fromRow);
  return {
    encode: encoder(mapping, newest, header),
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

const NO_BYTES = Buffer.alloc(0);

function encoder<Value, Row>(
  { versions, shared, toRow }: RecordMapping<Value, Row>,
  newest: Type,
  header: Buffer,
): (value: Value) => Buffer {
  if (shared === undefined) return (value) => writeBehind(header, NO_BYTES, newest, toRow(value));
  const schema = versions.at(-1) as RecordSchema;
  const first = schema.fields.findIndex(({ name }) => name === shared.first);
  const last = schema.fields.findIndex(({ name }) => name === shared.last);
  invariant(first > 0 && last >= first, `${schema.name} has its shared fields after others`);
  const part = (name: string, from: number, to: number): Type =>
    avroType({ ...schema, name: schema.name + name, fields: schema.fields.slice(from, to) });
  const before = part('Before', 0, first);
  const between = part('Shared', first, last + 1);
  const after = part('After', last + 1, schema.fields.length);
  const encoded = new WeakMap<object, Buffer>();
  return (value) => {
    const row = toRow(value);
    const source = shared.of(value);
    let bytes = encoded.get(source);
    if (bytes === undefined) encoded.set(source, (bytes = between.toBuffer(shared.toRow(value))));
    for (;;) {
      const end = writeAround(before, row, bytes, after);
      if (end >= 0) return framed(header, end);
      growScratch();
    }
  };
}

/** Into the scratch buffer; negative when that is too small. */
function writeAround(before: Type, row: unknown, bytes: Buffer, after: Type): number {
  const start = before.encode(row, scratch, 0);
  if (start < 0) return start;
  const end = start + bytes.length;
  if (end > scratch.length) return -1;
  scratch.set(bytes, start);
  return after.encode(row, scratch, end);
}

/** The header, and the first `end` bytes of the scratch buffer. */
function framed(header: Buffer, end: number): Buffer {
  const bytes = Buffer.allocUnsafe(header.length + end);
  bytes.set(header);
  scratch.copy(bytes, header.length, 0, end);
  return bytes;
}

function growScratch(): void {
  invariant(scratch.length < SCRATCH_BYTES_MAX, `a record has at most ${SCRATCH_BYTES_MAX} bytes`);
  scratch = Buffer.allocUnsafeSlow(scratch.length * 2);
}

interface RecordSchema {
  readonly name: string;
  readonly fields: readonly { readonly name: string }[];
}

/** A header, fields that are encoded already, and `row` with the fields after them. */
export function writeBehind(header: Buffer, encoded: Buffer, type: Type, row: unknown): Buffer {
  // A negative end says by how many bytes the scratch buffer was too small.
  let end = type.encode(row, scratch, 0);
  while (end < 0) {
    growScratch();
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
