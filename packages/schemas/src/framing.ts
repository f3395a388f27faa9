/** What stands in front of a body: Avro's single-object header, or the Confluent wire format of a schema registry. */
import { rejected, type Rejected } from '@tokenledger/domain';
import { type BodyReader, type BodyReaders, fingerprintKey, SINGLE_OBJECT_HEADER_BYTES, SINGLE_OBJECT_MARKER } from './record-codec.ts';

/** Magic byte 0, then the schema's id in 4 bytes, big-endian (Confluent Schema Registry, "Wire format"). */
const CONFLUENT_MAGIC = 0;
export const CONFLUENT_HEADER_BYTES = 5;

/** Whether a schema's fingerprint stands in front of bytes. */
export function isSingleObject(bytes: Uint8Array): boolean {
  return bytes.length >= SINGLE_OBJECT_HEADER_BYTES && bytes[0] === SINGLE_OBJECT_MARKER[0] && bytes[1] === SINGLE_OBJECT_MARKER[1];
}

/** The schema's id in front of bytes in the Confluent wire format; undefined for others. */
export function confluentSchemaId(bytes: Uint8Array): number | undefined {
  if (bytes.length < CONFLUENT_HEADER_BYTES || bytes[0] !== CONFLUENT_MAGIC) return undefined;
  return asBuffer(bytes).readUInt32BE(1);
}

/** Gives the schema with an id of the registry, as parsed JSON; undefined when the id is unknown. */
export type SchemaLookup = (id: number) => unknown;

export interface DecodeOptions {
  /** Needed for the Confluent wire format only. Pass the same function every time: what it gave is remembered with it. */
  readonly schemaById?: SchemaLookup;
}

/** Reads framed bytes. Rejects `UNDECODABLE`, never throws. */
export type FrameReader<Value> = (bytes: Uint8Array, options?: DecodeOptions) => Value | Rejected;

export function frameReader<Value>(readers: BodyReaders<Value>): FrameReader<Value> {
  const byLookup = new WeakMap<SchemaLookup, Map<number, BodyReader<Value>>>();

  const registered = (id: number, schemaById: SchemaLookup): BodyReader<Value> | Rejected => {
    const known = byLookup.get(schemaById)?.get(id);
    if (known !== undefined) return known;
    const schema = schemaById(id);
    if (schema === undefined) return rejected('UNDECODABLE', `the registry has no schema with id ${id}`);
    try {
      const reader = readers.ofSchema(schema);
      if (reader === undefined) return rejected('UNDECODABLE', `schema ${id} of the registry is of another record`);
      const remembered = byLookup.get(schemaById) ?? new Map<number, BodyReader<Value>>();
      byLookup.set(schemaById, remembered.set(id, reader));
      return reader;
    } catch (error) {
      return rejected(
        'UNDECODABLE',
        `schema ${id} of the registry cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  };

  return (bytes, options = {}) => {
    const buffer = asBuffer(bytes);
    if (isSingleObject(buffer)) {
      const reader = readers.byFingerprint.get(fingerprintKey(buffer));
      if (reader === undefined) {
        return rejected(
          'UNDECODABLE',
          `no known schema has the fingerprint ${buffer.toString('hex', SINGLE_OBJECT_MARKER.length, SINGLE_OBJECT_HEADER_BYTES)}`,
        );
      }
      return reader(buffer, SINGLE_OBJECT_HEADER_BYTES);
    }
    const id = confluentSchemaId(buffer);
    if (id !== undefined) {
      if (options.schemaById === undefined)
        return rejected('UNDECODABLE', `the bytes name schema ${id} of a registry, and none is configured or has it`);
      const reader = registered(id, options.schemaById);
      return typeof reader === 'function' ? reader(buffer, CONFLUENT_HEADER_BYTES) : reader;
    }
    return rejected('UNDECODABLE', 'the bytes start with neither a fingerprint nor the id of a schema');
  };
}

export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
