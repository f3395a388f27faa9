/** Reads one answer beside the stream: cheap bytes search for what matters, exact parsing of what was found. What an answer means is left to the surface's `AnswerFold`. */
import type { UsageReason } from '@tokenledger/domain';
import type { AnswerFold } from './answer-fold.ts';
import { ContentShare } from './content-share.ts';
import { JsonArrayElements } from './json-array.ts';
import { JsonLines } from './json-lines.ts';
import { isJsonObject, parseJson } from './json-object.ts';
import { JsonText } from './json-text.ts';
import { observedAnswer } from './observed-answer.ts';
import { eventData, eventEnd, eventStart, SseEvents } from './sse-events.ts';
import type { AnswerDescription, AnswerSoFar, ObservedAnswer, UsageReader } from './surface.ts';

/** Longest server-sent event, element of a streamed array, or line, that is looked into. */
export const SSE_EVENT_BYTES_MAX = 8 * 1024 * 1024;

/** Most events that end a stream are short: a longer one is searched for it only where it is one line and the line is whole. */
const END_EVENT_BYTES_MAX = 4096;

type Framing = 'unknown' | 'json' | 'json_array' | 'json_lines' | 'sse';
/** Once content is measured, as many events are looked at after each of so many bytes. */
const SAMPLE_EVENTS = 32;
const SAMPLE_EVERY_BYTES = 262_144;
const LF = 0x0a;
const OPEN_BRACKET = 0x5b;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const SPACE = 0x20;

export class AnswerReader implements UsageReader {
  readonly #fold: AnswerFold;
  readonly #httpStatus: number;
  readonly #json: JsonText;
  readonly #events: SseEvents;
  #elements: JsonArrayElements | JsonLines | undefined;
  readonly #share = new ContentShare();
  #framing: Framing;
  readonly #contentType: string;
  #ended = false;
  /** Why a piece of it was not read. */
  #unread: UsageReason = '';
  #parsed = false;
  #sawBody = false;
  #observed: ObservedAnswer | undefined;

  constructor(fold: AnswerFold, answer: AnswerDescription) {
    this.#fold = fold;
    this.#httpStatus = answer.httpStatus;
    this.#contentType = answer.contentType.toLowerCase();
    this.#framing = framingByType(this.#contentType);
    this.#json = new JsonText(answer.answerBytesMax);
    this.#events = new SseEvents(SSE_EVENT_BYTES_MAX, (bytes, from, to, whole) => this.#run(bytes, from, to, whole));
  }

  get sawContent(): boolean {
    return this.#streams ? this.#fold.sawContent : this.#sawBody;
  }

  get sawEnd(): boolean {
    if (!this.#streams) return false;
    return this.#ended || this.#fold.ended || this.#elementsClosed() || this.#endIsPending();
  }

  push(bytes: Uint8Array): void {
    if (bytes.length === 0 || this.#observed !== undefined) return;
    let chunk = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (this.#framing === 'unknown') {
      const start = textStart(chunk);
      this.#framing = framingByText(this.#contentType, chunk, start);
      // White space that came in pieces of its own has not reached the stream, so none does.
      if (this.#streams) chunk = chunk.subarray(start);
    }
    if (this.#framing === 'sse') {
      this.#events.push(chunk);
    } else if (this.#streams) {
      this.#elements ??= this.#newElements();
      this.#elements.push(chunk);
    } else {
      this.#sawBody = true;
      this.#json.push(chunk);
    }
  }

  get heldBytes(): number {
    if (this.#framing === 'sse') return this.#events.pending.length;
    return this.#elements === undefined ? this.#json.heldBytes : this.#elements.heldBytes;
  }

  giveUp(): void {
    if (this.heldBytes > 0) this.#unread ||= 'answer_too_large';
    if (this.#framing === 'sse') this.#events.giveUp();
    else if (this.#elements === undefined) this.#json.giveUp();
    else this.#elements.giveUp();
  }

  measureContent(): void {
    this.#share.sampleEvery(SAMPLE_EVERY_BYTES);
  }

  soFar(): AnswerSoFar {
    const { statedInput: stated, model: servedModel, serviceTier } = this.#fold;
    const bodyBytes = this.#fold.bodyIsData === true ? 0 : this.#json.bytes;
    const contentBytes = this.#streams ? this.#share.contentBytes : bodyBytes;
    return { stated, contentBytes, servedModel, serviceTier };
  }

  end(): ObservedAnswer {
    this.#observed ??= this.#observe();
    return this.#observed;
  }

  /** Whether it comes piece by piece. */
  get #streams(): boolean {
    return this.#framing === 'sse' || this.#framing === 'json_array' || this.#framing === 'json_lines';
  }

  #newElements(): JsonArrayElements | JsonLines {
    const run = (bytes: Buffer, from: number, to: number, whole: boolean): void => this.#element(bytes, from, to, whole);
    return this.#framing === 'json_lines' ? new JsonLines(SSE_EVENT_BYTES_MAX, run) : new JsonArrayElements(SSE_EVENT_BYTES_MAX, run);
  }

  #elementsClosed(): boolean {
    return this.#elements instanceof JsonArrayElements && this.#elements.closed;
  }

  #endIsPending(): boolean {
    const { pending } = this.#elements ?? this.#events;
    if (pending.length === 0) return false;
    // Who reads line by line knows a longer one once its line is whole.
    if (pending.length > END_EVENT_BYTES_MAX && pending.indexOf(LF) !== pending.length - 1) return false;
    return this.#fold.endInSight.test(pending.toString('latin1'));
  }

  #run(bytes: Buffer, from: number, to: number, whole: boolean): void {
    this.#share.passed(to - from);
    if (!whole) {
      this.#unread ||= 'line_too_long';
      return;
    }
    if (to - from > SSE_EVENT_BYTES_MAX) this.#longRun(bytes, from, to);
    else this.#wholeEvents(bytes, from, to);
  }

  /** An event that came in one piece is read no longer than one that came in many. */
  #longRun(bytes: Buffer, from: number, to: number): void {
    let at = from;
    while (at < to) {
      const end = eventEnd(bytes, at, to);
      if (end - at > SSE_EVENT_BYTES_MAX) this.#unread ||= 'line_too_long';
      else this.#wholeEvents(bytes, at, end);
      at = end;
    }
  }

