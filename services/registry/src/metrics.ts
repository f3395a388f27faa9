/** What the registry counts. */
import type { DocumentSet } from '@tokenledger/control';
import { CONTROL_KINDS } from '@tokenledger/control';
import { createMetrics, type Registry } from '@tokenledger/runtime';

export interface RegistryMetrics {
  /** An answered request; `operation` is `''` for a path that does not exist. */
  answered(operation: string, status: number): void;
  /** A change whose fate is known, `durationMs` after it was sent. */
  changed(fate: 'applied' | 'void', auditRecords: number, durationMs: number): void;
  refused(code: string): void;
  claimed(): void;
  retried(): void;
  stray(): void;
  unreadable(): void;
  watched(sources: RegistryGauges): void;
}

/** Read at each scrape. */
export interface RegistryGauges {
  readonly documents: () => DocumentSet;
  readonly owner: () => boolean;
  readonly waiting: () => number;
  readonly behindMs: () => number;
}

const DURATION_BUCKETS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const MILLISECONDS = 1e-3;

export function registryMetrics(registry: Registry): RegistryMetrics {
  const metrics = createMetrics(registry, 'registry');
  const requests = metrics.counter('requests_total', 'Requests of the admin API, by operation and status.', ['operation', 'status']);
  const changes = metrics.counter('changes_total', 'Changes that were sent, by what became of them: applied or void.', ['fate']);
  const refusals = metrics.counter('changes_refused_total', 'Changes that were refused, by code.', ['code']);
  const audits = metrics.counter('audit_records_total', 'Audit records of changes that took effect.');
  const durations = metrics.histogram('change_duration_seconds', 'From sending a change to reading it back.', DURATION_BUCKETS_SECONDS);
  const claims = metrics.counter('claims_total', 'Times this registry claimed the control topic.');
  const retries = metrics.counter('retries_total', 'Failures of the event log after which a step was taken up again.');
  const strays = metrics.counter('stray_records_total', 'Records that a former owner wrote after it had been replaced; each is answered.');
  const unreadable = metrics.counter(
    'unreadable_records_total',
    'Records of the control topic that this version cannot read; the version before stays in force here.',
  );
  return {
    answered: (operation, status) => requests.with({ operation, status: String(status) }).inc(),
    changed(fate, auditRecords, durationMs) {
      changes.with({ fate }).inc();
      durations.observe(durationMs * MILLISECONDS);
      if (fate === 'applied') audits.inc(auditRecords);
    },
    refused: (code) => refusals.with({ code }).inc(),
    claimed: () => claims.inc(),
    retried: () => retries.inc(),
    stray: () => strays.inc(),
    unreadable: () => unreadable.inc(),
    watched({ documents, owner, waiting, behindMs }) {
      for (const kind of CONTROL_KINDS) {
        metrics.gaugeOf(`documents_${kind}`, `Documents of kind ${kind}.`, () => documents().of(kind).length);
      }
      metrics.gaugeOf('owner', '1 while this registry is the one that writes.', () => (owner() ? 1 : 0));
      metrics.gaugeOf('changes_waiting', 'Changes that wait for the one in hand.', waiting);
      metrics.gaugeOf('control_behind_seconds', 'How old what is known of the control topic may be.', () => behindMs() * MILLISECONDS);
    },
  };
}
