/** Kafka's primitive types, to bytes and back, for the few messages that tests look into. (Kafka protocol guide, "Protocol Primitive Types".) */

export class WireWriter {
  readonly #parts: Buffer[] = [];

  int8(value: number): this {
    return this.bytes(Buffer.from([value & 0xff]));
  }

  int16(value: number): this {
    const part = Buffer.alloc(2);
    part.writeInt16BE(value);
    return this.bytes(part);
  }

  int32(value: number): this {
    const part = Buffer.alloc(4);
    part.writeInt32BE(value);
    return this.bytes(part);
  }

  int64(value: bigint): this {
    const part = Buffer.alloc(8);
    part.writeBigInt64BE(value);
    return this.bytes(part);
  }

  string(text: string): this {
    const part = Buffer.from(text);
    return this.int16(part.length).bytes(part);
  }

  nullableString(text: string | null): this {
    return text === null ? this.int16(-1) : this.string(text);
  }

  array<Item>(items: readonly Item[], write: (item: Item) => void): this {
    this.int32(items.length);
    for (const item of items) write(item);
    return this;
  }

  bytes(part: Buffer): this {
    this.#parts.push(part);
    return this;
  }

  toBuffer(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

/** A message with its length in front. */
export function frame(message: WireWriter): Buffer {
  const body = message.toBuffer();
  return Buffer.concat([new WireWriter().int32(body.length).toBuffer(), body]);
}

/** Reads one value after another; throws a RangeError past the end. */
export class WireReader {
  readonly #buffer: Buffer;
  #at: number;

  constructor(buffer: Buffer, at = 0) {
    this.#buffer = buffer;
    this.#at = at;
  }

  get at(): number {
    return this.#at;
  }

  int8(): number {
    return this.#buffer.readInt8(this.#advance(1));
  }

  int16(): number {
    return this.#buffer.readInt16BE(this.#advance(2));
  }

  int32(): number {
    return this.#buffer.readInt32BE(this.#advance(4));
  }

  int64(): bigint {
    return this.#buffer.readBigInt64BE(this.#advance(8));
  }

  string(): string {
    const text = this.nullableString();
    if (text === null) throw new RangeError('a string is null');
    return text;
  }

  nullableString(): string | null {
    const length = this.int16();
    if (length < 0) return null;
    const start = this.#advance(length);
    return this.#buffer.toString('utf8', start, start + length);
  }

  /** Null reads as no items. */
  array<Item>(read: () => Item): readonly Item[] {
    const length = this.int32();
    return Array.from({ length: Math.max(length, 0) }, read);
  }

  /** The next bytes, whose number stands in front of them in 4 bytes; null as none. */
  bytes(): Buffer {
    const length = Math.max(this.int32(), 0);
    const start = this.#advance(length);
    return this.#buffer.subarray(start, start + length);
  }

  #advance(length: number): number {
    const at = this.#at;
    if (at + length > this.#buffer.length) throw new RangeError(`${at + length} is past the end`);
    this.#at += length;
    return at;
  }
}
