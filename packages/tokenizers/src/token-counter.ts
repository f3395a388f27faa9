/** Counts the tokens of exchanges beside their way: the input while the provider works, the output at the end. For the ingress.
 *
 *  ```ts
 *  const counter = openTokenCounter();
 *  const count = counter.begin({ surface: 'openai.chat', provider: 'openai', requestedModel: 'gpt-4o', body });
 *  // … the answer streams through …
 *  count.end({ servedModel: 'gpt-4o-2024-08-06', contentType: 'text/event-stream', chunks }, (counted) => { … });
 *  ```
 *
 *  Nothing of it throws or rejects, and none of it takes longer than the deadline: what is not counted then has a reason. */
import type { Counted } from '@tokenledger/domain';
import { type Calibration, type NoCountReason, notCounted, type PartCount } from './count.ts';
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
  end(answer: CountableAnswer | null, done: (counted: Counted) => void): void;
}

export interface TokenCounter {
  begin(request: CountableRequest): RunningCount;
  readonly stats: CountingStats;
  /** Ends the threads. Counts that run have the reason `closed`. */
  close(): Promise<void>;
}

/** Threads start with the first count. */
export function openTokenCounter(limits: Partial<CountingLimits> = {}): TokenCounter {
  const pool = new CountingPool({ ...COUNTING_LIMITS, ...limits });
  return {
    begin: (request) => new ExchangeCount(pool, request),
    get stats() {
      return pool.stats;
    },
    close: () => pool.close(),
  };
}

class ExchangeCount implements RunningCount {
  readonly #pool: CountingPool;
  readonly #request: CountableRequest;
  readonly #family: ModelFamily | undefined;
  #input: PartCount | undefined;
  #output: PartCount | undefined;
  /** Whether the input is being counted, or was; only the last begin of that counts. */
  #inputBegins = 0;
  #done: ((counted: Counted) => void) | undefined;

  constructor(pool: CountingPool, request: CountableRequest) {
    this.#pool = pool;
    this.#request = request;
    this.#family = familyOf(request.requestedModel);
    if (this.#family !== undefined) this.#countInput(request.requestedModel);
  }

  end(answer: CountableAnswer | null, done: (counted: Counted) => void): void {
    const servedModel = answer?.servedModel ?? '';
    // A deployment's name says nothing, and a router may have chosen another model: the answer knows.
    const model = isModelKnown(servedModel) ? servedModel : this.#request.requestedModel;
    if (this.#inputBegins === 0 || familyOf(model) !== this.#family) this.#countInput(model);
    this.#countOutput(answer, model, (output) => {
      this.#output = output;
      this.#settle();
    });
    this.#done = done;
    this.#settle();
  }

  #settle(): void {
    const done = this.#done;
    if (done === undefined || this.#input === undefined || this.#output === undefined) return;
    this.#done = undefined;
    done(countedOf(this.#input, this.#output));
  }

  #countInput(model: string): void {
    const { surface, provider, body, calibration } = this.#request;
    const begin = (this.#inputBegins += 1);
    this.#input = undefined;
    const reason = reasonAgainst(surface, model);
    if (reason !== undefined) {
      this.#input = notCounted(reason);
      return;
    }
    this.#pool.count({ kind: 'input', surface, provider, model, contentType: '', calibration }, [body], (input) => {
      if (begin !== this.#inputBegins) return;
      this.#input = input;
      this.#settle();
    });
  }

  #countOutput(answer: CountableAnswer | null, model: string, settle: (output: PartCount) => void): void {
    const { surface, provider, calibration } = this.#request;
    const reason = reasonAgainst(surface, model) ?? (answer === null ? 'no_answer' : undefined);
    if (reason !== undefined || answer === null) return settle(notCounted(reason ?? 'no_answer'));
    const { chunks, contentType } = answer;
    const tokenizer = familyOf(model)?.tokenizer;
    if (!hasTextOutput(surface) && tokenizer !== undefined) return settle({ kind: 'counted', tokens: 0, tokenizer, method: 'exact' });
    if (typeof chunks === 'string') return settle(notCounted(chunks));
    this.#pool.count({ kind: 'output', surface, provider, model, contentType, calibration }, chunks, settle);
  }
}

/** Why nothing of such an exchange is counted; undefined when it is. */
function reasonAgainst(surface: string, model: string): NoCountReason | undefined {
  if (!isCountableSurface(surface)) return 'not_countable_surface';
  return familyOf(model) === undefined ? reasonWithoutFamily(model) : undefined;
}

/** Both sides as an event has them. */
export function countedOf(input: PartCount, output: PartCount): Counted {
  const counted = input.kind === 'counted' ? input : output.kind === 'counted' ? output : undefined;
  return {
    inputTokens: input.kind === 'counted' ? input.tokens : null,
    outputTokens: output.kind === 'counted' ? output.tokens : null,
    tokenizer: counted?.tokenizer ?? '',
    method: lessCertain(input.kind === 'counted' ? input.method : '', output.kind === 'counted' ? output.method : ''),
    reason: input.kind === 'not_counted' ? input.reason : output.kind === 'not_counted' ? output.reason : '',
  };
}

function lessCertain(one: Counted['method'], other: Counted['method']): Counted['method'] {
  if (one === '' || other === '') return one === '' ? other : one;
  if (one === 'approximate' || other === 'approximate') return 'approximate';
  return one === 'calibrated' ? one : other;
}
