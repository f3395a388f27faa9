/** Runs seeds one after another and sums up what they met. */
import { FAULT_KINDS, type FaultKind } from './fault-counts.ts';
import { runSeed } from './run-seed.ts';
import type { Variant } from './world.ts';

export interface RangeReport {
  readonly runs: number;
  readonly events: number;
  readonly unresolved: number;
  /** Of the run that had the fewest. */
  readonly eventsMin: number;
  readonly faultsMin: number;
  readonly faults: Readonly<Record<FaultKind, number>>;
  readonly failed: readonly { readonly seed: number; readonly failures: readonly string[] }[];
}

export interface Range {
  readonly from: number;
  readonly seeds: number;
  readonly variant?: Variant;
  /** Ends with the first run that fails. */
  readonly untilFailure?: boolean;
}

export const NO_RUNS: RangeReport = {
  runs: 0,
  events: 0,
  unresolved: 0,
  eventsMin: Number.POSITIVE_INFINITY,
  faultsMin: Number.POSITIVE_INFINITY,
  faults: Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 0])) as Record<FaultKind, number>,
  failed: [],
};

export async function runRange({ from, seeds, variant, untilFailure = false }: Range): Promise<RangeReport> {
  let sum = NO_RUNS;
  for (let seed = from; seed < from + seeds; seed++) {
    const { failures, events, unresolved, faults } = await runSeed({ seed, ...(variant === undefined ? {} : { variant }) });
    sum = added(sum, {
      runs: 1,
      events,
      unresolved,
      eventsMin: events,
      faultsMin: faults.total,
      faults: Object.fromEntries(faults.entries()) as Record<FaultKind, number>,
      failed: failures.length > 0 ? [{ seed, failures }] : [],
    });
    if (untilFailure && failures.length > 0) break;
  }
  return sum;
}

export function added(one: RangeReport, other: RangeReport): RangeReport {
  return {
    runs: one.runs + other.runs,
    events: one.events + other.events,
    unresolved: one.unresolved + other.unresolved,
    eventsMin: Math.min(one.eventsMin, other.eventsMin),
    faultsMin: Math.min(one.faultsMin, other.faultsMin),
    faults: Object.fromEntries(FAULT_KINDS.map((kind) => [kind, one.faults[kind] + other.faults[kind]])) as Record<FaultKind, number>,
    failed: [...one.failed, ...other.failed],
  };
}
