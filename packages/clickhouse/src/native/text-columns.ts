/** Columns of text. */
import { Bytes } from './bytes.ts';
import type { NativeColumn } from './column.ts';

/** Bytes, or numbers, before it grows. Most columns hold few different texts. */
const CAPACITY = 512;

class TextColumn implements NativeColumn<string> {
  readonly type = 'String';
  count = 0;
  readonly #bytes = new Bytes(CAPACITY);

  append(text: string): void {
    this.#bytes.pushText(text);
    this.count += 1;
  }

  clear(): void {
    this.#bytes.clear();
    this.count = 0;
  }

  writePrefix(): void {}

  writeValues(out: Buffer[]): void {
    out.push(this.#bytes.written());
  }
}

/** Version of the layout of keys: shared dictionaries with additional keys (`SerializationLowCardinality.cpp`). */
const KEYS_VERSION = 1;
/** The keys stand with the values, and are all there are. */
const HAS_ADDITIONAL_KEYS = 1 << 9;
const NEEDS_UPDATE = 1 << 10;

/** A power of two. */
const PLACES = 256;
const NONE = -1;

/** Where to look for texts like this one: by its length and three of its characters. */
function placeOf(text: string): number {
  const { length } = text;
  if (length === 0) return 0;
  const mixed = length + text.charCodeAt(0) + Math.imul(text.charCodeAt(length >> 1), 17) + Math.imul(text.charCodeAt(length - 1), 31);
  return mixed & (PLACES - 1);
}

/** Each text once, and for each value the number of its text. */
class LowCardinalityColumn implements NativeColumn<string> {
  readonly type = 'LowCardinality(String)';
  count = 0;
  readonly #numbers = new Map<string, number>();
  readonly #keys = new Bytes(CAPACITY);
  #indexes = new Uint32Array(CAPACITY);
  /** By number. */
  readonly #texts: string[] = [];
  /** The number of a text that was found last at its place. */
  readonly #places = new Int32Array(PLACES);
  #last = '';
  #lastNumber = 0;

  constructor() {
    this.clear();
  }

  clear(): void {
    this.count = 0;
    this.#numbers.clear();
    this.#places.fill(NONE);
    this.#texts.length = 0;
    this.#keys.clear();
    this.#last = '';
    this.#lastNumber = this.#numberOf('');
  }

  append(text: string): void {
    if (this.count === this.#indexes.length) {
      const larger = new Uint32Array(this.count * 2);
      larger.set(this.#indexes);
      this.#indexes = larger;
    }
    // Many columns hold one value for long stretches, and comparing is cheaper than hashing.
    if (text !== this.#last) {
      this.#last = text;
      this.#lastNumber = this.#numberOf(text);
    }
    this.#indexes[this.count++] = this.#lastNumber;
  }

  #numberOf(text: string): number {
    // Texts come fresh from records, their hashes not computed yet: comparing with one that looks alike is cheaper than a look into the map.
    const place = placeOf(text);
    const alike = this.#places[place] as number;
    if (alike !== NONE && this.#texts[alike] === text) return alike;
    const known = this.#numbers.get(text);
    const number = known ?? this.#numbers.size;
    this.#places[place] = number;
    if (known !== undefined) return known;
    this.#numbers.set(text, number);
    this.#texts.push(text);
    this.#keys.pushText(text);
    return number;
  }

  writePrefix(out: Buffer[]): void {
    out.push(uint64s(KEYS_VERSION));
  }

  writeValues(out: Buffer[]): void {
    // Without values there are no keys either.
    if (this.count === 0) return;
    const { size } = this.#numbers;
    const width = size <= 0x100 ? 0 : size <= 0x1_0000 ? 1 : 2;
    out.push(uint64s(HAS_ADDITIONAL_KEYS | NEEDS_UPDATE | width, size), this.#keys.written(), uint64s(this.count));
    const indexes = this.#indexes.subarray(0, this.count);
    const narrowed = width === 0 ? Uint8Array.from(indexes) : width === 1 ? Uint16Array.from(indexes) : indexes;
    out.push(Buffer.from(narrowed.buffer, narrowed.byteOffset, narrowed.byteLength));
  }
}

function uint64s(...values: readonly number[]): Buffer {
  const bytes = new Bytes(values.length * 8);
  for (const value of values) bytes.pushUint64(value);
  return bytes.written();
}

export const textColumn = (): NativeColumn<string> => new TextColumn();
export const lowCardinalityColumn = (): NativeColumn<string> => new LowCardinalityColumn();
