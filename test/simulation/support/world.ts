/** What all processes of a run share, and what is noted of it. */
import type { Pacing, SimulatedLog, Topics } from '@tokenledger/event-log';
import type { JournalAlarm } from '@tokenledger/journal';
import type { Chance } from './chance.ts';
import type { ClientView } from './client-view.ts';
import type { FaultCounts } from './fault-counts.ts';
import type { Provider } from './provider.ts';
import type { DecidedBatches } from './token-trusting-store.ts';
import type { SimulatedNode } from './simulated-clickhouse.ts';

/** How the product is built: as it is, or with one of its rules left out. */
export interface Variant {
  readonly store: 'ledger' | 'token_trusted';
  readonly durability: 'disk' | 'process';
  /** `fixed`: an ingress keeps its name as its source, so that numbers are given again once its journal was restored. */
  readonly sources: 'fresh' | 'fixed';
}

export const AS_BUILT: Variant = { store: 'ledger', durability: 'disk', sources: 'fresh' };

export interface World {
  readonly clock: Pacing;
  readonly chance: Chance;
  readonly log: SimulatedLog;
  readonly topics: Topics;
  readonly partitions: number;
  readonly keys: number;
  readonly nodes: readonly SimulatedNode[];
  readonly provider: Provider;
  readonly counts: FaultCounts;
  readonly variant: Variant;
  readonly views: ClientView[];
  /** Of writers that trust tokens. */
  readonly decidedBatches: DecidedBatches;
  /** How many of them are in a journal on disk. */
  safe: number;
  /** Sends bytes that nobody can read to the topic of usage events; they may or may not arrive. */
  poison(partition: number, value: Uint8Array): Promise<void>;
  /** A broken invariant: whatever else comes of the run, it has failed. */
  onDefect(error: unknown): void;
  /** A journal found what should not be. */
  onAlarm(kind: JournalAlarm['kind']): void;
}
