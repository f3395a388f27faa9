/** One trace per request, one span per attempt, built from the finished event and exported beside the request's path. */
export { setTraceparent, spanIdOf, type Trace, traceIdOf, traceOf } from './core/trace-context.ts';
export type { RequestTracing } from './request-tracing.ts';
