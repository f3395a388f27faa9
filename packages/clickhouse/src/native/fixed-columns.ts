/** Columns whose values all have the same width. Laid out by typed arrays, so little-endian, as every platform is that Node runs on. */
import { invariant } from '@tokenledger/domain';
import type { NativeColumn } from './column.ts';

const CAPACITY = 256;
const WORD_RANGE = 2 ** 32;

/** Values of 32-bit words, the lowest first. */
abstract class WordColumn {
  readonly type: string;
  count = 0;
  protected words: Int32Array;
  readonly #width: number;

  constructor(type: string, width: number) {
    this.type = type;
    this.#width = width;
    this.words = new Int32Array(CAPACITY * width);
  }

  /** Counts one value more, and returns the index of its lowest word. */
  protected next(): number {
    const at = this.count * this.#width;
    if (at === this.words.length) {
      const larger = new Int32Array(at * 2);
      larger.set(this.words);
      this.words = larger;
    }
    this.count += 1;
    return at;
  }

  clear(): void {
    this.count = 0;
  }

  writePrefix(): void {}

  writeValues(out: Buffer[]): void {
    out.push(Buffer.from(this.words.buffer, 0, this.count * this.#width * Int32Array.BYTES_PER_ELEMENT));
  }
}

/** `UInt32`, and `Int32` as well. */
class Int32Column extends WordColumn implements NativeColumn<number> {
  append(value: number): void {
    const at = this.next();
    this.words[at] = value;
  }
}

/** 64 bits, from integers that a number holds exactly. */
class Int64Column extends WordColumn implements NativeColumn<number> {
  append(value: number): void {
    const at = this.next();
    this.words[at] = value;
    this.words[at + 1] = Math.floor(value / WORD_RANGE);
  }
}

/** 128 bits, two's complement. */
class Int128Column extends WordColumn implements NativeColumn<bigint> {
  append(value: bigint): void {
    const at = this.next();
    const number = Number(value);
    if (Number.isSafeInteger(number)) {
      this.words[at] = number;
      this.words[at + 1] = Math.floor(number / WORD_RANGE);
      const sign = number < 0 ? -1 : 0;
      this.words[at + 2] = sign;
      this.words[at + 3] = sign;
      return;
    }
    for (let word = 0; word < 4; word += 1) this.words[at + word] = Number(BigInt.asIntN(32, value >> BigInt(32 * word)));
  }
}

/** From the text form, 36 characters with hyphens. ClickHouse keeps each half as a number of 64 bits. */
class UuidColumn extends WordColumn implements NativeColumn<string> {
  append(text: string): void {
    const at = this.next();
    invariant(text.length === UUID_CHARACTERS, 'a UUID has 36 characters');
    this.words[at + 1] = hexWord(text, 0, 0);
    this.words[at] = hexWord(text, 9, 1);
    this.words[at + 3] = hexWord(text, 19, 1);
    this.words[at + 2] = hexWord(text, 28, 0);
  }
}

const UUID_CHARACTERS = 36;
export const NIL_UUID = '00000000-0000-0000-0000-000000000000';

/** Eight hex digits from `start`; with `hyphen` 1, a hyphen stands behind the first four. */
function hexWord(text: string, start: number, hyphen: 0 | 1): number {
  let word = 0;
  for (let digit = 0; digit < 8; digit += 1) {
    word = (word << 4) | hexDigit(text.charCodeAt(start + digit + (digit < 4 ? 0 : hyphen)));
  }
  return word;
}

/** Of `0`–`9`, `a`–`f` and `A`–`F`. */
function hexDigit(code: number): number {
  return code <= 0x39 ? code - 0x30 : (code | 0x20) - 0x57;
}

/** `Bool` and `UInt8`. */
class ByteColumn implements NativeColumn<number> {
  readonly type: string;
  count = 0;
  #bytes = new Uint8Array(CAPACITY);

  constructor(type: string) {
    this.type = type;
  }

  append(value: number): void {
    if (this.count === this.#bytes.length) {
      const larger = new Uint8Array(this.count * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes[this.count++] = value;
  }

  clear(): void {
    this.count = 0;
  }

  writePrefix(): void {}

  writeValues(out: Buffer[]): void {
    out.push(Buffer.from(this.#bytes.buffer, 0, this.count));
  }
}

class UInt16Column implements NativeColumn<number> {
  readonly type = 'UInt16';
  count = 0;
  #values = new Uint16Array(CAPACITY);

  append(value: number): void {
    if (this.count === this.#values.length) {
      const larger = new Uint16Array(this.count * 2);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.count++] = value;
  }

  clear(): void {
    this.count = 0;
  }

  writePrefix(): void {}

  writeValues(out: Buffer[]): void {
    out.push(Buffer.from(this.#values.buffer, 0, this.count * Uint16Array.BYTES_PER_ELEMENT));
  }
}

/** 0 or 1. */
export const boolColumn = (): NativeColumn<number> => new ByteColumn('Bool');
export const uint8Column = (): NativeColumn<number> => new ByteColumn('UInt8');
export const uint16Column = (): NativeColumn<number> => new UInt16Column();
export const uint32Column = (): NativeColumn<number> => new Int32Column('UInt32', 1);
/** From safe integers. */
export const uint64Column = (): NativeColumn<number> => new Int64Column('UInt64', 2);
/** From safe integers. */
export const int64Column = (): NativeColumn<number> => new Int64Column('Int64', 2);
/** From milliseconds since the epoch. */
export const timeColumn = (): NativeColumn<number> => new Int64Column(`DateTime64(3, 'UTC')`, 2);
/** From units of the last digit: with a scale of 12, pico. `digits` from 19 to 38. */
export const decimalColumn = (digits: number, scale: number): NativeColumn<bigint> => new Int128Column(`Decimal(${digits}, ${scale})`, 4);
export const uuidColumn = (): NativeColumn<string> => new UuidColumn('UUID', 4);
