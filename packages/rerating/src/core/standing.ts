/** Where an event stands: what was served, and what the ledger says of its amounts by now, every correction of its rating included. Pure. */
import type { LineItem, PicoUsd, UsageEvent } from '@tokenledger/domain';
import { type Amount, isKnownAfter, linesByAmount, netLines, perAmount, type PerAmount } from './amounts.ts';

/** What a row says of one attempt: of an event what it costs, of a correction by how much that changes. */
export interface RowAttempt {
  readonly amounts: PerAmount<Amount>;
  readonly saved: PicoUsd | null;
  /** Each with the version of the prices that it is of. */
  readonly lines: readonly LineItem[];
}

/** One row of the ledger: an event, or a correction of its rating. */
export interface LedgerRow {
  readonly event: UsageEvent;
  readonly partition: number;
  /** One per attempt of the event. */
  readonly attempts: readonly RowAttempt[];
  /** What was saved by not asking the provider at all. */
  readonly avoidedCost: PicoUsd | null;
  /** In which the tenant is charged. */
  readonly currency: string;
  /** In 10⁻¹² of the currency. */
  readonly billed: bigint | null;
}

export interface AttemptStanding {
  readonly amounts: PerAmount<PicoUsd | null>;
  readonly saved: PicoUsd;
  /** Of each amount; none while it is not known. No two are of the same class, factor and entry. */
  readonly lines: PerAmount<readonly LineItem[]>;
}

export interface Standing {
  /** As it was recorded. */
  readonly event: UsageEvent;
  readonly partition: number;
  readonly attempts: readonly AttemptStanding[];
  readonly avoidedCost: PicoUsd;
  /** By currency, in 10⁻¹² of it. */
  readonly billed: ReadonlyMap<string, bigint>;
}

export interface Standings {
  readonly standings: readonly Standing[];
  /** Corrections whose event is not among the rows: it has left, by retention. */
  readonly orphans: number;
}

/** `rows`: every row of the events that they are of, in any order. */
export function standingsOf(rows: readonly LedgerRow[]): Standings {
  const standings: Standing[] = [];
  let orphans = 0;
  for (const group of Map.groupBy(rows, ({ event }) => (event.kind === 'rerate' ? event.adjustsEventId : event.eventId)).values()) {
    const original = group.find(({ event }) => event.kind !== 'rerate');
    if (original === undefined) orphans += group.length;
    else standings.push(standingOf(original, group.length === 1 ? NO_ROWS : group.filter((row) => row !== original)));
  }
  return { standings, orphans };
}

const NO_ROWS: readonly LedgerRow[] = Object.freeze([]);
const NO_ATTEMPTS: readonly RowAttempt[] = Object.freeze([]);

function standingOf(original: LedgerRow, corrections: readonly LedgerRow[]): Standing {
  const billed = new Map<string, bigint>();
  let avoidedCost = 0n;
  for (const row of corrections.length === 0 ? [original] : [original, ...corrections]) {
    if (row.billed !== null) billed.set(row.currency, (billed.get(row.currency) ?? 0n) + row.billed);
    avoidedCost += row.avoidedCost ?? 0n;
  }
  return {
    event: original.event,
    partition: original.partition,
    attempts: original.attempts.map((attempt, index) =>
      attemptStanding(attempt, corrections.length === 0 ? NO_ATTEMPTS : corrections.flatMap((row) => row.attempts[index] ?? [])),
    ),
    avoidedCost,
    billed,
  };
}

function attemptStanding(recorded: RowAttempt, corrections: readonly RowAttempt[]): AttemptStanding {
  const amounts = perAmount((name) =>
    corrected(
      recorded.amounts[name],
      corrections.map((each) => each.amounts[name]),
    ),
  );
  const recordedLines = linesByAmount(recorded.lines, (name) => recorded.amounts[name].value !== null);
  const lines =
    corrections.length === 0
      ? recordedLines
      : perAmount((name) => {
          if (amounts[name] === null) return [];
          const later = corrections.flatMap((each) => linesByAmount(each.lines, () => true)[name]);
          return netLines([...recordedLines[name], ...later]);
        });
  return { amounts, saved: corrections.reduce((sum, { saved }) => sum + (saved ?? 0n), recorded.saved ?? 0n), lines };
}

/** A correction gives an amount, takes it, or leaves it as it is: so what counts is how often each was done, in whatever order. */
function corrected(recorded: Amount, corrections: readonly Amount[]): PicoUsd | null {
  let known = recorded.value === null ? 0 : 1;
  let sum = recorded.value ?? 0n;
  for (const correction of corrections) {
    sum += correction.value ?? 0n;
    known += Number(isKnownAfter(false, correction)) - Number(wasKnownBefore(correction));
  }
  return known === 0 ? null : sum;
}

function wasKnownBefore({ value, reason }: Amount): boolean {
  return value !== null && reason !== 'repriced';
}

/** What is known of an event as a whole: the sum over its attempts; null when it is known of none. */
export function standingSum({ attempts }: Standing): PerAmount<PicoUsd | null> {
  return perAmount((name) =>
    attempts.reduce<PicoUsd | null>((sum, { amounts }) => (amounts[name] === null ? sum : (sum ?? 0n) + amounts[name]), null),
  );
}