  #wholeEvents(bytes: Buffer, from: number, to: number): void {
    const fold = this.#fold;
    let at = from;
    if (this.#share.wantsSample) this.#sample(bytes, from, to);
    while (at < to && !fold.settled) {
      const end = eventEnd(bytes, at, to);
      this.#event(bytes, at, end);
      at = end;
    }
    while (at < to) {
      const marker = fold.markers.next(bytes, at, to);
      if (marker < 0) return;
      const end = eventEnd(bytes, marker, to);
      this.#event(bytes, eventStart(bytes, marker, at), end);
      at = end;
    }
  }

  #event(bytes: Buffer, from: number, to: number): void {
    const data = eventData(bytes, from, to);
    if (data === '') return;
    if (data === this.#fold.endMarker) {
      this.#ended = true;
      return;
    }
    const event = parseJson(data);
    if (!isJsonObject(event)) return;
    const sawContent = this.#fold.sawContent;
    this.#fold.event(event, data);
    // The first event with content is a sample that costs nothing.
    if (!sawContent && this.#fold.sawContent) this.#share.sampled(to - from, this.#fold.contentBytes(event));
  }

  #element(bytes: Buffer, from: number, to: number, whole: boolean): void {
    this.#share.passed(to - from);
    if (!whole) {
      this.#unread ||= 'line_too_long';
      return;
    }
    const text = bytes.toString('latin1', from, to);
    const element = parseJson(text);
    if (!isJsonObject(element)) return;
    const sawContent = this.#fold.sawContent;
    this.#fold.event(element, text);
    if (sawContent && !this.#share.wantsSample) return;
    this.#share.sampled(to - from, this.#fold.contentBytes(element));
    // Lines are as short as events and parsed anyway: once content is measured, all of them are samples.
    if (sawContent && this.#framing === 'json_array') this.#share.sampleTaken();
  }

  #sample(bytes: Buffer, from: number, to: number): void {
    let at = from;
    for (let count = 0; count < SAMPLE_EVENTS && at < to; count++) {
      const end = eventEnd(bytes, at, to);
      const event = parseJson(eventData(bytes, at, end));
      if (isJsonObject(event)) this.#share.sampled(end - at, this.#fold.contentBytes(event));
      at = end;
    }
    this.#share.sampleTaken();
  }

  #observe(): ObservedAnswer {
    if (this.#framing === 'sse') this.#events.end();
    else if (this.#elements === undefined) this.#readBody();
    else if (this.#elements instanceof JsonLines) this.#elements.end();
    const unread = this.#json.tooLarge ? 'answer_too_large' : this.#unread;
    return observedAnswer(this.#fold, { httpStatus: this.#httpStatus, complete: this.#complete(), unread });
  }

  #readBody(): void {
    if (this.#json.tooLarge) return;
    const text = this.#json.text();
    const answer = parseJson(text);
    this.#parsed = answer !== undefined;
    if (isJsonObject(answer)) this.#fold.body(answer, text);
  }

  #complete(): boolean {
    if (this.#framing === 'sse') return this.#ended || this.#fold.ended || this.#fold.endsUnmarked === true;
    if (this.#framing === 'json_array') return this.#elementsClosed();
    if (this.#framing === 'json_lines') return this.#fold.ended;
    return this.#parsed || (this.#json.tooLarge && this.#json.lastByte === CLOSE_BRACE);
  }
}

/** The names that are used for one JSON text a line: `application/x-ndjson`, Cohere's `application/stream+json`. */
const JSON_LINES = /ndjson|stream\+json|jsonl|json-lines/;

function framingByType(contentType: string): Framing {
  if (contentType.includes('event-stream')) return 'sse';
  return JSON_LINES.test(contentType) ? 'json_lines' : 'unknown';
}

/** An array may stand where an object is usual, and some servers name no type, or `text/plain`: the first character tells. */
function framingByText(contentType: string, chunk: Buffer, start: number): Framing {
  if (start === chunk.length) return 'unknown';
  if (chunk[start] === OPEN_BRACKET) return 'json_array';
  return chunk[start] === OPEN_BRACE || contentType.includes('json') ? 'json' : 'sse';
}

/** Where the first character stands that is no white space; the length when there is none. */
function textStart(chunk: Buffer): number {
  let at = 0;
  while (at < chunk.length && (chunk[at] as number) <= SPACE) at++;
  return at;
}
