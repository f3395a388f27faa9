/** Bytes that grow at their end. */

const CAPACITY_MIN = 64;

export class Bytes {
  buffer: Buffer;
  length = 0;

  constructor(capacity: number) {
    this.buffer = Buffer.allocUnsafeSlow(Math.max(CAPACITY_MIN, capacity));
  }

  /** Makes room for `count` more bytes; `buffer` may be another one afterwards. */
  reserve(count: number): void {
    if (this.length + count <= this.buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.buffer.length * 2, this.length + count));
    this.buffer.copy(larger, 0, 0, this.length);
    this.buffer = larger;
  }

  clear(): void {
    this.length = 0;
  }

  written(): Buffer {
    return this.buffer.subarray(0, this.length);
  }

  /** LEB128, as ClickHouse counts and measures with it. */
  pushVarUint(value: number): void {
    this.reserve(8);
    let rest = value;
    while (rest > 0x7f) {
      this.buffer[this.length++] = (rest & 0x7f) | 0x80;
      rest = Math.floor(rest / 128);
    }
    this.buffer[this.length++] = rest;
  }

  /** Its length in bytes as a varint, then UTF-8. */
  pushText(text: string): void {
    const { length } = text;
    this.reserve(length * UTF8_BYTES_MAX + 8);
    const { buffer } = this;
    if (length < ONE_BYTE_LENGTHS) {
      const start = this.length + 1;
      const written = length < NATIVE_COPY_CHARACTERS ? copyAscii(buffer, start, text) : buffer.write(text, start);
      if (written === length) {
        buffer[start - 1] = length;
        this.length = start + length;
        return;
      }
    }
    const bytes = Buffer.byteLength(text);
    this.pushVarUint(bytes);
    this.length += this.buffer.write(text, this.length);
  }

  /** Little-endian. */
  pushUint64(value: number): void {
    this.reserve(8);
    this.buffer.writeUInt32LE(value >>> 0, this.length);
    this.buffer.writeInt32LE(Math.floor(value / 2 ** 32), this.length + 4);
    this.length += 8;
  }
}

/** Bytes that UTF-8 takes for one UTF-16 unit, at most. */
const UTF8_BYTES_MAX = 3;
/** Lengths below this take one byte. */
const ONE_BYTE_LENGTHS = 128;
/** From here on one native call copies a text faster than a loop over its characters. */
const NATIVE_COPY_CHARACTERS = 24;

/** How many characters were copied: fewer than there are when one is not ASCII. */
function copyAscii(buffer: Buffer, start: number, text: string): number {
  const { length } = text;
  for (let index = 0; index < length; index += 1) {
    const code = text.charCodeAt(index);
    if (code > 0x7f) return index;
    buffer[start + index] = code;
  }
  return length;
}
