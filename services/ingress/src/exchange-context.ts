/** What an exchange is given: what all of them share, and what is its own. */
import type { Journal } from '@tokenledger/journal';
import type { RequestTracing } from '@tokenledger/tracing';
import type { AcceptedRequest } from './accepted-request.ts';
import type { AnswerMemory } from './answer-memory.ts';
import type { IngressConfig } from './config.ts';
import type { Counting, ExchangeCount } from './counting.ts';
import type { RequestRecord } from './core/usage-event.ts';
import type { IngressMetrics } from './metrics.ts';
import type { ModelFlags } from './model-flags.ts';
import type { AnswerCapture } from './response-cache.ts';
import type { RecordedNames } from './recorded-names.ts';
import type { Results } from './result-posting.ts';
import type { RoutedAttempts } from './routed-attempts.ts';
import type { Turn } from './turn.ts';
import type { UpstreamCall } from './upstream-call.ts';

export interface ExchangeContext {
  readonly turn: Turn;
  readonly journal: Journal;
  readonly config: IngressConfig;
  readonly answerMemory: AnswerMemory;
  readonly metrics: IngressMetrics;
  /** What answers name that is counted by these names. */
  readonly results: Results;
  /** Undefined: there is no catalogue of models. */
  readonly modelFlags: ModelFlags | undefined;
  readonly names: RecordedNames;
  /** Undefined: nothing is counted locally. */
  readonly counting: Counting | undefined;
  /** Undefined: off. */
  readonly tracing: RequestTracing | undefined;
  readonly now: () => number;
}

export interface ExchangeRequest {
  readonly accepted: AcceptedRequest;
  readonly record: RequestRecord;
  /** The first attempt. */
  readonly call: UpstreamCall;
  /** Undefined where there is one attempt, whatever becomes of it. */
  readonly attempts: RoutedAttempts | undefined;
  /** Its local count; undefined when there is to be none. */
  readonly count: ExchangeCount | undefined;
  /** Keeps the answer for the response cache; undefined where none may come from there. */
  readonly capture: AnswerCapture | undefined;
}
