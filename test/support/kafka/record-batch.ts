/** What is in a batch of records as a producer sends it, uncompressed. (Kafka documentation, "Record Batch" and "Record".) */

/** Where the fields of a batch begin. */
const ATTRIBUTES_AT = 21;
const COUNT_AT = 57;
const RECORDS_AT = 61;
const COMPRESSION_MASK = 0b111;

/** The values of the records, as text, in order. */
export function batchValues(batch: Buffer): readonly string[] {
  if ((batch.readInt16BE(ATTRIBUTES_AT) & COMPRESSION_MASK) !== 0) throw new Error('the batch is compressed');
  const reader = new VarintReader(batch, RECORDS_AT);
  return Array.from({ length: batch.readInt32BE(COUNT_AT) }, () => {
    const length = reader.varint();
    const end = reader.at + length;
    reader.skip(1);
    reader.varint();
    reader.varint();
    reader.bytes();
    const value = reader.bytes().toString();
    // Headers follow.
    reader.skip(end - reader.at);
    return value;
  });
}

class VarintReader {
  readonly #buffer: Buffer;
  at: number;

  constructor(buffer: Buffer, at: number) {
    this.#buffer = buffer;
    this.at = at;
  }

  /** In zigzag; what tests have fits a number. */
  varint(): number {
    let value = 0;
    let factor = 1;
    for (;;) {
      const byte = this.#buffer.readUInt8(this.at);
      this.at += 1;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) break;
      factor *= 128;
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** Null reads as no bytes. */
  bytes(): Buffer {
    const length = Math.max(this.varint(), 0);
    const start = this.at;
    this.skip(length);
    return this.#buffer.subarray(start, this.at);
  }

  skip(length: number): void {
    this.at += length;
  }
}
