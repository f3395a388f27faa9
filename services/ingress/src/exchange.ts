/** One request on its way: forwarded, its answer streamed back untouched and watched, its event recorded before the client can know the end.
 *
 *  1. opened in the journal          before the first byte leaves for the provider
 *  2. opening synced                 before the first byte of the answer reaches the client
 *  3. answer passed on chunk by chunk, read beside; whatever shows its end is held
 *  4. closed in the journal          with the event's final bytes
 *  5. closing synced                 before what was held and the end of message go out
 *
 *  A client that leaves does not end the upstream read: it is drained, within limits, so that the provider's usage is seen. */
import type { ServerResponse } from 'node:http';
import type { UsageEvent, UsageReason } from '@tokenledger/domain';
import type { JournalEntry, JournalPosition } from '@tokenledger/journal';
import { brokenOff, type ObservedAnswer, type StreamFilter } from '@tokenledger/providers';
import { encodeUsageEvent } from '@tokenledger/schemas';
import type { Dispatcher } from 'undici';
import { HeldAnswer } from './answer-memory.ts';
import { type AnswerReading, answerReading, contentCoding } from './answer-reading.ts';
import { endingOnDefect } from './defect.ts';
import { Drain } from './drain.ts';
import type { ExchangeContext, ExchangeRequest } from './exchange-context.ts';
import { answerHeaders, singleHeader } from './core/headers.ts';
import { type Estimate, estimateUsage } from './core/estimate.ts';
import { errorClassOf, outcomeOf, statusUnsent } from './core/outcome.ts';
import { type Progress, unresolvedEvent } from './core/unresolved-event.ts';
import { type AttemptRecord, type RequestEnd, usageEvent } from './core/usage-event.ts';
import { HeldEnd } from './held-end.ts';
import { HeldRequest } from './held-request.ts';
import { answerFailure } from './refusal.ts';
import { countedByName } from './core/import-event.ts';
import { postAnswered } from './result-posting.ts';

const NO_HEADERS: ReadonlySet<string> = new Set();
const LENGTH_HEADERS: ReadonlySet<string> = new Set(['content-length']);
const CODED_HEADERS: ReadonlySet<string> = new Set(['content-length', 'content-encoding']);
/** Why an answer has no usage when nothing more is read of it; others say that the provider reported none, or something that cannot be. */
const CUT_SHORT: ReadonlySet<UsageReason> = new Set(['cut_off', 'undecodable_answer', 'answer_too_large']);

export class Exchange implements Dispatcher.DispatchHandler {
  readonly #context: ExchangeContext;
  readonly #request: ExchangeRequest;
  /** Null for a request that the full journal let pass. */
  readonly #entry: JournalEntry | null;
  readonly #response: ServerResponse;
  readonly #heldRequest = new HeldRequest();
  readonly #heldAnswer: HeldAnswer;
  readonly #end = new HeldEnd();
  #controller: Dispatcher.DispatchController | undefined;
  #reading: AnswerReading | undefined;
  #filter: StreamFilter | undefined;
  #decodesInline = false;
  #headers: string[] = [];
  #hasDate = false;
  #statusText = '';
  #status: number | null = null;
  #contentLength = -1;
  #receivedBytes = 0;
  #sentBytes = 0;
  #openSynced = false;
  #waitsForReading = false;
  #waitsForClient = false;
  /** Null while the client is there. */
  #drain: Drain | null = null;
  #settled = false;
  #listensForDrain = false;
  #firstByteAt: number | null = null;
  #firstTokenAt: number | null = null;
  #upstreamRequestId = '';
  /** When the next progress record of a long answer is due. */
  #progressAt = Number.POSITIVE_INFINITY;
  #progressBytes = Number.POSITIVE_INFINITY;

  constructor(context: ExchangeContext, request: ExchangeRequest, entry: JournalEntry | null, response: ServerResponse) {
    this.#context = context;
    this.#request = request;
    this.#entry = entry;
    this.#response = response;
    this.#heldAnswer = new HeldAnswer(context.answerMemory);
  }

