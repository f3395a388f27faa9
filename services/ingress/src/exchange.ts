/** One request on its way: forwarded, its answer streamed back untouched and watched, its event recorded before the client can know the end.
 *
 *  1. opened in the journal          before the first byte leaves for the provider
 *  2. opening synced                 before the first byte of the answer reaches the client; with 5. where all of the answer is held
 *  3. answer passed on chunk by chunk, read beside; whatever shows its end is held
 *  4. closed in the journal          with the event's final bytes
 *  5. closing synced                 before what was held and the end of message go out
 *
 *  A client that leaves does not end the upstream read: it is drained, within limits, so that the provider's usage is seen.
 *  Where a route allows it, an attempt that fails before the client has a byte is followed by another: 1 to 3 again, with what has failed in the journal first. */
import type { ServerResponse } from 'node:http';
import { AppError } from '@tokenledger/domain';
import type { JournalEntry } from '@tokenledger/journal';
import { brokenOff, type ObservedAnswer } from '@tokenledger/providers';
import { encodeUsageEvent } from '@tokenledger/schemas';
import type { Dispatcher } from 'undici';
import { HeldAnswer } from './answer-memory.ts';
import { type AnswerReading, answerReading, contentCoding } from './answer-reading.ts';
import { ClientAnswer, ownHeaders } from './client-answer.ts';
import { closeEntry } from './closing.ts';
import { endingOnDefect } from './defect.ts';
import { Drain, drainLimits } from './drain.ts';
import type { ExchangeContext, ExchangeRequest } from './exchange-context.ts';
import { attemptResult, isRetryable, type PlannedAttempt } from './core/attempt-plan.ts';
import { attemptRecord, lostAttempt } from './core/attempt-record.ts';
import { requestIdIn, singleHeader } from './core/headers.ts';
import { type AnswerTimes, requestEnd, timesToFirst } from './core/request-end.ts';
import { type Progress, type SentAttempt, unresolvedAttempt, unresolvedEvent } from './core/unresolved-event.ts';
import { type AttemptRecord, type EventIdentity, usageEvent } from './core/usage-event.ts';
import { HELD_BYTES_MAX } from './held-end.ts';
import { HeldRequest } from './held-request.ts';
import { ERRORS } from './errors.ts';
import { ProgressPace } from './progress-pace.ts';
import { countedByName } from './core/import-event.ts';
import { postAnswered } from './result-posting.ts';
import { ASIDE_BYTES_MAX, type FailedAttempt, type RoutedAttempts } from './routed-attempts.ts';
import type { HedgedHandler, LostCall, UpstreamCall } from './upstream-call.ts';

export class Exchange implements HedgedHandler {
  readonly #context: ExchangeContext;
  readonly #request: ExchangeRequest;
  readonly #attempts: RoutedAttempts | undefined;
  /** The attempt that is under way, or was the last. */
  #call: UpstreamCall;
  /** What follows the answer that is being read: it is put aside, and its client gets nothing of it. */
  #next: PlannedAttempt | null = null;
  /** An attempt that failed, until the next one begins. */
  #between: FailedAttempt | undefined;
  /** Where the journal has all of the attempts so far. */
  #recordedThrough: number;
  /** Null for a request that the full journal let pass. */
  readonly #entry: JournalEntry | null;
  readonly #heldRequest = new HeldRequest();
  readonly #heldAnswer: HeldAnswer;
  readonly #answer: ClientAnswer;
  #controller: Dispatcher.DispatchController | undefined;
  #reading: AnswerReading | undefined;
  #decodesInline = false;
  #status: number | null = null;
  #contentLength = -1;
  #receivedBytes = 0;
  #waitsForOpening = false;
  #waitsForReading = false;
  #waitsForClient = false;
  /** Null while the client is there. */
  #drain: Drain | null = null;
  #settled = false;
  #firstByteAt: number | null = null;
  #firstTokenAt: number | null = null;
  #upstreamRequestId = '';
  readonly #progress: ProgressPace;

  constructor(context: ExchangeContext, request: ExchangeRequest, entry: JournalEntry | null, response: ServerResponse) {
    this.#context = context;
    this.#request = request;
    this.#attempts = request.attempts;
    this.#call = request.call;
    this.#entry = entry;
    this.#recordedThrough = entry?.position ?? 0;
    this.#answer = new ClientAnswer(response, (isBehind) => this.#flow(this.#waitsForReading, isBehind), request.capture);
    this.#heldAnswer = new HeldAnswer(context.answerMemory);
    this.#progress = new ProgressPace(context.config);
  }

