/** Arrays and maps that believe no count: avsc allocates and loops as often as the bytes say, so that eleven damaged bytes could hold a process up for hours. */
import avro from 'avsc';

/** What avsc reads from; not declared in its types. Reads past the end give zeros and leave `pos` past the end. */
interface Tap {
  readonly buf: Buffer;
  pos: number;
  readLong(): number;
  readString(): string;
  skipString(): void;
}

interface ItemType {
  _read(tap: Tap): unknown;
  _skip(tap: Tap): void;
}

/** Size of the next block; 0 ends the collection. Every item takes at least one byte: none of our items is an empty record. */
function readBlockSize(tap: Tap): number {
  let size = tap.readLong();
  if (size < 0) {
    size = -size;
    tap.readLong(); // The block's size in bytes, for readers that skip.
  }
  if (size > tap.buf.length - tap.pos) throw new RangeError('a collection claims more items than there are bytes');
  return size;
}

class BoundedArrayType extends avro.types.ArrayType {
  _read(tap: Tap): unknown[] {
    const items = this.itemsType as unknown as ItemType;
    const values: unknown[] = [];
    for (let size = readBlockSize(tap); size > 0; size = readBlockSize(tap)) {
      for (let index = 0; index < size; index += 1) values.push(items._read(tap));
    }
    return values;
  }

  _skip(tap: Tap): void {
    const items = this.itemsType as unknown as ItemType;
    for (let size = readBlockSize(tap); size > 0; size = readBlockSize(tap)) {
      for (let index = 0; index < size; index += 1) items._skip(tap);
    }
  }
}

class BoundedMapType extends avro.types.MapType {
  _read(tap: Tap): Record<string, unknown> {
    const values = this.valuesType as ItemType;
    const map: Record<string, unknown> = {};
    for (let size = readBlockSize(tap); size > 0; size = readBlockSize(tap)) {
      for (let index = 0; index < size; index += 1) {
        const key = tap.readString();
        const value = values._read(tap);
        // Assigned plainly, this one key would be the prototype and vanish.
        if (key === '__proto__') Object.defineProperty(map, key, { value, configurable: true, enumerable: true, writable: true });
        else map[key] = value;
      }
    }
    return map;
  }

  _skip(tap: Tap): void {
    const values = this.valuesType as ItemType;
    for (let size = readBlockSize(tap); size > 0; size = readBlockSize(tap)) {
      for (let index = 0; index < size; index += 1) {
        tap.skipString();
        values._skip(tap);
      }
    }
  }
}

function boundCollections(schema: avro.Schema, options: avro.ForSchemaOptions): avro.Type | undefined {
  if (typeof schema !== 'object' || Array.isArray(schema) || schema instanceof avro.Type) return undefined;
  if (schema.type === 'array') return new BoundedArrayType(schema, options);
  if (schema.type === 'map') return new BoundedMapType(schema, options);
  return undefined;
}

/** Builds avsc's type of a schema. Throws on a schema that is not one. */
export function avroType(schema: unknown): avro.Type {
  return avro.Type.forSchema(schema as avro.Schema, { omitRecordMethods: true, wrapUnions: 'auto', typeHook: boundCollections });
}
