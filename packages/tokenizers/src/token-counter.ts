/** Counts the tokens of exchanges beside their way: the input while the provider works, the output at the end. For the ingress.
 *
 *  ```ts
 *  const counter = openTokenCounter();
 *  const count = counter.begin({ surface: 'openai.chat', provider: 'openai', requestedModel: 'gpt-4o', body });
 *  // … the answer streams through …
 *  const counted = await count.end({ servedModel: 'gpt-4o-2024-08-06', contentType: 'text/event-stream', chunks });
 *  ```
 *
 *  Nothing of it throws or rejects, and none of it takes longer than the deadline: what is not counted then has a reason. */
import type { Counted } from '@tokenledger/domain';
import { type Calibration, notCounted, type PartCount } from './count.ts';
import { hasTextOutput } from './answers/read-answer.ts';
import { COUNTING_LIMITS, type CountingLimits, CountingPool, type CountingStats } from './counting-pool.ts';
import { familyOf, isModelKnown, type ModelFamily, reasonWithoutFamily } from './family.ts';
import { isCountableSurface } from './prompts/read-prompt.ts';

/** A request that was sent. */
export interface CountableRequest {
  /** `openai.chat`, say. */
  readonly surface: string;
  /** Of the channel that serves it. */
  readonly provider: string;
  readonly requestedModel: string;
  /** As it was sent, in JSON; kept until the count ends, and must not change before. */
  readonly body: Uint8Array;
  /** What was learned of this model on this channel; absent: nothing yet. */
  readonly calibration?: Calibration | undefined;
}

/** An answer that was seen to its end. */
export interface CountableAnswer {
  /** As the answer names it; `''` when it does not: then the requested one is taken for it. */
  readonly servedModel: string;
  readonly contentType: string;
  /** The whole body, decoded; or why it was not kept. */
  readonly chunks: readonly Uint8Array[] | 'too_large' | 'overload';
}

/** The count of one exchange, while it lasts. */
export interface RunningCount {
  /** Ends it with what was answered; null: there was no answer. At once where nothing has to be waited for; counts that are not there within the deadline are
   *  missing.
   *
   *  `inputTokens` stands against all classes of input together; `outputTokens` is of what the model shows, and stands against `visible_output`.
   *  `reason` says why one is missing; where both are missing, why the input is. `method` is that of the less certain one. */
  end(answer: CountableAnswer | null): Counted | Promise<Counted>;
}

export interface TokenCounter {
  begin(request: CountableRequest): RunningCount;
  readonly stats: CountingStats;
  /** Ends the threads. Counts that run have the reason `closed`. */
  close(): Promise<void>;
}

/** Threads start with the first count. */
export function openTokenCounter(limits: Partial<CountingLimits> = {}): TokenCounter {
  const allLimits = { ...COUNTING_LIMITS, ...limits };
  const pool = new CountingPool(allLimits);
  return {
    begin: (request) => new ExchangeCount(pool, request, allLimits),
    get stats() {
      return pool.stats;
    },
    close: () => pool.close(),
  };
}

class ExchangeCount implements RunningCount {
  readonly #pool: CountingPool;
  readonly #request: CountableRequest;
  readonly #limits: CountingLimits;
  readonly #family: ModelFamily | undefined;
  /** Undefined where only the answer says which model it is. */
  #input: PartCount | Promise<PartCount> | undefined;

  constructor(pool: CountingPool, request: CountableRequest, limits: CountingLimits) {
    this.#pool = pool;
    this.#request = request;
    this.#limits = limits;
    this.#family = familyOf(request.requestedModel);
    if (this.#family === undefined) return;
    const input = (this.#input = this.#countInput(request.requestedModel));
    if (input instanceof Promise) void input.then((count) => (this.#input = count));
  }

  end(answer: CountableAnswer | null): Counted | Promise<Counted> {
    const servedModel = answer?.servedModel ?? '';
    // A deployment's name says nothing, and a router may have chosen another model: the answer knows.
    const model = isModelKnown(servedModel) ? servedModel : this.#request.requestedModel;
    const input = this.#input !== undefined && familyOf(model) === this.#family ? this.#input : this.#countInput(model);
    const output = this.#countOutput(answer, model);
    return input instanceof Promise || output instanceof Promise ? this.#inTime(input, output) : countedOf(input, output);
  }

  async #inTime(input: PartCount | Promise<PartCount>, output: PartCount | Promise<PartCount>): Promise<Counted> {
    const late = lateAfter(this.#limits.deadlineMs);
    try {
      return countedOf(...(await Promise.all([Promise.race([input, late.promise]), Promise.race([output, late.promise])])));
    } finally {
      late.cancel();
    }
  }

  #countInput(model: string): PartCount | Promise<PartCount> {
    const { surface, provider, body, calibration } = this.#request;
    if (!isCountableSurface(surface)) return notCounted('not_countable_surface');
    if (familyOf(model) === undefined) return notCounted(reasonWithoutFamily(model));
    return this.#pool.count({ kind: 'input', surface, provider, model, body, calibration });
  }

  #countOutput(answer: CountableAnswer | null, model: string): PartCount | Promise<PartCount> {
    const { surface, provider, calibration } = this.#request;
    if (!isCountableSurface(surface)) return notCounted('not_countable_surface');
    if (answer === null) return notCounted('no_answer');
    const family = familyOf(model);
    if (family === undefined) return notCounted(reasonWithoutFamily(model));
    if (!hasTextOutput(surface)) return { kind: 'counted', tokens: 0, tokenizer: family.tokenizer, method: 'exact' };
    const { chunks, contentType } = answer;
    if (typeof chunks === 'string') return notCounted(chunks);
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
    if (bytes > this.#limits.bodyBytes) return notCounted('too_large');
    const body = chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks, bytes);
    return this.#pool.count({ kind: 'output', surface, provider, model, body, contentType, calibration });
  }
}

/** Resolves once the deadline has passed. */
function lateAfter(ms: number): { readonly promise: Promise<PartCount>; readonly cancel: () => void } {
  const { promise, resolve } = Promise.withResolvers<PartCount>();
  const timer = setTimeout(() => resolve(notCounted('overload')), ms);
  return { promise, cancel: () => clearTimeout(timer) };
}

const CERTAINTY = ['approximate', 'calibrated', 'exact'] as const;

/** Both sides as an event has them. */
export function countedOf(input: PartCount, output: PartCount): Counted {
  const known = [input, output].filter((part) => part.kind === 'counted');
  const missing = [input, output].find((part) => part.kind === 'not_counted');
  return {
    inputTokens: input.kind === 'counted' ? input.tokens : null,
    outputTokens: output.kind === 'counted' ? output.tokens : null,
    tokenizer: known[0]?.tokenizer ?? '',
    method: CERTAINTY.find((method) => known.some((part) => part.method === method)) ?? '',
    reason: missing?.kind === 'not_counted' ? missing.reason : '',
  };
}
