/** Reads a file of batch results, one JSON text a line, while it passes. A line's number is its place in the file, empty lines not counted. Memory is bounded by
 *  the longest line that is read; a longer one is a result without usage (`answer_too_large`). */
import { JsonLines } from '../json-lines.ts';
import { SSE_EVENT_BYTES_MAX } from '../answer-reader.ts';
import type { AnswerSoFar, ObservedAnswer } from '../surface.ts';
import { noAnswer, type IdentifiedResult, type ResultFact, type ResultReader } from './result.ts';
import { NOTHING_SO_FAR } from './small-answer.ts';

/** What is told of a line. */
export type ReadLine = Omit<IdentifiedResult, 'kind' | 'name' | 'sequence' | 'origin'>;

export interface ResultLinesOptions {
  /** What the results are counted by. */
  readonly name: string;
  /** The API that requests were written for, for a line that does not tell. */
  readonly surface: string;
  /** Undefined: it is no line of results. The first line decides for the file; later ones are results whatever they hold. */
  readonly read: (line: Buffer) => ReadLine | undefined;
  /** Whether a line that is too long begins as results do. */
  readonly looksRead: (start: Buffer) => boolean;
  readonly onFact: (fact: ResultFact) => void;
}

const LF = 0x0a;

export class ResultLines implements ResultReader {
  readonly sawContent = false;
  readonly sawEnd = false;
  readonly #options: ResultLinesOptions;
  readonly #lines: JsonLines;
  #verdict: 'unknown' | 'results' | 'other' = 'unknown';
  #sequence = 0;
  /** One line is kept back, so that the last one can be told. */
  #held: ReadLine | undefined;
  /** Of the line that is being read. */
  #current: 'none' | 'tooLong' = 'none';
  #ended = false;

  constructor(options: ResultLinesOptions) {
    this.#options = options;
    this.#lines = new JsonLines(SSE_EVENT_BYTES_MAX, (bytes, from, to, whole) => this.#run(bytes.subarray(from, to), whole));
  }

  get heldBytes(): number {
    return this.#lines.heldBytes;
  }

  push(bytes: Uint8Array): void {
    const chunk = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let from = 0;
    while (this.#verdict !== 'other' && from < chunk.length) {
      const feed = chunk.indexOf(LF, from);
      const to = feed < 0 ? chunk.length : feed + 1;
      this.#lines.push(chunk.subarray(from, to));
      if (feed >= 0) this.#endTooLong();
      from = to;
    }
  }

  giveUp(): void {
    this.#lines.giveUp();
  }

  measureContent(): void {
    // What is counted by name is never estimated.
  }

  soFar(): AnswerSoFar {
    return NOTHING_SO_FAR;
  }

  /** The line that stands last may be a part of one. */
  end(): ObservedAnswer {
    if (!this.#ended) {
      this.#ended = true;
      this.#lines.end();
      this.#endTooLong();
    }
    return noAnswer('not_reported', '');
  }

  whole(): void {
    if (this.#held !== undefined) this.#tell(this.#held, 'batch_last_line');
    this.#held = undefined;
  }

  #run(line: Buffer, whole: boolean): void {
    if (this.#verdict === 'other') return;
    if (whole) {
      if (line.some((byte) => byte > 0x20)) this.#line(this.#options.read(line));
      return;
    }
    if (this.#verdict === 'unknown') this.#verdict = this.#options.looksRead(line) ? 'results' : 'other';
    this.#current = 'tooLong';
  }

  #endTooLong(): void {
    if (this.#current !== 'tooLong') return;
    this.#current = 'none';
    if (this.#verdict === 'results') this.#line(this.#unread('answer_too_large'));
  }

  #line(read: ReadLine | undefined): void {
    if (this.#verdict === 'unknown') this.#verdict = read === undefined ? 'other' : 'results';
    if (this.#verdict === 'other') return;
    if (this.#held !== undefined) this.#tell(this.#held, 'batch_line');
    this.#held = read ?? this.#unread('undecodable_answer');
  }

  #unread(reason: 'answer_too_large' | 'undecodable_answer'): ReadLine {
    const { surface } = this.#options;
    return { surface, callId: '', occurredAtMs: null, httpStatus: null, answer: noAnswer(reason, '') };
  }

  #tell(line: ReadLine, origin: IdentifiedResult['origin']): void {
    this.#sequence += 1;
    this.#options.onFact({ kind: 'result', name: this.#options.name, sequence: this.#sequence, origin, ...line });
  }
}
