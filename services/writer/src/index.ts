/** The writer: batches priced events and dead letters into ClickHouse, each exactly once. */
export { type WriterConfig, writerConfig } from './config.ts';
export { ERRORS } from './errors.ts';
export { createWriter, type WriterOptions } from './run.ts';
