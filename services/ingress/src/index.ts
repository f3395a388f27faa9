/** The ingress: the thin proxy that records one billable event per request. */
export { ingressConfig, type IngressConfig } from './config.ts';
export { ATTRIBUTION_HEADERS } from './core/attribution.ts';
export { openedRequest } from './core/unresolved-event.ts';
export { type AttemptRecord, type RequestEnd, type RequestRecord, usageEvent } from './core/usage-event.ts';
export { type Delivery, type DeliveryOptions, openDelivery } from './delivery.ts';
export { ERRORS } from './errors.ts';
export { journalDirectory, lostRecord } from './journal.ts';
export { drainJournal, type JournalDrained, type JournalDrainOptions } from './journal-drain.ts';
export { importJournal, type JournalImported, type JournalImportOptions } from './journal-import.ts';
export { ingressMetrics, type IngressMetrics } from './metrics.ts';
export { createIngress, type Ingress, type IngressOptions } from './run.ts';
