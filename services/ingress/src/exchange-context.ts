/** What an exchange is given: what all of them share, and what is its own. */
import type { ResolvedChannel } from '@tokenledger/control';
import type { Journal } from '@tokenledger/journal';
import type { StreamFilter } from '@tokenledger/providers';
import type { RequestTracing } from '@tokenledger/tracing';
import type { AcceptedRequest } from './accepted-request.ts';
import type { AnswerMemory } from './answer-memory.ts';
import type { IngressConfig } from './config.ts';
import type { Counting, ExchangeCount } from './counting.ts';
import type { SentAttempt } from './core/unresolved-event.ts';
import type { RequestRecord } from './core/usage-event.ts';
import type { IngressMetrics } from './metrics.ts';
import type { Results } from './result-posting.ts';
import type { Turn } from './turn.ts';

export interface ExchangeContext {
  readonly turn: Turn;
  readonly journal: Journal;
  readonly config: IngressConfig;
  readonly answerMemory: AnswerMemory;
  readonly metrics: IngressMetrics;
  /** What answers name that is counted by these names. */
  readonly results: Results;
  /** Undefined: nothing is counted locally. */
  readonly counting: Counting | undefined;
  /** Undefined: off. */
  readonly tracing: RequestTracing | undefined;
  readonly now: () => number;
}

export interface ExchangeRequest {
  readonly accepted: AcceptedRequest;
  readonly record: RequestRecord;
  readonly channel: ResolvedChannel;
  readonly sent: SentAttempt;
  /** Monotonic milliseconds at which the attempt began. */
  readonly attemptStartedAt: number;
  /** Takes the injected usage out again; undefined when nothing was injected. */
  readonly filter: StreamFilter | undefined;
  /** Its local count; undefined when there is to be none. */
  readonly count: ExchangeCount | undefined;
}
