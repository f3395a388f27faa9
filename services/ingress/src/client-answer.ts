/** The answer as its client gets it: nothing before it may begin, the head with the first byte, chunks as they come, and what shows the end only once it may. */
import type { ServerResponse } from 'node:http';
import type { ObservedAnswer, StreamFilter } from '@tokenledger/providers';
import { type AnswerHeaders, type KeptAnswer, keptAnswer } from './cached-answers.ts';
import { answerHeaders } from './core/headers.ts';
import type { AcceptedRequest } from './accepted-request.ts';
import type { SentAttempt } from './core/unresolved-event.ts';
import { HeldEnd } from './held-end.ts';
import { answerFailure } from './refusal.ts';
import type { AnswerCapture } from './response-cache.ts';

/** The provider's, `headers` by lower-case names. */
export interface ProviderHead {
  readonly status: number;
  readonly statusText: string | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** It came encoded and goes out decoded. */
  readonly isDecoded: boolean;
}

/** Headers that are not true any more of a body that we changed. */
const NO_HEADERS: ReadonlySet<string> = new Set();
const LENGTH_HEADERS: ReadonlySet<string> = new Set(['content-length']);
const CODED_HEADERS: ReadonlySet<string> = new Set(['content-length', 'content-encoding']);

export class ClientAnswer {
  readonly #response: ServerResponse;
  /** Whether the client is behind. */
  readonly #onBehind: (isBehind: boolean) => void;
  readonly #end = new HeldEnd();
  #filter: StreamFilter | undefined;
  #status = 502;
  #statusText = '';
  #headers: string[] = [];
  #hasDate = false;
  #isLeft = false;
  #listens = false;
  #mayBegin = false;
  /** What came before it might begin. */
  #early: Buffer[] = [];
  #sentBytes = 0;
  /** Keeps it for the response cache; undefined where none may come from there. */
  readonly #capture: AnswerCapture | undefined;
  #received: AnswerHeaders | undefined;
  #kept: KeptAnswer | null = null;

  constructor(response: ServerResponse, onBehind: (isBehind: boolean) => void, capture: AnswerCapture | undefined) {
    this.#response = response;
    this.#onBehind = onBehind;
    this.#capture = capture;
  }

  /** Whether the client has a byte of it. */
  get hasBegun(): boolean {
    return this.#response.headersSent;
  }

  /** The one that the client got; null before that. */
  get status(): number | null {
    return this.#response.headersSent ? this.#response.statusCode : null;
  }

  /** Whether the client has all of it. */
  get isWhole(): boolean {
    return this.#response.writableFinished;
  }

  get sentBytes(): number {
    return this.#sentBytes;
  }

  /** What is held included. */
  get bytes(): number {
    return this.#early.reduce((sum, { length }) => sum + length, this.#sentBytes + this.#end.bytes);
  }

  get mayBegin(): boolean {
    return this.#mayBegin;
  }

  /** Before that its client gets no byte of it, and is behind as soon as there is one. */
  begin(): void {
    this.#mayBegin = true;
    if (this.#early.length === 0) return;
    for (const chunk of this.#early.splice(0)) this.#write(chunk);
    if (!this.#response.writableNeedDrain) this.#onBehind(false);
  }

  /** What the head will be. `filter`: takes out again what was added; `ours`: flat pairs. */
  expect({ status, statusText, headers, isDecoded }: ProviderHead, filter: StreamFilter | undefined, ours: readonly string[]): void {
    this.#status = status;
    this.#statusText = statusText ?? '';
    this.#hasDate = headers['date'] !== undefined;
    this.#headers = answerHeaders(headers, filter === undefined ? NO_HEADERS : isDecoded ? CODED_HEADERS : LENGTH_HEADERS);
    this.#headers.push(...ours);
    this.#filter = filter;
    if (this.#capture !== undefined) this.#received = headers;
  }

  /** What was seen of it, now that it is whole. */
  ends(observed: ObservedAnswer, sent: SentAttempt): void {
    if (this.#received === undefined) return;
    this.#kept = keptAnswer({ status: this.#status, observed, sent, received: this.#received, headers: this.#headers });
  }

  /** Sends a chunk on, but holds what shows the client that the answer is complete, and what may come after that. */
  forward(chunk: Buffer, showsEnd: boolean): void {
    const out = this.#filter === undefined ? chunk : this.#filter.push(chunk);
    if (out.length === 0) return;
    const passed = showsEnd || this.#end.isShown ? this.#end.hold(out) : out;
    if (passed !== undefined) this.#write(passed);
  }

  /** Lets go of what is held: nobody gets it, and what follows begins anew. */
  drop(): void {
    this.#mayBegin = false;
    this.#early = [];
    this.#end.take();
  }

  /** The client has left: nothing more is written. */
  leave(): void {
    this.#isLeft = true;
    this.#early = [];
    this.#end.take();
    this.#capture?.drop();
  }

  /** Lets go of what was held; with an error the client sees that it is not complete. */
  end(accepted: AcceptedRequest, error: Error | undefined): void {
    const response = this.#response;
    if (error !== undefined || response.destroyed || this.#kept === null) this.#capture?.drop();
    if (response.destroyed) return;
    if (error === undefined) this.#finish(response);
    else if (response.headersSent) response.destroy();
    else answerFailure(response, accepted, error);
  }

  #finish(response: ServerResponse): void {
    const rest = this.#filter?.end();
    const passed = rest === undefined || rest.length === 0 ? undefined : this.#end.hold(rest);
    const last = this.#end.take();
    if (!response.headersSent) this.#writeHead();
    if (this.#kept !== null) this.#capture?.storeWith(this.#kept, passed, last);
    if (passed !== undefined) response.write(passed);
    if (last === undefined) response.end();
    else response.end(last);
  }

  #write(chunk: Buffer): void {
    if (this.#isLeft) return;
    if (!this.#mayBegin) {
      this.#early.push(chunk);
      this.#onBehind(true);
      return;
    }
    if (!this.#response.headersSent) this.#writeHead();
    this.#sentBytes += chunk.length;
    this.#capture?.push(chunk);
    if (this.#response.write(chunk)) return;
    if (!this.#listens) {
      this.#listens = true;
      this.#response.on('drain', () => this.#onBehind(false));
    }
    this.#onBehind(true);
  }

  #writeHead(): void {
    const response = this.#response;
    if (this.#hasDate) response.sendDate = false;
    if (this.#statusText === '') response.writeHead(this.#status, this.#headers);
    else response.writeHead(this.#status, this.#statusText, this.#headers);
  }
}

/** Flat pairs that answers have besides the provider's. Which channel served is told to those keys alone that may know. */
export function ownHeaders(
  { requestId, key }: Pick<AcceptedRequest, 'requestId' | 'key'>,
  { channelId, routeType }: SentAttempt,
): string[] {
  const headers = ['x-tokenledger-request-id', requestId];
  if (key.showsChannel) headers.push('x-tokenledger-channel', channelId, 'x-tokenledger-route-type', routeType);
  return headers;
}
