/** The ingress: the thin proxy that records one billable event per request. */
export { ingressConfig, type IngressConfig } from './config.ts';
export { ATTRIBUTION_HEADERS } from './core/attribution.ts';
export { ERRORS } from './errors.ts';
export { createIngress, type Ingress, type IngressOptions } from './run.ts';
