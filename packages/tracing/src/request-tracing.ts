/** What whoever serves requests asks of tracing. Nothing here may cost a request more than a few field writes. */
import type { UsageEvent } from '@tokenledger/domain';
import type { Trace } from './core/trace-context.ts';

export interface RequestTracing {
  /** The trace of a request. `traceparent`: the client's header; `requestId`: UUIDv7. */
  begin(traceparent: string | undefined, requestId: string): Trace;
  /** The request's event is closed: its spans are built and sent later, or dropped and counted. `baseUrls`: where each attempt went, in their order. */
  finished(trace: Trace, event: UsageEvent, baseUrls: readonly string[]): void;
}
