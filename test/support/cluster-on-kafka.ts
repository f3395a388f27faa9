/** How a test file asks for a cluster on the run's Kafka, or skips itself. */
import { ownPrefix, type SharedKafka } from './kafka/index.ts';
import { runCluster, type RunningCluster, type RunningClusterOptions } from './running-cluster.ts';
import type { RunningLedgerOptions } from './running-ledger.ts';

/** A cluster with topics and groups of its own. */
export function clusterOn(
  kafka: SharedKafka,
  purpose: string,
  more: Partial<RunningClusterOptions> = {},
): (options: RunningLedgerOptions) => Promise<RunningCluster> {
  return (options) => {
    if (kafka.skipped !== undefined) throw new Error(kafka.skipped);
    return runCluster({ brokers: kafka.brokers, prefix: ownPrefix(purpose), ...more, ...options });
  };
}
