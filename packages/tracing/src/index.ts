/** One trace per request, one span per attempt, built from the finished event and exported beside the request's path. */
export { tracingConfig, type TracingConfig } from './config.ts';
export { ATTEMPT_ATTRIBUTES, REQUEST_ATTRIBUTES } from './core/attributes.ts';
export { setTraceparent, spanIdOf, type Trace, traceIdOf, traceOf } from './core/trace-context.ts';
export type { RequestTracing } from './request-tracing.ts';
export { createTracing, type Tracing, type TracingOptions } from './tracing.ts';
