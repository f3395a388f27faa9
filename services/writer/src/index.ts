/** The writer: batches priced events and dead letters into ClickHouse, each exactly once. */
export { type WriterConfig, writerConfig } from './config.ts';
export { type Classify, classifyDeadLetters, classifyPriced } from './core/classify.ts';
export { classifyControl } from './core/classify-control.ts';
export { ERRORS } from './errors.ts';
export { writerMetrics } from './metrics.ts';
export { placedStore } from './placed-store.ts';
export { type SealedDays, sealedDays, type SealedDaysOptions } from './sealed-days.ts';
export { type Sealed, sealDays } from './sealer.ts';
export { createWriter, type WriterOptions } from './run.ts';
export { ledgerStore, type StoreOptions } from './store.ts';
