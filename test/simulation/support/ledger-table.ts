/** A table of the ledger in memory: parts of rows, each with its rollup, and the numbers that are there by source. */
import type { PricedEvent } from '@tokenledger/domain';

export type TableName = 'usage_events' | 'dead_letters';

export interface LedgerRow {
  readonly source: string;
  readonly sequence: number;
  readonly logTopic: string;
  readonly logPartition: number;
  readonly epoch: number;
  /** Rows of one part are of one month. */
  readonly month: number;
  /** Null for a dead letter. */
  readonly priced: PricedEvent | null;
}

/** What a projection keeps beside the rows of its part. */
export interface Rollup {
  readonly events: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costPicoUsd: bigint;
}

export function monthOf(atMs: number): number {
  const date = new Date(atMs);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
}

export function rollupOf(rows: readonly LedgerRow[]): Rollup {
  let inputTokens = 0;
  let outputTokens = 0;
  let costPicoUsd = 0n;
  for (const { priced } of rows) {
    for (const { usage } of priced?.event.attempts ?? []) {
      inputTokens += usage?.uncached_input ?? 0;
      outputTokens += usage?.visible_output ?? 0;
    }
    for (const { cost } of priced?.ratings ?? []) costPicoUsd += cost ?? 0n;
  }
  return { events: rows.length, inputTokens, outputTokens, costPicoUsd };
}

export class LedgerTable {
  readonly rows: LedgerRow[] = [];
  readonly #rollups: Rollup[] = [];
  /** By partition, topic and source; and by partition and source. Numbers, each with how often it is there. */
  readonly #numbers = new Map<string, Map<number, number>>();

  addPart(rows: readonly LedgerRow[]): void {
    this.#rollups.push(rollupOf(rows));
    for (const row of rows) {
      this.rows.push(row);
      this.#count(`${row.logPartition}//${row.source}`, row.sequence);
      this.#count(`${row.logPartition}/${row.logTopic}/${row.source}`, row.sequence);
    }
  }

  get rollup(): Rollup {
    return this.#rollups.reduce(
      (sum, part) => ({
        events: sum.events + part.events,
        inputTokens: sum.inputTokens + part.inputTokens,
        outputTokens: sum.outputTokens + part.outputTokens,
        costPicoUsd: sum.costPicoUsd + part.costPicoUsd,
      }),
      rollupOf([]),
    );
  }

  bounds(partition: number, topic: string | null, sources: readonly string[]): readonly object[] {
    return sources.flatMap((source) => {
      const numbers = this.#of(partition, topic, source);
      if (numbers.size === 0) return [];
      let lowest = Number.POSITIVE_INFINITY;
      let highest = 0;
      for (const number of numbers.keys()) {
        lowest = Math.min(lowest, number);
        highest = Math.max(highest, number);
      }
      return [{ source, lowest: String(lowest), highest: String(highest), distinct: String(numbers.size) }];
    });
  }

  present(partition: number, topic: string | null, sources: readonly string[], asked: readonly number[]): readonly object[] {
    return sources.map((source) => {
      const numbers = this.#of(partition, topic, source);
      return { source, present: asked.filter((number) => numbers.has(number)).map(String) };
    });
  }

  /** The numbers of a lane, in order. */
  numbers(partition: number, source: string): readonly number[] {
    return [...this.#of(partition, null, source).keys()].toSorted((one, other) => one - other);
  }

  #of(partition: number, topic: string | null, source: string): ReadonlyMap<number, number> {
    return this.#numbers.get(`${partition}/${topic ?? ''}/${source}`) ?? new Map();
  }

  #count(key: string, sequence: number): void {
    let numbers = this.#numbers.get(key);
    if (numbers === undefined) this.#numbers.set(key, (numbers = new Map()));
    numbers.set(sequence, (numbers.get(sequence) ?? 0) + 1);
  }
}
