/** Which partitions a role has trouble with, as one sentence for its state. */

export interface PartitionHealth {
  fine(topic: string, partition: number): void;
  /** `what`: how the partition is now, e.g. `waits`. */
  trouble(topic: string, partition: number, what: string, error: unknown): void;
  /** `''` when every partition is fine. */
  sentence(): string;
}

export function partitionHealth(): PartitionHealth {
  const troubles = new Map<string, string>();
  const key = (topic: string, partition: number): string => `${topic}/${partition}`;
  return {
    fine: (topic, partition) => troubles.delete(key(topic, partition)),
    trouble(topic, partition, what, error) {
      const reason = error instanceof Error ? error.message : String(error);
      troubles.set(key(topic, partition), `${key(topic, partition)} ${what}: ${reason}`);
    },
    sentence: () => [...troubles.values()].join('; '),
  };
}