  /** Once its record is written. Nobody waits for a request that was given up meanwhile. */
  begin(): void {
    if (this.#settled) this.#heldRequest.sent();
    else this.#call.dispatch(this);
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
    this.#firstByteAt = performance.now();
    this.#upstreamRequestId = requestIdIn(headers);
    const contentType = singleHeader(headers['content-type']);
    const coding = contentCoding(headers['content-encoding']);
    const isStream = contentType.startsWith('text/event-stream');
    const filter = isStream && coding !== 'unknown' ? this.#call.filter : undefined;
    this.#decodesInline = filter !== undefined && coding !== 'identity';
    this.#contentLength = filter === undefined ? Number(singleHeader(headers['content-length']) || -1) : -1;
    const { channel, sent } = this.#call;
    const { accepted, count } = this.#request;
    if (status < 300) count?.begins(contentType);
    const reader = accepted.target.surface.usageReader({
      contentType,
      httpStatus: status,
      answerBytesMax: this.#context.config.answer_read_bytes_max,
      headers,
      provider: channel.provider,
      requestedModel: sent.requestedModel,
    });
    this.#reading = answerReading({
      reader,
      coding,
      decodedBytesMax: this.#context.config.answer_read_bytes_max,
      kept: count,
      onDrain: () => this.#flow(false, this.#waitsForClient),
      ...(this.#decodesInline ? { onDecoded: (chunk: Buffer) => this.#passOn(chunk) } : {}),
    });
    this.#answer.expect({ status, statusText, headers, isDecoded: this.#decodesInline }, filter, ownHeaders(accepted, sent));
    if (this.#attempts !== undefined && isRetryable(status) && this.#drain === null) {
      this.#next = this.#attempts.afterStatus(status, singleHeader(headers['retry-after']));
      if (this.#next !== null) return this.#attempts.readAside(controller, this.#next);
    }
    if (this.#entry === null) return this.#answer.begin();
    this.#progress.begin(this.#firstByteAt);
    // A short one is held until it is closed, which is safe no sooner than this: one sync serves for both.
    if (this.#contentLength < 0 || this.#contentLength > HELD_BYTES_MAX) this.#awaitOpening();
  }

  /** The answer begins once the record of its attempt is safe; where another has begun meanwhile, it has one of its own. */
  #awaitOpening(): void {
    if (this.#waitsForOpening) return;
    this.#waitsForOpening = true;
    const { sent } = this.#call;
    this.#context.journal.onSynced(this.#recordedThrough, () => {
      if (sent === this.#call.sent) this.#answer.begin();
    });
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
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
    if (this.#next !== null && this.#receivedBytes > ASIDE_BYTES_MAX) controller.abort(new Error('a failing answer was too long'));
    if (this.#progress.isDue(this.#receivedBytes)) this.#recordProgress(reading);
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

  /** A long answer: what is known of it is written down, so that a recovery has more to estimate from than the request. */
  #recordProgress(reading: AnswerReading): void {
    this.#progress.next(this.#receivedBytes);
    if (this.#entry === null || this.#settled) return;
    const { sent, startedAt } = this.#call;
    const progress: Progress = {
      httpStatus: this.#status,
      responseBytes: this.#answer.sentBytes,
      ...timesToFirst(this.#times()),
      attemptTimeToFirstByteMs: this.#firstByteAt === null ? null : Math.round(this.#firstByteAt - startedAt),
      upstreamRequestId: this.#upstreamRequestId,
      answer: reading.soFar(),
    };
    reading.measureContent();
    const event = unresolvedEvent(this.#request.record, sent, progress, this.#identity(0), this.#attempts?.earlier);
    this.#context.journal.progress(this.#entry, encodeUsageEvent(event));
  }

  #passOn(chunk: Buffer): void {
    if (this.#drain !== null) this.#drain.read(chunk.length);
    else if (this.#next === null)
      this.#answer.forward(chunk, this.#reading?.sawEnd === true || this.#receivedBytes === this.#contentLength);
  }

  /** The upstream flows while neither the reading nor the client is behind. */
  #flow(waitsForReading: boolean, waitsForClient: boolean): void {
    this.#waitsForReading = waitsForReading;
    this.#waitsForClient = waitsForClient;
    if (waitsForClient && !this.#answer.mayBegin) this.#awaitOpening();
    if (this.#decodesInline) this.#reading?.pauseDecoding(waitsForClient);
    if (waitsForReading || waitsForClient) this.#controller?.pause();
    else if (this.#controller?.paused === true) this.#controller.resume();
  }

  /** The connection to the client is closed: it has the whole answer, or it left. `released` is called once nothing of the request is held any more:
   *  its body may wait for a connection to the provider long after its client has gone. */
  clientClosed(released: () => void): void {
    this.#heldRequest.whenReleased(released);
    if (this.#settled || this.#answer.isWhole) return;
    this.#answer.leave();
    this.#context.metrics.draining(1);
    this.#reading?.measureContent();
    this.#drain = new Drain(drainLimits(this.#call.channel, this.#context.config), () => this.#stopDraining());
    this.#flow(this.#waitsForReading, false);
    this.#call.single?.();
    if (this.#between !== undefined) this.#settle(this.#between.observed, this.#between.failure);
  }

  #stopDraining(): void {
    if (this.#settled) return;
    const reason = new Error('the client left and the limit for reading on was reached');
    if (this.#controller === undefined) this.#failed(reason);
    else this.#controller.abort(reason);
  }

  #finish(observed: ObservedAnswer | null, error: Error | undefined): void {
    if (this.#settled || this.#between !== undefined) return;
    const failure = observed?.complete === true && this.#receivedBytes >= this.#contentLength ? undefined : error;
    if (this.#attempts !== undefined && this.#goesOn(this.#attempts, observed, failure)) return;
    this.#settle(observed, failure);
  }

  /** Whether another attempt follows: never once its client has a byte, or has left. */
  #goesOn(attempts: RoutedAttempts, observed: ObservedAnswer | null, failure: Error | undefined): boolean {
    attempts.ended(this.#drain?.limitHit === true ? 'unsaid' : attemptResult(this.#status, failure));
    if (this.#drain !== null || this.#answer.hasBegun) return false;
    const next = this.#next ?? (failure === undefined ? null : attempts.after({ kind: 'unanswered' }));
    if (next === null) return false;
    const again = (): void => endingOnDefect(() => this.#again(attempts, next));
    this.#between = { record: this.#attempt(observed, failure), observed, failure, timer: setTimeout(again, next.delayMs) };
    return true;
  }

  /** Begins another attempt, once what is known so far is written. */
  #again(attempts: RoutedAttempts, next: PlannedAttempt): void {
    const failed = this.#between?.record;
    if (this.#settled || failed === undefined) return;
    if (attempts.leftMs() <= 0) return this.#settle(null, new AppError('DEADLINE_PASSED', ERRORS.DEADLINE_PASSED));
    const call = attempts.call(next);
    const earlier = [...attempts.earlier, failed];
    if (!this.#writeAhead(call.sent, earlier)) {
      attempts.ended('unsaid');
      return this.#settle(null, new AppError('JOURNAL_FULL', ERRORS.JOURNAL_FULL));
    }
    this.#between = undefined;
    attempts.earlier = earlier;
    this.#context.metrics.attemptFollowed(call.channel.id, next.reason);
    this.#call = call;
    this.#forgetAnswer();
    this.#heldRequest.sending();
    this.#onceWritten(() => this.begin());
  }

  /** What is known once another attempt is made. False where the journal does not take it. */
  #writeAhead(sent: SentAttempt, earlier: readonly AttemptRecord[]): boolean {
    if (this.#entry === null) return true;
    const event = unresolvedEvent(this.#request.record, sent, null, this.#identity(0), earlier);
    const position = this.#context.journal.progress(this.#entry, encodeUsageEvent(event));
    this.#recordedThrough = position ?? this.#recordedThrough;
    return position !== null;
  }

  #onceWritten(go: () => void): void {
    if (this.#entry === null) go();
    else this.#context.journal.onWritten(this.#recordedThrough, go);
  }

  beside(call: UpstreamCall, go: (isRecorded: boolean) => void): void {
    const out = unresolvedAttempt(this.#request.record, this.#call.sent, null);
    if (!this.#writeAhead(call.sent, [...(this.#attempts?.earlier ?? []), out])) return go(false);
    this.#context.metrics.attemptFollowed(call.channel.id, 'hedge');
    this.#onceWritten(() => go(this.#drain === null && !this.#settled));
  }

  remains(call: UpstreamCall, controller: Dispatcher.DispatchController | undefined, lost: LostCall): void {
    this.#attempts?.failed(lostAttempt(this.#context.modelFlags, this.#request.record, lost, performance.now()));
    this.#call = call;
    this.#controller = controller;
  }

  #forgetAnswer(): void {
    this.#heldAnswer.resize(0);
    this.#answer.drop();
    this.#controller = undefined;
    this.#reading = undefined;
    this.#next = null;
    this.#status = null;
    this.#contentLength = -1;
    this.#receivedBytes = 0;
    this.#waitsForOpening = false;
    this.#waitsForReading = false;
    this.#waitsForClient = false;
    this.#firstByteAt = null;
    this.#firstTokenAt = null;
    this.#upstreamRequestId = '';
    this.#progress.stop();
  }

  /** There is no further attempt. */
  #settle(observed: ObservedAnswer | null, failure: Error | undefined): void {
    this.#settled = true;
    clearTimeout(this.#between?.timer);
    this.#heldRequest.settled();
    this.#drain?.end();
    this.#heldAnswer.resize(0);
    if (failure === undefined && observed !== null) this.#answer.ends(observed, this.#call.sent);
    endingOnDefect(() => this.#record(observed, failure));
  }

  /** Records the event, then lets the client see the end. */
  #record(observed: ObservedAnswer | null, failure: Error | undefined): void {
    if (this.#drain !== null) this.#context.metrics.draining(-1);
    const seen = { ...this.#times(), endedAt: performance.now(), status: this.#answer.status, bytes: this.#answer.bytes };
    const end = requestEnd({ clientGone: this.#drain !== null, status: this.#status, observed, error: failure }, seen);
    const { journal, tracing } = this.#context;
    const { channel } = this.#call;
    const { accepted, record, count } = this.#request;
    const { key, trace } = accepted;
    if (this.#entry === null) {
      count?.abandon();
      this.#context.metrics.unrecorded('journal_full_passed');
      this.#endAnswer(failure);
      return;
    }
    const answer = observed?.identified === undefined ? observed : countedByName(observed);
    const { position, submission } = closeEntry({
      journal,
      entry: this.#entry,
      key: key.id,
      servedModel: observed?.servedModel ?? '',
      // What counts by a name of the provider's is counted nowhere else.
      isSubmission: answer !== observed,
      count,
      now: this.#context.now,
      eventOf: (sequence) => {
        const attempt = this.#between?.record ?? this.#attempt(answer, failure);
        return usageEvent(record, end, attempt, this.#identity(sequence), this.#attempts?.earlier);
      },
      finished: (event) => {
        if (trace !== undefined) tracing?.finished(trace, event, this.#attempts?.baseUrls ?? [channel.baseUrl]);
      },
    });
    this.#context.metrics.finished(this.#request.record, end);
    const passOn = (failed = failure): void => journal.onSynced(position, () => this.#endAnswer(failed));
    if (observed === null || submission === undefined) passOn();
    else postAnswered(this.#context, { channel, observed, submission }).then(() => passOn(), passOn);
  }

  #endAnswer(error: Error | undefined): void {
    if (this.#drain === null) this.#answer.end(this.#request.accepted, error);
  }

  #identity(sequence: number): EventIdentity {
    return { source: this.#context.journal.source, sequence, recordedAtMs: this.#context.now() };
  }

  #times(): AnswerTimes {
    return { startedAt: this.#request.accepted.startedAt, firstByteAt: this.#firstByteAt, firstTokenAt: this.#firstTokenAt };
  }

  #attempt(observed: ObservedAnswer | null, error: Error | undefined): AttemptRecord {
    return attemptRecord(this.#context.modelFlags, {
      request: this.#request.record,
      sent: this.#call.sent,
      startedAt: this.#call.startedAt,
      endedAt: performance.now(),
      firstByteAt: this.#firstByteAt,
      httpStatus: this.#status,
      upstreamRequestId: this.#upstreamRequestId,
      observed: this.#context.names.answer(this.#request.record.attribution.tenantId, observed, this.#request.record.occurredAtMs),
      error,
      isCutShort: this.#drain?.limitHit === true,
      reading: this.#reading,
    });
  }
}
