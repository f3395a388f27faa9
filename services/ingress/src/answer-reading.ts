/** Reads one answer beside its way to the client: decodes where it is encoded, feeds the usage reader. */
import type { Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import type { AnswerSoFar, ObservedAnswer, UsageReader } from '@tokenledger/providers';

export type ContentCoding = 'identity' | 'gzip' | 'deflate' | 'br' | 'zstd' | 'unknown';

/** Of an answer that was encoded several times: `unknown`. */
export function contentCoding(header: string | readonly string[] | undefined): ContentCoding {
  const coding = header === undefined ? '' : String(header).trim().toLowerCase();
  if (coding === '' || coding === 'identity') return 'identity';
  if (coding === 'x-gzip') return 'gzip';
  return coding === 'gzip' || coding === 'deflate' || coding === 'br' || coding === 'zstd' ? coding : 'unknown';
}

export interface AnswerReading {
  readonly sawContent: boolean;
  readonly sawEnd: boolean;
  /** False: stop feeding until `onDrain` was called. */
  push(chunk: Buffer): boolean;
  /** Whether what was pushed waits to be decoded, since nobody takes it. */
  pauseDecoding(paused: boolean): void;
  /** As `UsageReader` has them. */
  readonly heldBytes: number;
  giveUp(): void;
  measureContent(): void;
  soFar(): AnswerSoFar;
  end(done: (observed: ObservedAnswer) => void): void;
}

export interface ReadingOptions {
  readonly reader: UsageReader;
  readonly coding: ContentCoding;
  readonly decodedBytesMax: number;
  readonly onDrain: () => void;
  /** Keeps what is read, decoded. */
  readonly kept?: { keep(chunk: Buffer): void } | undefined;
  /** The decoded bytes, for a filter that must see them. */
  readonly onDecoded?: (chunk: Buffer) => void;
}

export function answerReading(options: ReadingOptions): AnswerReading {
  if (options.coding === 'identity') return new PlainReading(options.reader, options.kept);
  const decoder = decoderOf(options.coding);
  return decoder === undefined ? new UnreadReading(options.reader) : new DecodedReading(options, decoder);
}

class PlainReading implements AnswerReading {
  readonly #reader: UsageReader;
  readonly #kept: ReadingOptions['kept'];

  constructor(reader: UsageReader, kept: ReadingOptions['kept']) {
    this.#reader = reader;
    this.#kept = kept;
  }

  get sawContent(): boolean {
    return this.#reader.sawContent;
  }

  get sawEnd(): boolean {
    return this.#reader.sawEnd;
  }

  push(chunk: Buffer): boolean {
    this.#reader.push(chunk);
    this.#kept?.keep(chunk);
    return true;
  }

  pauseDecoding(): void {
    // There is nothing to decode.
  }

  get heldBytes(): number {
    return this.#reader.heldBytes;
  }

  giveUp(): void {
    this.#reader.giveUp();
  }

  measureContent(): void {
    this.#reader.measureContent();
  }

  soFar(): AnswerSoFar {
    return this.#reader.soFar();
  }

  end(done: (observed: ObservedAnswer) => void): void {
    done(this.#reader.end());
  }
}

/** An encoding that we cannot read: the bytes pass, usage is unknown. */
class UnreadReading implements AnswerReading {
  readonly sawContent = false;
  readonly sawEnd = false;
  readonly #reader: UsageReader;

  constructor(reader: UsageReader) {
    this.#reader = reader;
  }

  push(): boolean {
    return true;
  }

  pauseDecoding(): void {
    // Nothing is decoded.
  }

  get heldBytes(): number {
    return this.#reader.heldBytes;
  }

  giveUp(): void {
    this.#reader.giveUp();
  }

  measureContent(): void {
    // There is nothing to measure in what cannot be read.
  }

  soFar(): AnswerSoFar {
    return this.#reader.soFar();
  }

  end(done: (observed: ObservedAnswer) => void): void {
    done(unread(this.#reader.end(), 'undecodable_answer'));
  }
}

class DecodedReading implements AnswerReading {
  readonly #options: ReadingOptions;
  readonly #decoder: Transform;
  #decodedBytes = 0;
  #tooLong = false;
  #failed = false;
  #done: ((observed: ObservedAnswer) => void) | undefined;

  constructor(options: ReadingOptions, decoder: Transform) {
    this.#options = options;
    this.#decoder = decoder;
    decoder.on('data', (chunk: Buffer) => this.#decoded(chunk));
    decoder.on('drain', options.onDrain);
    decoder.once('end', () => this.#finish());
    decoder.once('error', () => {
      this.#failed = true; // the bytes are the provider's: the event says that they could not be read
      options.onDrain();
      this.#finish();
    });
  }

  get sawContent(): boolean {
    return this.#options.reader.sawContent;
  }

  get sawEnd(): boolean {
    return this.#options.reader.sawEnd;
  }

  push(chunk: Buffer): boolean {
    return this.#failed || this.#tooLong ? true : this.#decoder.write(chunk);
  }

  pauseDecoding(paused: boolean): void {
    if (paused) this.#decoder.pause();
    else if (this.#decoder.isPaused()) this.#decoder.resume();
  }

  get heldBytes(): number {
    return this.#options.reader.heldBytes;
  }

  giveUp(): void {
    this.#options.reader.giveUp();
  }

  measureContent(): void {
    this.#options.reader.measureContent();
  }

  soFar(): AnswerSoFar {
    return this.#options.reader.soFar();
  }

  end(done: (observed: ObservedAnswer) => void): void {
    this.#done = done;
    if (this.#failed || this.#tooLong) this.#finish();
    else this.#decoder.end();
  }

  #decoded(chunk: Buffer): void {
    if (this.#tooLong) return;
    this.#decodedBytes += chunk.length;
    // An answer that must be decoded to be passed on has no bound but its client's patience.
    if (this.#decodedBytes > this.#options.decodedBytesMax && this.#options.onDecoded === undefined) {
      this.#tooLong = true;
      this.#decoder.destroy();
      this.#options.onDrain();
      this.#finish(); // a destroyed decoder never ends: whoever waits for its end already is told here
      return;
    }
    this.#options.reader.push(chunk);
    this.#options.kept?.keep(chunk);
    this.#options.onDecoded?.(chunk);
  }

  #finish(): void {
    const done = this.#done;
    if (done === undefined) return;
    this.#done = undefined;
    const observed = this.#options.reader.end();
    if (this.#tooLong) done(unread(observed, 'answer_too_large'));
    else if (this.#failed) done(unread(observed, 'undecodable_answer'));
    else done(observed);
  }
}

function unread(observed: ObservedAnswer, reason: 'undecodable_answer' | 'answer_too_large'): ObservedAnswer {
  return observed.usage === null ? { ...observed, usageReason: reason, complete: 'as_framed' } : observed;
}

function decoderOf(coding: ContentCoding): Transform | undefined {
  switch (coding) {
    case 'gzip':
      return createGunzip();
    case 'deflate':
      return createInflate();
    case 'br':
      return createBrotliDecompress();
    case 'zstd':
      return createZstdDecompress();
    case 'identity':
    case 'unknown':
      return undefined;
  }
}
