/** A call that is made again at another channel when its answer does not begin in time. Whichever answers first serves; the other is given up, and stands in the event as it
 *  was: nobody reads what it costs, so that it is estimated.
 *
 *  | while both are out                    | then                                        |
 *  | ------------------------------------- | ------------------------------------------- |
 *  | an answer begins that can be passed on | it serves, the other is given up            |
 *  | one is answered 429 or 5xx, or fails  | it has failed, the other remains            |
 *  | the client leaves                     | the second is given up, the first remains   | */
import { AppError } from '@tokenledger/domain';
import type { Dispatcher } from 'undici';
import { type AttemptResult, attemptResult, isRetryable } from './core/attempt-plan.ts';
import type { CallHandler, HedgedHandler, UpstreamCall } from './upstream-call.ts';
import { ERRORS } from './errors.ts';

type Controller = Dispatcher.DispatchController;

export interface HedgedOptions {
  readonly afterMs: number;
  /** The second call; null where there is none to be made. */
  readonly second: () => UpstreamCall | null;
  /** The second call is not made after all. */
  readonly onUnsent: (call: UpstreamCall) => void;
  /** Of two calls that were made `lost` is over, `remaining` goes on. */
  readonly onLost: (lost: UpstreamCall, remaining: UpstreamCall, result: AttemptResult) => void;
}

interface Lane extends CallHandler {
  readonly call: UpstreamCall;
  controller: Controller | undefined;
  isOut: boolean;
}

export class HedgedCall implements UpstreamCall {
  readonly channel: UpstreamCall['channel'];
  readonly sent: UpstreamCall['sent'];
  readonly startedAt: number;
  readonly filter: UpstreamCall['filter'];
  readonly #options: HedgedOptions;
  readonly #first: UpstreamCall;
  #exchange: HedgedHandler | undefined;
  #lanes: readonly Lane[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(first: UpstreamCall, options: HedgedOptions) {
    this.channel = first.channel;
    this.sent = first.sent;
    this.startedAt = first.startedAt;
    this.filter = first.filter;
    this.#first = first;
    this.#options = options;
  }

  dispatch(exchange: HedgedHandler): void {
    this.#exchange = exchange;
    this.#timer = setTimeout(() => this.#hedge(exchange), this.#options.afterMs);
    this.#send(exchange, this.#first);
  }

  single(): void {
    clearTimeout(this.#timer);
    const [first, second] = this.#lanes;
    if (first?.isOut === true && second?.isOut === true) this.#lose(second, first, 'unsaid', null, givenUp());
  }

  #hedge(exchange: HedgedHandler): void {
    const call = this.#options.second();
    if (call === null) return;
    exchange.beside(call, (isRecorded) => {
      const [first] = this.#lanes;
      if (isRecorded && first?.isOut === true && this.#timer !== undefined) this.#send(exchange, call);
      else this.#options.onUnsent(call);
    });
  }

  #send(exchange: HedgedHandler, call: UpstreamCall): void {
    const lane = this.#lane(exchange, call);
    this.#lanes = [...this.#lanes, lane];
    call.dispatch(lane as Lane & HedgedHandler);
  }

  #lane(exchange: HedgedHandler, call: UpstreamCall): Lane {
    const lane: Lane = {
      call,
      controller: undefined,
      isOut: true,
      onRequestStart: (controller) => {
        lane.controller = controller;
        if (!lane.isOut) controller.abort(givenUp());
        else if (this.#other(lane) === undefined) exchange.onRequestStart?.(controller, undefined);
      },
      onResponseStart: (controller, status, headers, statusText) => {
        if (!lane.isOut || status < 200) return;
        clearTimeout(this.#timer);
        this.#timer = undefined;
        const other = this.#other(lane);
        if (other !== undefined && isRetryable(status)) {
          return this.#lose(lane, other, attemptResult(status, undefined), status, undefined);
        }
        if (other !== undefined) this.#lose(other, lane, 'unsaid', null, givenUp());
        exchange.onResponseStart?.(controller, status, headers, statusText);
      },
      onResponseData: (controller, chunk) => {
        if (lane.isOut) exchange.onResponseData?.(controller, chunk);
      },
      onResponseEnd: (controller, trailers) => {
        if (lane.isOut) exchange.onResponseEnd?.(controller, trailers);
      },
      onResponseError: (controller, error) => {
        if (!lane.isOut) return;
        const other = this.#other(lane);
        if (other !== undefined) return this.#lose(lane, other, 'failed', null, error);
        clearTimeout(this.#timer);
        this.#timer = undefined;
        exchange.onResponseError(controller, error);
      },
    };
    return lane;
  }

  /** That is out, too. */
  #other(lane: Lane): Lane | undefined {
    return this.#lanes.find((other) => other !== lane && other.isOut);
  }

  #lose(lost: Lane, remaining: Lane, result: AttemptResult, status: number | null, error: Error | undefined): void {
    lost.isOut = false;
    this.#options.onLost(lost.call, remaining.call, result);
    this.#exchange?.remains(remaining.call, remaining.controller, { call: lost.call, status, error });
    lost.controller?.abort(givenUp());
  }
}

function givenUp(): Error {
  return new AppError('HEDGED', ERRORS.HEDGED);
}
