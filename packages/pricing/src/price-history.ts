/** Gaps in what a book knows of a model: periods between two stated prices for which it says nothing, not even that nobody knows. */
import type { UnknownPeriod } from './book-file.ts';
import type { PriceEntry } from './price-entry.ts';

export interface HistoryProblem {
  readonly of: PriceEntry | UnknownPeriod;
  readonly message: string;
}

/** `members`: everything that a book has of one model. Histories of tiers and regions are apart; what is unknown is so for all tiers. */
export function* historyProblems(model: string, members: readonly (PriceEntry | UnknownPeriod)[]): Generator<HistoryProblem> {
  const priced = members.filter((each) => 'usageClass' in each);
  const unknown = members.filter((each) => 'reason' in each);
  for (const history of Map.groupBy(priced, ({ serviceTier, region }) => `${serviceTier}|${region}`).values()) {
    const { region } = history[0] as PriceEntry;
    const beside = unknown.filter((each) => each.region === region);
    for (const period of beside) {
      const known = history.find((each) => isTogether(each, period));
      if (known !== undefined) yield { of: period, message: `${model}: ${known.id} holds at a time for which prices are unknown` };
    }
    yield* gaps(model, [...history, ...beside]);
  }
}

function* gaps(model: string, periods: readonly (PriceEntry | UnknownPeriod)[]): Generator<HistoryProblem> {
  let knownToMs = -Infinity;
  for (const period of periods.toSorted((a, b) => a.effectiveFromMs - b.effectiveFromMs)) {
    if (knownToMs !== -Infinity && period.effectiveFromMs > knownToMs) {
      const [from, to] = [knownToMs, period.effectiveFromMs].map((ms) => new Date(ms).toISOString());
      yield { of: period, message: `${model}: nothing is said from ${from} to ${to}: state prices, or a block with 'unknown'` };
    }
    knownToMs = Math.max(knownToMs, period.effectiveToMs ?? Infinity);
  }
}

function isTogether(left: PriceEntry | UnknownPeriod, right: UnknownPeriod): boolean {
  return left.effectiveFromMs < (right.effectiveToMs ?? Infinity) && right.effectiveFromMs < (left.effectiveToMs ?? Infinity);
}
