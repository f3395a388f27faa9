/** Values in the Confluent wire format in the log, and with their schema's fingerprint everywhere else: whoever writes or reads a record need not know. */
import { isRejected } from '@tokenledger/domain';
import { avroType } from '../avro-types.ts';
import { asBuffer, CONFLUENT_HEADER_BYTES, confluentSchemaId, isSingleObject } from '../framing.ts';
import { fingerprintKey, SINGLE_OBJECT_HEADER_BYTES, singleObjectHeader } from '../record-codec.ts';
import { decodeRecord, type DecodedRecord, encodePriced, encodeRejected, encodeUsageEvent } from '../records.ts';
import { loadVersions, TOPIC_RECORD_NAMES } from '../schema-versions.ts';
import { registeredSchemas } from './registered-schemas.ts';
import type { SchemaRegistry } from './registry-client.ts';

export interface ConfluentWireFormat {
  /** Learns the ids of our schemas, which `toLog` needs. Throws what the registry throws; then it may be tried again. */
  prepare(): Promise<void>;
  /** From the fingerprint to the id. A value of no schema of ours stays as it is. */
  toLog(value: Uint8Array): Uint8Array;
  /** From ids to fingerprints, one result for each value. What was written by a schema that is not ours, yet can be read as one of ours, is written
   *  anew; what cannot be read stays as it is. Throws what the registry throws. */
  fromLog(values: readonly Uint8Array[]): Promise<readonly Uint8Array[]>;
}

interface OwnSchema {
  readonly subject: string;
  readonly schema: unknown;
  /** The 10 bytes in front of its records. */
  readonly header: Buffer;
}

export function confluentWireFormat(registry: SchemaRegistry, nowMs: () => number = Date.now): ConfluentWireFormat {
  const registered = registeredSchemas(registry, nowMs);
  const own = ownSchemas();
  const headersByFingerprint = new Map<string, Buffer>();
  const ownById = new Map<number, OwnSchema>();
  const prepare = async (): Promise<void> => {
    // One after the other, the oldest first: a registry compares a version with those before it.
    for (const schema of own.filter(({ header }) => !headersByFingerprint.has(fingerprintKey(header)))) {
      const id = await registry.idOf(schema.subject, schema.schema);
      ownById.set(id, schema);
      headersByFingerprint.set(fingerprintKey(schema.header), confluentHeader(id));
    }
  };

  const translate = (value: Uint8Array, id: number): Uint8Array => {
    const header = ownById.get(id)?.header ?? ownHeader(registered.lookup(id));
    if (header !== undefined) return Buffer.concat([header, value.subarray(CONFLUENT_HEADER_BYTES)]);
    const decoded = decodeRecord(value, { schemaById: registered.lookup });
    return isRejected(decoded) ? value : encodeRecord(decoded);
  };

  /** A schema may be registered under several ids: by other subjects, or with other comments. */
  const ownFingerprints = new Map(own.map((schema) => [fingerprintKey(schema.header), schema.header]));
  const headersOfSchemas = new WeakMap<object, Buffer | null>();
  const ownHeader = (schema: unknown): Buffer | undefined => {
    if (typeof schema !== 'object' || schema === null) return undefined;
    let header = headersOfSchemas.get(schema);
    if (header === undefined) {
      header = ownFingerprints.get(fingerprintOf(schema)) ?? null;
      headersOfSchemas.set(schema, header);
    }
    return header ?? undefined;
  };

  return {
    prepare,
    toLog: (value) => {
      const header = isSingleObject(value) ? headersByFingerprint.get(fingerprintKey(asBuffer(value))) : undefined;
      return header === undefined ? value : Buffer.concat([header, value.subarray(SINGLE_OBJECT_HEADER_BYTES)]);
    },
    fromLog: async (values) => {
      const translated: Uint8Array[] = [];
      for (const value of values) {
        const id = confluentSchemaId(value);
        // One by one, so that none is forgotten again before its value is read.
        if (id !== undefined && !ownById.has(id) && !registered.knows(id)) await registered.fetch(id);
        translated.push(id === undefined ? value : translate(value, id));
      }
      return translated;
    },
  };
}

function ownSchemas(): readonly OwnSchema[] {
  return TOPIC_RECORD_NAMES.flatMap((name) =>
    loadVersions(name).map((schema) => {
      const type = avroType(schema);
      return { subject: type.branchName ?? name, schema, header: singleObjectHeader(type) };
    }),
  );
}

/** Empty for what is no schema. */
function fingerprintOf(schema: unknown): string {
  try {
    return fingerprintKey(singleObjectHeader(avroType(schema)));
  } catch (error) {
    // avsc throws on schemas it cannot make a type of, ours on some that it could: neither is one of ours.
    if (error instanceof Error) return '';
    throw error;
  }
}

function encodeRecord(decoded: DecodedRecord): Buffer {
  switch (decoded.kind) {
    case 'usage':
      return encodeUsageEvent(decoded.event);
    case 'priced':
      return encodePriced(decoded.priced);
    case 'rejected_event':
      return encodeRejected(decoded.rejected);
  }
}

function confluentHeader(id: number): Buffer {
  const header = Buffer.alloc(CONFLUENT_HEADER_BYTES);
  header.writeUInt32BE(id, 1);
  return header;
}
