/** The writer: batches priced events and dead letters into ClickHouse, each exactly once. */
export { type WriterConfig, writerConfig } from './config.ts';
export { type Classify, classifyDeadLetters, classifyPriced } from './core/classify.ts';
export { classifyControl } from './core/classify-control.ts';
export { classifySources } from './core/source-row.ts';
export { ERRORS } from './errors.ts';
export { type LaneName, type LandedOptions, readLanded } from './landed.ts';
export { createLandedAnnouncer, type LandedAnnouncer, type LandedAnnouncerOptions } from './landed-announcer.ts';
export { writerMetrics } from './metrics.ts';
export { placedStore } from './placed-store.ts';
export { type SealedDays, sealedDays, type SealedDaysOptions } from './sealed-days.ts';
export { type Sealed, sealDays } from './sealer.ts';
export { createWriter, type WriterOptions } from './run.ts';
export { sourceStore } from './source-store.ts';
export { ledgerStore, type StoreOptions } from './store.ts';
