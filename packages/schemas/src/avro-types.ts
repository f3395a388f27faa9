/** avsc's types, where ours must differ from its own: collections believe no count, and the types that nearly every field has are quick. */
import avro from 'avsc';

/** What avsc reads from and writes to; not declared in its types. Past the buffer's end reads give zeros, writes vanish, and `pos` goes on: avsc asks at the end. */
interface Tap {
  readonly buf: Buffer;
  pos: number;
  /** The whole buffer as Latin-1, made when the first string is read: ours alone. A tap lives for one record. */
  latin1?: string;
  readLong(): number;
  writeLong(value: number): void;
  writeString(text: string): void;
  skipString(): void;
}

interface ItemType {
  _read(tap: Tap): unknown;
  _skip(tap: Tap): void;
  _write(tap: Tap, value: unknown): void;
}

/** Builds avsc's type of a schema. Throws on what is no schema, and on a map of anything but strings, which has no bounded reader here. */
export function avroType(schema: unknown): avro.Type {
  return avro.Type.forSchema(schema as avro.Schema, { omitRecordMethods: true, wrapUnions: 'auto', typeHook: ownType });
}

function ownType(schema: avro.Schema, options: avro.ForSchemaOptions): avro.Type | undefined {
  if (schema === 'string') return new TextType();
  if (schema === 'long') return new LongType();
  if (Array.isArray(schema)) {
    const [first, second] = schema as readonly unknown[];
    if (schema.length !== 2 || first !== 'null') return undefined;
    if (second === 'long') return new NullableLongType(schema, options);
    return second === 'string' ? new NullableTextType(schema, options) : new NullableType(schema, options);
  }
  if (typeof schema !== 'object' || schema instanceof avro.Type || !('type' in schema)) return undefined;
  if (schema.type === 'array') return new BoundedArrayType(schema, options);
  if (schema.type === 'map') {
    if (schema.values !== 'string') throw new TypeError('a map holds strings here');
    return new TextMapType(schema, options);
  }
  return undefined;
}

/** Below this length in bytes a string's length takes one byte, and reading it byte by byte is cheaper than a native call. */
const SHORT_TEXT_BYTES = 64;

/** Below this length in bytes a string's length takes at most two bytes. */
const TWO_BYTE_LENGTH_END = 8_192;

/** Bytes that UTF-8 takes for one UTF-16 unit, at most. */
const UTF8_BYTES_MAX = 3;

/** From here on one native call copies a string faster than a loop over its characters. */
const NATIVE_COPY_CHARACTERS = 24;

/** Records up to this size are turned into Latin-1 once, and their short ASCII strings are cut out of that. */
const LATIN1_BYTES_MAX = 8_192;

/** Most strings are short and ASCII; a native call or two for each is what avsc spends a third of its time on when it writes an event, and half when it reads one. */
function writeText(tap: Tap, text: string): void {
  const { buf, pos } = tap;
  const { length } = text;
  // As many bytes as characters, unless one turns out not to be ASCII.
  const start = length < SHORT_TEXT_BYTES ? pos + 1 : pos + 2;
  // With room for the longest form nothing is cut off, so that a full copy of as many bytes is one of ASCII alone.
  const roomy = start + length * UTF8_BYTES_MAX <= buf.length;
  if (roomy && length < TWO_BYTE_LENGTH_END && copyAscii(buf, start, text)) {
    if (length < SHORT_TEXT_BYTES) {
      buf[pos] = length << 1;
    } else {
      buf[pos] = ((length << 1) & 0x7f) | 0x80;
      buf[pos + 1] = length >> 6;
    }
    tap.pos = start + length;
    return;
  }
  tap.writeString(text);
}

/** False when a character is not ASCII; then what was written means nothing. */
function copyAscii(buf: Buffer, start: number, text: string): boolean {
  const { length } = text;
  if (length >= NATIVE_COPY_CHARACTERS) return buf.write(text, start) === length;
  for (let index = 0; index < length; index += 1) {
    const code = text.charCodeAt(index);
    if (code > 0x7f) return false;
    buf[start + index] = code;
  }
  return true;
}

function readText(tap: Tap): string {
  const { buf } = tap;
  const length = tap.readLong();
  const start = tap.pos;
  const end = start + length;
  if (length < 0 || end > buf.length) {
    tap.pos = buf.length + 1;
    return '';
  }
  tap.pos = end;
  if (length >= SHORT_TEXT_BYTES || buf.length > LATIN1_BYTES_MAX) return buf.toString('utf8', start, end);
  for (let at = start; at < end; at += 1) {
    if ((buf[at] as number) > 0x7f) return buf.toString('utf8', start, end);
  }
  tap.latin1 ??= buf.toString('latin1');
  return tap.latin1.substring(start, end);
}

