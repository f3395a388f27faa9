/** Cuts a byte stream into runs of whole server-sent events, and reads one event's data (https://html.spec.whatwg.org/multipage/server-sent-events.html). Lines end in LF or CRLF. */

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
const SPACE = 0x20;
const CARRY_BYTES_MIN = 4096;
/** A buffer above this size is let go once it is empty. */
const CARRY_BYTES_KEPT = 65_536;

/** Is given bytes from `from` to `to`, which stay valid during the call only. `whole`: they are whole events; else a part of one that exceeds the limit. */
export type EventRun = (bytes: Buffer, from: number, to: number, whole: boolean) => void;

export class SseEvents {
  readonly #eventBytesMax: number;
  readonly #run: EventRun;
  #carry = Buffer.alloc(0);
  #carried = 0;
  /** Inside an event that exceeded the limit: parts of it are passed on as they come. */
  #oversized = false;
  #atLineStart = false;

  constructor(eventBytesMax: number, run: EventRun) {
    this.#eventBytesMax = eventBytesMax;
    this.#run = run;
  }

  push(chunk: Buffer): void {
    if (this.#oversized) {
      const end = this.#endOfOversized(chunk);
      this.#run(chunk, 0, end, false);
      if (this.#oversized) return;
      chunk = chunk.subarray(end);
    }
    if (this.#carried === 0) {
      const end = lastEventEnd(chunk, 0, chunk.length);
      if (end > 0) this.#run(chunk, 0, end, true);
      if (end < chunk.length) this.#keep(chunk, end);
      return;
    }
    const before = this.#carried;
    this.#keep(chunk, 0);
    const end = lastEventEnd(this.#carry, before, this.#carried);
    if (end > 0) {
      this.#run(this.#carry, 0, end, true);
      this.#drop(end);
    }
  }

  /** Bytes of the event that is not whole yet; valid until the next push. */
  get pending(): Buffer {
    return this.#carry.subarray(0, this.#carried);
  }

  /** Treats the event that is not whole yet as one that exceeds the limit. */
  giveUp(): void {
    if (this.#carried === 0) return;
    this.#run(this.#carry, 0, this.#carried, false);
    this.#oversized = true;
    this.#atLineStart = endsLine(this.#carry, this.#carried);
    this.#drop(this.#carried);
  }

  /** The stream is over: what is left counts as one event, its blank line missing. */
  end(): void {
    if (this.#carried > 0) this.#run(this.#carry, 0, this.#carried, true);
    this.#drop(this.#carried);
  }

  #keep(chunk: Buffer, from: number): void {
    const size = this.#carried + chunk.length - from;
    if (size > this.#carry.length) {
      const grown = Buffer.allocUnsafe(Math.max(size * 2, CARRY_BYTES_MIN));
      this.#carry.copy(grown, 0, 0, this.#carried);
      this.#carry = grown;
    }
    chunk.copy(this.#carry, this.#carried, from);
    this.#carried = size;
    if (size > this.#eventBytesMax) this.#giveUp();
  }

  /** The whole events among what is kept go out as such, then the rest as parts. */
  #giveUp(): void {
    const whole = lastEventEnd(this.#carry, 0, this.#carried);
    if (whole > 0) this.#run(this.#carry, 0, whole, true);
    if (this.#carried - whole > this.#eventBytesMax) {
      this.#drop(whole);
      this.giveUp();
    } else {
      this.#drop(whole);
    }
  }

  #drop(bytes: number): void {
    this.#carried -= bytes;
    if (this.#carried > 0) this.#carry.copyWithin(0, bytes, bytes + this.#carried);
    else if (this.#carry.length > CARRY_BYTES_KEPT) this.#carry = Buffer.alloc(0);
  }

  #endOfOversized(chunk: Buffer): number {
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] as number;
      if (byte === LF) {
        if (this.#atLineStart) {
          this.#oversized = false;
          return at + 1;
        }
        this.#atLineStart = true;
      } else if (byte !== CR) {
        this.#atLineStart = false;
      }
    }
    return chunk.length;
  }
}

/** Offset after the last blank line whose line feed is at or after `from`; 0 when there is none. The offset 0 is the start of a line. */
function lastEventEnd(bytes: Buffer, from: number, to: number): number {
  let at = to - 1;
  while (at >= from) {
    if (bytes[at] !== LF) at = bytes.lastIndexOf(LF, at);
    if (at < from) return 0;
    if (endsLine(bytes, at)) return at + 1;
    at--;
  }
  return 0;
}

/** Whether the bytes before `at`, a lone CR aside, end a line or are none. */
function endsLine(bytes: Buffer, at: number): boolean {
  let before = at - 1;
  if (before >= 0 && bytes[before] === CR) before--;
  return before < 0 || bytes[before] === LF;
}

/** Offset after the blank line that ends the event in which `at` stands; `to` when it is missing. */
export function eventEnd(bytes: Buffer, at: number, to: number): number {
  for (;;) {
    const feed = bytes.indexOf(LF, at);
    if (feed < 0 || feed >= to) return to;
    at = feed + 1;
    const next = bytes[at] === CR ? at + 1 : at;
    if (next < to && bytes[next] === LF) return next + 1;
  }
}

/** Offset of the first line of the event in which `at` stands, not before `from`, which is the start of an event. */
export function eventStart(bytes: Buffer, at: number, from: number): number {
  for (;;) {
    const feed = at > from ? bytes.lastIndexOf(LF, at - 1) : -1;
    if (feed < from) return from;
    if (feed === from || endsLine(bytes, feed)) return feed + 1;
    at = feed;
  }
}

/** The event's data, one byte per character: its `data` lines, joined. `''` when it has none. */
export function eventData(bytes: Buffer, from: number, to: number): string {
  let data: string | undefined;
  let line = from;
  while (line < to) {
    const feed = bytes.indexOf(LF, line);
    const next = feed < 0 || feed >= to ? to : feed + 1;
    if (isDataLine(bytes, line, next)) {
      let start = line + 5;
      if (start < next && bytes[start] === SPACE) start++;
      let end = next;
      if (end > start && bytes[end - 1] === LF) end--;
      if (end > start && bytes[end - 1] === CR) end--;
      const text = bytes.toString('latin1', start, end);
      data = data === undefined ? text : `${data}\n${text}`;
    }
    line = next;
  }
  return data ?? '';
}

function isDataLine(bytes: Buffer, at: number, to: number): boolean {
  return (
    at + 4 < to &&
    bytes[at] === 0x64 &&
    bytes[at + 1] === 0x61 &&
    bytes[at + 2] === 0x74 &&
    bytes[at + 3] === 0x61 &&
    bytes[at + 4] === COLON
  );
}
