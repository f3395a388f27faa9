/** Which partitions are in trouble, as one sentence for the role's state. */

export interface PartitionHealth {
  fine(partition: number): void;
  trouble(partition: number, what: string, error: unknown): void;
  /** `''` when every partition is fine. */
  sentence(): string;
}

export function partitionHealth(): PartitionHealth {
  const troubles = new Map<number, string>();
  return {
    fine: (partition) => troubles.delete(partition),
    trouble(partition, what, error) {
      troubles.set(partition, `partition ${partition} ${what}: ${error instanceof Error ? error.message : String(error)}`);
    },
    sentence: () => [...troubles.values()].join('; '),
  };
}