class TextType extends avro.types.StringType {
  _read(tap: Tap): string {
    return readText(tap);
  }

  _write(tap: Tap, text: unknown): void {
    if (typeof text !== 'string') throw new TypeError(`not a string: ${String(text)}`);
    writeText(tap, text);
  }
}

/** Integers up to here, in both directions, survive avsc's arithmetic: it doubles a number to tell its sign, and beyond 2⁵² reads some negative ones as
 *  other numbers. What is larger is refused. */
const LONG_LIMIT = 2 ** 52;

function writeLong(tap: Tap, value: unknown): void {
  if (!Number.isInteger(value) || Math.abs(value as number) >= LONG_LIMIT)
    throw new TypeError(`not an integer below 2^52: ${String(value)}`);
  tap.writeLong(value as number);
}

function readLong(tap: Tap): number {
  const value = tap.readLong();
  if (!(Math.abs(value) < LONG_LIMIT)) throw new RangeError(`${value} is beyond the integers that are read exactly`);
  return value;
}

class LongType extends avro.types.LongType {
  _read(tap: Tap): number {
    return readLong(tap);
  }

  _write(tap: Tap, value: unknown): void {
    writeLong(tap, value);
  }
}

/** `["null", "long"]`: without the search for the branch of a value. */
class NullableLongType extends avro.types.UnwrappedUnionType {
  _read(tap: Tap): number | null {
    const branch = tap.readLong();
    if (branch === 0) return null;
    if (branch !== 1) throw new RangeError(`a union of two has no branch ${branch}`);
    return readLong(tap);
  }

  _write(tap: Tap, value: unknown): void {
    tap.writeLong(value === null ? 0 : 1);
    if (value !== null) writeLong(tap, value);
  }
}

/** `["null", "string"]`: likewise. */
class NullableTextType extends avro.types.UnwrappedUnionType {
  _read(tap: Tap): string | null {
    const branch = tap.readLong();
    if (branch === 0) return null;
    if (branch !== 1) throw new RangeError(`a union of two has no branch ${branch}`);
    return readText(tap);
  }

  _write(tap: Tap, value: unknown): void {
    tap.writeLong(value === null ? 0 : 1);
    if (value === null) return;
    if (typeof value !== 'string') throw new TypeError(`not a string: a ${typeof value}`);
    writeText(tap, value);
  }
}

/** `null` or one other type: likewise. */
class NullableType extends avro.types.UnwrappedUnionType {
  readonly #other: ItemType;

  constructor(schema: avro.Schema, options: avro.ForSchemaOptions) {
    super(schema, options);
    this.#other = this.types[1] as unknown as ItemType;
  }

  _read(tap: Tap): unknown {
    const branch = tap.readLong();
    if (branch === 0) return null;
    if (branch !== 1) throw new RangeError(`a union of two has no branch ${branch}`);
    return this.#other._read(tap);
  }

  _write(tap: Tap, value: unknown): void {
    tap.writeLong(value === null ? 0 : 1);
    if (value !== null) this.#other._write(tap, value);
  }
}

/** Size of the next block; 0 ends the collection. Every item takes at least one byte: none of our items is an empty record.
 *  avsc would allocate and loop as often as the bytes say: eleven damaged bytes could hold a process up for hours. */
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

/** A map of strings, the only kind our schemas have. */
class TextMapType extends avro.types.MapType {
  _read(tap: Tap): Record<string, string> {
    const map: Record<string, string> = {};
    for (let size = readBlockSize(tap); size > 0; size = readBlockSize(tap)) {
      for (let index = 0; index < size; index += 1) {
        const key = readText(tap);
        const value = readText(tap);
        // Assigned plainly, this one key would be the prototype and vanish.
        if (key === '__proto__') Object.defineProperty(map, key, { value, configurable: true, enumerable: true, writable: true });
        else map[key] = value;
      }
    }
    return map;
  }

  _write(tap: Tap, map: unknown): void {
    if (typeof map !== 'object' || map === null) throw new TypeError(`not a map: ${String(map)}`);
    const entries = Object.entries(map);
    if (entries.length > 0) tap.writeLong(entries.length);
    for (const [key, value] of entries) {
      if (typeof value !== 'string') throw new TypeError(`not a string: ${String(value)}`);
      writeText(tap, key);
      writeText(tap, value);
    }
    tap.writeLong(0);
  }

  _skip(tap: Tap): void {
    for (let size = readBlockSize(tap); size > 0; size = readBlockSize(tap)) {
      for (let index = 0; index < size; index += 1) {
        tap.skipString();
        tap.skipString();
      }
    }
  }
}