  /** Once the opening record is written. Nobody waits for a request that was given up meanwhile. */
  begin(dispatch: () => void): void {
    if (this.#settled) this.#heldRequest.sent();
    else dispatch();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // Given up while it waited for a connection: its event says that nothing was read, so nothing may be sent any more.
    if (this.#settled) controller.abort(new Error('given up before it was sent'));
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
    statusText?: string,
  ): void {
    if (status < 200) return; // an informational answer: the real one follows
    this.#status = status;
    this.#statusText = statusText ?? '';
    this.#firstByteAt = performance.now();
    this.#upstreamRequestId =
      singleHeader(headers['x-request-id']) || singleHeader(headers['request-id']) || singleHeader(headers['x-amzn-requestid']);
    const contentType = singleHeader(headers['content-type']);
    const coding = contentCoding(headers['content-encoding']);
    const isStream = contentType.startsWith('text/event-stream');
    this.#filter = isStream && coding !== 'unknown' ? this.#request.filter : undefined;
    this.#decodesInline = this.#filter !== undefined && coding !== 'identity';
    this.#contentLength = this.#filter === undefined ? Number(singleHeader(headers['content-length']) || -1) : -1;
    const { accepted, channel, record, count } = this.#request;
    if (status < 300) count?.begins(contentType);
    const reader = accepted.target.surface.usageReader({
      contentType,
      httpStatus: status,
      answerBytesMax: this.#context.config.answer_read_bytes_max,
      headers,
      provider: channel.provider,
      requestedModel: record.requestedModel,
    });
    this.#reading = answerReading({
      reader,
      coding,
      decodedBytesMax: this.#context.config.answer_read_bytes_max,
      kept: count,
      onDrain: () => this.#flow(false, this.#waitsForClient),
      ...(this.#decodesInline ? { onDecoded: (chunk: Buffer) => this.#passOn(chunk) } : {}),
    });
    const untrue = this.#filter === undefined ? NO_HEADERS : this.#decodesInline ? CODED_HEADERS : LENGTH_HEADERS;
    this.#hasDate = headers['date'] !== undefined;
    this.#headers = answerHeaders(headers, untrue);
    if (this.#entry === null) this.#openSynced = true;
    else {
      this.#context.journal.onSynced(this.#entry.position, () => {
        this.#openSynced = true;
        this.#resumeIfFlowing();
      });
    }
    if (!this.#openSynced) controller.pause();
    if (this.#entry !== null) this.#expectProgress(this.#firstByteAt);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const reading = this.#reading;
    if (reading === undefined) return;
    this.#receivedBytes += chunk.length;
    const waits = !reading.push(chunk);
    if (!this.#heldAnswer.resize(reading.heldBytes)) {
      reading.giveUp();
      this.#context.metrics.unread();
    }
    if (this.#firstTokenAt === null && reading.sawContent) this.#firstTokenAt = performance.now();
    if (!this.#decodesInline) this.#passOn(chunk);
    if (waits) this.#flow(true, this.#waitsForClient);
    if (this.#receivedBytes >= this.#progressBytes || performance.now() >= this.#progressAt) this.#recordProgress(reading);
  }

  onResponseEnd(): void {
    this.#heldRequest.sent();
    this.#context.turn.add(() => this.#reading?.end((observed) => this.#finish(observed, undefined)));
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    this.#heldRequest.sent();
    this.#failed(error);
  }

  #failed(error: Error): void {
    if (this.#reading === undefined) this.#finish(null, error);
    else this.#reading.end((observed) => this.#finish(brokenOff(observed), error));
  }

  #expectProgress(now: number): void {
    const { progress_interval_ms: intervalMs, progress_bytes: bytes } = this.#context.config;
    this.#progressAt = now + intervalMs;
    this.#progressBytes = this.#receivedBytes + bytes;
  }

  /** A long answer: what is known of it is written down, so that a recovery has more to estimate from than the request. */
  #recordProgress(reading: AnswerReading): void {
    const now = performance.now();
    this.#expectProgress(now);
    if (this.#entry === null || this.#settled) return;
    const { journal } = this.#context;
    const { record, sent, attemptStartedAt } = this.#request;
    const progress: Progress = {
      httpStatus: this.#status,
      responseBytes: this.#sentBytes,
      ...this.#timesToFirst(),
      attemptTimeToFirstByteMs: this.#firstByteAt === null ? null : Math.round(this.#firstByteAt - attemptStartedAt),
      upstreamRequestId: this.#upstreamRequestId,
      answer: reading.soFar(),
    };
    reading.measureContent();
    const identity = { source: journal.source, sequence: 0, recordedAtMs: this.#context.now() };
    journal.progress(this.#entry, encodeUsageEvent(unresolvedEvent(record, sent, progress, identity)));
  }

  #passOn(chunk: Buffer): void {
    if (this.#drain !== null) this.#drain.read(chunk.length);
    else this.#forward(chunk);
  }

  /** Sends a chunk on, but holds what shows the client that the answer is complete, and what may come after that. */
  #forward(chunk: Buffer): void {
    const out = this.#filter === undefined ? chunk : this.#filter.push(chunk);
    if (out.length === 0) return;
    const showsEnd = this.#end.isShown || this.#reading?.sawEnd === true || this.#receivedBytes === this.#contentLength;
    const passed = showsEnd ? this.#end.hold(out) : out;
    if (passed !== undefined) this.#write(passed);
  }

  #write(chunk: Buffer): void {
    if (this.#drain !== null) return;
    if (!this.#response.headersSent) this.#writeHead();
    this.#sentBytes += chunk.length;
    if (this.#response.write(chunk)) return;
    if (!this.#listensForDrain) {
      this.#listensForDrain = true;
      this.#response.on('drain', () => this.#flow(this.#waitsForReading, false));
    }
    this.#flow(this.#waitsForReading, true);
  }

  /** The upstream flows while neither the reading nor the client is behind. */
  #flow(waitsForReading: boolean, waitsForClient: boolean): void {
    this.#waitsForReading = waitsForReading;
    this.#waitsForClient = waitsForClient;
    if (this.#decodesInline) this.#reading?.pauseDecoding(waitsForClient);
    if (waitsForReading || waitsForClient) this.#controller?.pause();
    else this.#resumeIfFlowing();
  }

  #resumeIfFlowing(): void {
    if (this.#openSynced && !this.#waitsForReading && !this.#waitsForClient && this.#controller?.paused === true) this.#controller.resume();
  }

  #writeHead(): void {
    const response = this.#response;
    if (this.#hasDate) response.sendDate = false;
    this.#headers.push('x-tokenledger-request-id', this.#request.accepted.requestId);
    if (this.#statusText === '') response.writeHead(this.#status ?? 502, this.#headers);
    else response.writeHead(this.#status ?? 502, this.#statusText, this.#headers);
  }

  /** The connection to the client is closed: it has the whole answer, or it left. `released` is called once nothing of the request is held any more:
   *  its body may wait for a connection to the provider long after its client has gone. */
  clientClosed(released: () => void): void {
    this.#heldRequest.whenReleased(released);
    if (this.#settled || this.#response.writableFinished) return;
    this.#end.take();
    this.#context.metrics.draining(1);
    this.#reading?.measureContent();
    const { config } = this.#context;
    const { drainTimeoutMs, drainBytesMax } = this.#request.channel;
    const limits = { timeoutMs: drainTimeoutMs ?? config.drain_timeout_ms, bytesMax: drainBytesMax ?? config.drain_bytes_max };
    this.#drain = new Drain(limits, () => this.#stopDraining());
    this.#flow(this.#waitsForReading, false);
  }

  #stopDraining(): void {
    if (this.#settled) return;
    const reason = new Error('the client left and the limit for reading on was reached');
    if (this.#controller === undefined) this.#failed(reason);
    else this.#controller.abort(reason);
  }

  #finish(observed: ObservedAnswer | null, error: Error | undefined): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#heldRequest.settled();
    this.#drain?.end();
    this.#heldAnswer.resize(0);
    endingOnDefect(() => this.#record(observed, error));
  }

  /** Records the event, then lets the client see the end. */
  #record(observed: ObservedAnswer | null, error: Error | undefined): void {
    if (this.#drain !== null) this.#context.metrics.draining(-1);
    const isWhole = observed?.complete === true && this.#receivedBytes >= this.#contentLength;
    const failure = isWhole ? undefined : error;
    const end = this.#endOf(observed, failure);
    const { journal, tracing } = this.#context;
    const { channel, accepted, count } = this.#request;
    const { key, trace } = accepted;
    if (this.#entry === null) {
      count?.abandon();
      this.#context.metrics.unrecorded('journal_full_passed');
      this.#endAnswer(failure);
      return;
    }
    const answer = observed?.identified === undefined ? observed : countedByName(observed);
    let submission: UsageEvent | undefined;
    const eventOf = (sequence: number): UsageEvent => {
      const identity = { source: journal.source, sequence, recordedAtMs: this.#context.now() };
      return usageEvent(this.#request.record, end, this.#attempt(answer, failure), identity);
    };
    const finished = (event: UsageEvent): void => {
      if (trace !== undefined) tracing?.finished(trace, event, [channel.baseUrl]);
    };
    let position: JournalPosition;
    // What counts by a name of the provider's is counted nowhere else.
    if (count === undefined || answer !== observed) {
      count?.abandon();
      position = journal.close(this.#entry, key.id, (sequence) => {
        const event = eventOf(sequence);
        if (answer !== observed) submission = event;
        finished(event);
        return encodeUsageEvent(event);
      });
    } else {
      const { now } = this.#context;
      const servedModel = observed?.servedModel ?? '';
      position = count.close({ journal, entry: this.#entry, key: key.id, servedModel, now, eventOf: () => eventOf(0), finished });
    }
    this.#context.metrics.finished(this.#request.record, end);
    const passOn = (): void => journal.onSynced(position, () => this.#endAnswer(failure));
    if (observed === null || submission === undefined) passOn();
    else postAnswered(this.#context, { channel, observed, submission }).then(passOn, (full: Error) => this.#endAnswer(full));
  }

  #endAnswer(error: Error | undefined): void {
    const response = this.#response;
    if (this.#drain !== null || response.destroyed) return;
    if (error !== undefined) {
      if (response.headersSent) response.destroy();
      else answerFailure(response, this.#request.accepted, error);
      return;
    }
    const rest = this.#filter?.end();
    const passed = rest === undefined || rest.length === 0 ? undefined : this.#end.hold(rest);
    const last = this.#end.take();
    if (!response.headersSent) this.#writeHead();
    if (passed !== undefined) response.write(passed);
    if (last === undefined) response.end();
    else response.end(last);
  }

  #endOf(observed: ObservedAnswer | null, error: Error | undefined): RequestEnd {
    const answerEnd = { clientGone: this.#drain !== null, status: this.#status, observed, error };
    return {
      outcome: outcomeOf(answerEnd),
      httpStatus: this.#response.headersSent ? this.#response.statusCode : statusUnsent(answerEnd),
      errorClass: errorClassOf(answerEnd),
      responseBytes: this.#sentBytes + this.#end.bytes,
      ...this.#timesToFirst(),
      durationMs: Math.round(performance.now() - this.#request.accepted.startedAt),
    };
  }

  #timesToFirst(): Pick<RequestEnd, 'timeToFirstByteMs' | 'timeToFirstTokenMs'> {
    const { startedAt } = this.#request.accepted;
    const since = (at: number | null): number | null => (at === null ? null : Math.round(at - startedAt));
    return { timeToFirstByteMs: since(this.#firstByteAt), timeToFirstTokenMs: since(this.#firstTokenAt) };
  }

  #attempt(observed: ObservedAnswer | null, error: Error | undefined): AttemptRecord {
    const { sent, attemptStartedAt, record } = this.#request;
    const isCutShort = this.#drain?.limitHit === true;
    const reason: UsageReason = isCutShort ? 'client_aborted' : 'upstream_error';
    const answer = observed !== null && observed.usage === null && isCutShort ? { ...observed, usageReason: reason } : observed;
    return {
      ...sent,
      requestedModel: record.requestedModel,
      durationMs: Math.round(performance.now() - attemptStartedAt),
      timeToFirstByteMs: this.#firstByteAt === null ? null : Math.round(this.#firstByteAt - attemptStartedAt),
      httpStatus: this.#status,
      errorClass: errorClassOf({ observed, error }),
      upstreamRequestId: this.#upstreamRequestId,
      answer,
      reasonWithoutAnswer: reason,
      estimate: this.#estimate(observed),
    };
  }

  /** Of an answer that was not read to its end, because its client had left. */
  #estimate(observed: ObservedAnswer | null): Estimate | null {
    if (this.#drain?.limitHit !== true || (observed !== null && !CUT_SHORT.has(observed.usageReason))) return null;
    return estimateUsage({ request: this.#request.record, answer: this.#reading?.soFar() ?? null });
  }
}
