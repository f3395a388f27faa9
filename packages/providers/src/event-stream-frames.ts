/** Cuts a byte stream into the messages of Amazon's binary event stream: a prelude (length of all, length of the headers, CRC-32 of both), headers, payload, CRC-32 of
 *  everything before. Source: "Event stream encoding" in AWS's developer guides, e.g. https://docs.aws.amazon.com/lexv2/latest/dg/event-stream-encoding.html */
import { crc32 } from 'node:zlib';

/** Valid during the call that it is given to. */
export interface EventStreamMessage {
  /** `:message-type`: `event`, `exception` or `error`. */
  readonly kind: string;
  /** What it is an event, exception or error of: `:event-type`, `:exception-type` or `:error-code`. */
  readonly name: string;
  readonly payload: Buffer;
}

export interface EventStreamListener {
  message(message: EventStreamMessage): void;
  /** A message that exceeds the limit passes unread. */
  oversized(): void;
  /** A checksum or a length is wrong: nothing that follows can be read. */
  broken(): void;
}

const PRELUDE_BYTES = 12;
const CRC_BYTES = 4;
const MESSAGE_BYTES_MIN = PRELUDE_BYTES + CRC_BYTES;
const CARRY_BYTES_MIN = 4096;
/** A buffer above this size is let go once it is empty. */
const CARRY_BYTES_KEPT = 65_536;

export class EventStreamFrames {
  readonly #messageBytesMax: number;
  readonly #listener: EventStreamListener;
  /** The message that is not whole yet; its prelude has been checked once it is whole. */
  #carry = Buffer.alloc(0);
  #carried = 0;
  /** Bytes of an oversized message that are still to come. */
  #skipping = 0;
  #isBroken = false;

  constructor(messageBytesMax: number, listener: EventStreamListener) {
    this.#messageBytesMax = messageBytesMax;
    this.#listener = listener;
  }

  /** Bytes of the message that is not whole yet. */
  get pendingBytes(): number {
    return this.#carried;
  }

  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && !this.#isBroken) {
      if (this.#skipping > 0) at += this.#skip(chunk.length - at);
      else if (this.#carried > 0) at += this.#complete(chunk, at);
      else at += this.#take(chunk, at);
    }
  }

  /** Treats the message that is not whole yet as one that exceeds the limit. */
  giveUp(): void {
    if (this.#carried < PRELUDE_BYTES || this.#isBroken) return;
    this.#skipping = this.#carry.readUInt32BE(0) - this.#carried;
    this.#drop();
    this.#listener.oversized();
  }

  #skip(available: number): number {
    const skipped = Math.min(available, this.#skipping);
    this.#skipping -= skipped;
    return skipped;
  }

  /** Reads the message that begins at `at`, or keeps what is there of it. Gives the number of bytes taken. */
  #take(chunk: Buffer, at: number): number {
    const available = chunk.length - at;
    if (available < PRELUDE_BYTES) return this.#keep(chunk, at, available);
    const total = this.#totalOf(chunk, at);
    if (this.#isBroken) return available;
    if (total > this.#messageBytesMax) {
      this.#skipping = total;
      this.#listener.oversized();
      return 0;
    }
    if (available < total) return this.#keep(chunk, at, available);
    this.#read(chunk.subarray(at, at + total));
    return total;
  }

  /** Adds to the message that is not whole yet. Gives the number of bytes taken. */
  #complete(chunk: Buffer, at: number): number {
    const available = chunk.length - at;
    if (this.#carried < PRELUDE_BYTES) {
      const taken = this.#keep(chunk, at, Math.min(available, PRELUDE_BYTES - this.#carried));
      if (this.#carried < PRELUDE_BYTES) return taken;
      if (this.#totalOf(this.#carry, 0) > this.#messageBytesMax && !this.#isBroken) this.giveUp();
      return taken;
    }
    const total = this.#carry.readUInt32BE(0);
    const taken = this.#keep(chunk, at, Math.min(available, total - this.#carried));
    if (this.#carried < total) return taken;
    const message = this.#carry.subarray(0, total);
    this.#carried = 0;
    this.#read(message);
    this.#drop();
    return taken;
  }

  /** Length of the message at `at`, whose prelude is there. */
  #totalOf(bytes: Buffer, at: number): number {
    const total = bytes.readUInt32BE(at);
    const headers = bytes.readUInt32BE(at + 4);
    const isSound =
      crc32(bytes.subarray(at, at + 8)) === bytes.readUInt32BE(at + 8) &&
      total >= MESSAGE_BYTES_MIN &&
      headers <= total - MESSAGE_BYTES_MIN;
    if (!isSound) this.#break();
    return total;
  }

  #read(message: Buffer): void {
    const end = message.length - CRC_BYTES;
    const headersEnd = PRELUDE_BYTES + message.readUInt32BE(4);
    const headers =
      crc32(message.subarray(0, end)) === message.readUInt32BE(end) ? readHeaders(message.subarray(PRELUDE_BYTES, headersEnd)) : undefined;
    if (headers === undefined) return this.#break();
    const kind = headers.get(':message-type') ?? '';
    const name = headers.get(NAMED_BY.get(kind) ?? '') ?? '';
    this.#listener.message({ kind, name, payload: message.subarray(headersEnd, end) });
  }

  #keep(chunk: Buffer, from: number, bytes: number): number {
    const size = this.#carried + bytes;
    if (size > this.#carry.length) {
      const grown = Buffer.allocUnsafe(Math.max(size * 2, CARRY_BYTES_MIN));
      this.#carry.copy(grown, 0, 0, this.#carried);
      this.#carry = grown;
    }
    chunk.copy(this.#carry, this.#carried, from, from + bytes);
    this.#carried = size;
    return bytes;
  }

  #drop(): void {
    this.#carried = 0;
    if (this.#carry.length > CARRY_BYTES_KEPT) this.#carry = Buffer.alloc(0);
  }

  #break(): void {
    this.#isBroken = true;
    this.#carried = 0;
    this.#carry = Buffer.alloc(0);
    this.#listener.broken();
  }
}

const NAMED_BY: ReadonlyMap<string, string> = new Map([
  ['event', ':event-type'],
  ['exception', ':exception-type'],
  ['error', ':error-code'],
]);

const STRING = 7;
const BYTES = 6;
/** Bytes of a header's value by its type, where they are fixed: true, false, byte, short, integer, long; timestamp, UUID. */
const VALUE_BYTES: readonly (number | undefined)[] = [0, 0, 1, 2, 4, 8, undefined, undefined, 8, 16];

/** The headers whose value is a string; undefined when they do not end where they should. */
function readHeaders(bytes: Buffer): ReadonlyMap<string, string> | undefined {
  const strings = new Map<string, string>();
  let at = 0;
  while (at < bytes.length) {
    const nameEnd = at + 1 + (bytes[at] as number);
    if (nameEnd >= bytes.length) return undefined;
    const type = bytes[nameEnd] as number;
    let valueAt = nameEnd + 1;
    let length = VALUE_BYTES[type];
    if (type === STRING || type === BYTES) {
      if (valueAt + 2 > bytes.length) return undefined;
      length = bytes.readUInt16BE(valueAt);
      valueAt += 2;
    }
    if (length === undefined || valueAt + length > bytes.length) return undefined;
    if (type === STRING) strings.set(bytes.toString('latin1', at + 1, nameEnd), bytes.toString('latin1', valueAt, valueAt + length));
    at = valueAt + length;
  }
  return strings;
}
