/** Puts the Native format into the frames of newer clients. chDB writes it as for clients of old; those that name their revision in
 *  `client_protocol_version`, such as clickhouse-go and with it Grafana's data source, expect a header before each block and a flag in each column. */
import { invariant } from '@tokenledger/domain';
import { type NativeType, prefixBytes, readNativeType } from './native-type.ts';

/** From here on a column says whether its values are written in an unusual way. Ours never are. */
const REVISION_WITH_CUSTOM_SERIALIZATION = 54_454;

/** Of ClickHouse's BlockInfo: field 1 (is_overflows) false, field 2 (bucket_num) -1, end. */
const BLOCK_INFO = Buffer.from([1, 0, 2, 0xff, 0xff, 0xff, 0xff, 0]);
const NOT_CUSTOM = Buffer.from([0]);

/** `native`: blocks as written for revision 0. Throws `EngineError` for types that it cannot measure. */
export function frameNative(native: Buffer, revision: number): Buffer {
  if (revision === 0) return native;
  const cursor = new Cursor(native);
  const parts: Buffer[] = [];
  while (cursor.at < native.length) {
    parts.push(BLOCK_INFO);
    let copiedTo = cursor.at;
    const columns = cursor.readVarUint();
    const rows = cursor.readVarUint();
    for (let column = 0; column < columns; column++) {
      cursor.skipString();
      const type = readNativeType(cursor.readString());
      if (revision >= REVISION_WITH_CUSTOM_SERIALIZATION) {
        parts.push(native.subarray(copiedTo, cursor.at), NOT_CUSTOM);
        copiedTo = cursor.at;
      }
      if (rows > 0) {
        cursor.at += prefixBytes(type);
        cursor.skipValues(type, rows);
      }
    }
    parts.push(native.subarray(copiedTo, cursor.at));
  }
  invariant(cursor.at === native.length, 'blocks end where the answer ends');
  return Buffer.concat(parts);
}

class Cursor {
  at = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  readVarUint(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#bytes[this.at++];
      invariant(byte !== undefined, 'a number ends before the answer does');
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  }

  readString(): string {
    const length = this.readVarUint();
    this.at += length;
    return this.#bytes.toString('utf8', this.at - length, this.at);
  }

  skipString(): void {
    const length = this.readVarUint();
    this.at += length;
  }

  /** Returns how many values the batch holds. Its first byte says how wide a place is: 1, 2, 4 or 8 bytes. */
  #skipBatch(entry: NativeType): number {
    const width = 2 ** this.#bytes[this.at]!;
    this.at += 8;
    this.skipValues(entry, this.#readCount());
    const values = this.#readCount();
    invariant(values > 0 && width <= 8, 'a batch holds values');
    this.at += values * width;
    return values;
  }

  #readCount(): number {
    this.at += 8;
    return Number(this.#bytes.readBigUInt64LE(this.at - 8));
  }

  skipValues(type: NativeType, count: number): void {
    switch (type.kind) {
      case 'fixed':
        this.at += type.bytes * count;
        return;
      case 'string':
        for (let value = 0; value < count; value++) this.skipString();
        return;
      case 'nullable':
        this.at += count;
        return this.skipValues(type.of, count);
      case 'array': {
        this.at += 8 * count;
        const elements = count === 0 ? 0 : Number(this.#bytes.readBigUInt64LE(this.at - 8));
        return this.skipValues(type.of, elements);
      }
      case 'low_cardinality':
        for (let left = count; left > 0;) left -= this.#skipBatch(type.of);
        return;
      case 'tuple':
        for (const element of type.of) this.skipValues(element, count);
        return;
      default:
        return type satisfies never;
    }
  }
}
