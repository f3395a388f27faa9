/** What an event knows as a whole: sums over its attempts, each with the reason when there is nothing to sum. */
import {
  addUsage,
  type Attempt,
  type AttemptRating,
  type PicoUsd,
  type PricedEvent,
  REPRICED,
  UNKNOWN_USAGE,
  type UnpricedReason,
  type Usage,
  type UsageBasis,
  type UsageReason,
  type UsageSource,
} from '@tokenledger/domain';

export interface EventSums {
  /** A class is null exactly when it is null in every attempt. */
  readonly usage: Usage;
  /** `''` exactly when the usage of an attempt is known; else the reason of the last attempt, which made the answer. */
  readonly usageReason: UsageReason;
  /** The least certain source among the attempts whose usage is known. */
  readonly usageSource: UsageSource;
  /** What the last of the estimated attempts was estimated from; `''` when none was. */
  readonly usageBasis: UsageBasis;
  readonly usageFlags: readonly string[];
  readonly attemptsUsageUnknown: number;
  /** Null exactly when no attempt's cost is known. Of a correction, what it adds. */
  readonly cost: PicoUsd | null;
  /** Of a correction: `repriced` when some cost is known and none was before, the reason when it is the other way round. */
  readonly unpricedReason: UnpricedReason;
  /** Of a correction: how many more there are by it. */
  readonly attemptsUnpriced: number;
  /** As `cost`. */
  readonly list: PicoUsd | null;
  readonly listUnpricedReason: UnpricedReason;
  /** As `cost`. */
  readonly billable: PicoUsd | null;
  readonly billableUnpricedReason: UnpricedReason;
  /** Of the providers' caches and of the response cache; null exactly when nothing of it is known. */
  readonly saved: PicoUsd | null;
}

/** From the most certain to the least. */
const CERTAINTY: readonly UsageSource[] = ['reported', 'counted', 'estimated', 'none'];
const NO_FLAGS: readonly string[] = [];

export function sumAttempts({ event, ratings, avoidedCost }: PricedEvent): EventSums {
  const amounts = event.kind === 'rerate' ? sumCorrections(ratings, avoidedCost) : sumAmounts(ratings, avoidedCost);
  return { ...sumUsage(event.attempts), ...amounts };
}

type UsageSums = Pick<EventSums, 'usage' | 'usageReason' | 'usageSource' | 'usageBasis' | 'usageFlags' | 'attemptsUsageUnknown'>;

function sumUsage(attempts: readonly Attempt[]): UsageSums {
  const known: Usage[] = [];
  let certainty = 0;
  let usageBasis: UsageBasis = '';
  let flags = NO_FLAGS;
  let corrected = 0;
  for (const attempt of attempts) {
    if (attempt.usageFlags.length > 0) flags = flags.concat(attempt.usageFlags);
    if (attempt.usageReason === 'unchanged') corrected += 1;
    if (attempt.usage === null) continue;
    known.push(attempt.usage);
    if (attempt.usageBasis !== '') usageBasis = attempt.usageBasis;
    certainty = Math.max(certainty, CERTAINTY.indexOf(attempt.usageSource));
  }
  const rest = {
    usageBasis,
    usageFlags: flags.length > 1 ? [...new Set(flags)] : flags,
    attemptsUsageUnknown: attempts.length - known.length - corrected,
  };
  if (known.length > 0) return { ...rest, usage: addUsage(known), usageReason: '', usageSource: CERTAINTY[certainty] ?? 'none' };
  return { ...rest, usage: UNKNOWN_USAGE, usageReason: attempts.at(-1)?.usageReason || 'not_forwarded', usageSource: 'none' };
}

type AmountSums = Omit<EventSums, keyof UsageSums>;

function sumAmounts(ratings: readonly AttemptRating[], avoidedCost: PicoUsd | null): AmountSums {
  let cost: PicoUsd | null = null;
  let attemptsUnpriced = 0;
  let saved = avoidedCost;
  let agreed = false;
  for (const rating of ratings) {
    if (rating.cost === null) attemptsUnpriced++;
    else cost = cost === null ? rating.cost : cost + rating.cost;
    if (rating.saved !== null) saved = saved === null ? rating.saved : saved + rating.saved;
    if (rating.agreed !== null) agreed = true;
  }
  const unpricedReason: UnpricedReason = cost === null ? ratings.at(-1)?.unpricedReason || 'not_forwarded' : '';
  const sums = { cost, unpricedReason, attemptsUnpriced, saved };
  if (agreed) return { ...sums, ...sumAgreed(ratings) };
  return { ...sums, list: cost, listUnpricedReason: unpricedReason, billable: cost, billableUnpricedReason: unpricedReason };
}

type AgreedSums = Pick<EventSums, 'list' | 'listUnpricedReason' | 'billable' | 'billableUnpricedReason'>;

function sumAgreed(ratings: readonly AttemptRating[]): AgreedSums {
  let list: PicoUsd | null = null;
  let billable: PicoUsd | null = null;
  for (const { cost, agreed } of ratings) {
    const [listed, billed] = agreed === null ? [cost, cost] : [agreed.list, agreed.billable];
    if (listed !== null) list = (list ?? 0n) + listed;
    if (billed !== null) billable = (billable ?? 0n) + billed;
  }
  const last = ratings.at(-1);
  return {
    list,
    listUnpricedReason: list === null ? (last?.agreed?.listUnpricedReason ?? last?.unpricedReason) || 'not_forwarded' : '',
    billable,
    billableUnpricedReason: billable === null ? (last?.agreed?.billableUnpricedReason ?? last?.unpricedReason) || 'not_forwarded' : '',
  };
}

/** See `UnpricedReason`: what each amount was before is told by what the correction does to it. */
function sumCorrections(ratings: readonly AttemptRating[], avoidedCost: PicoUsd | null): AmountSums {
  const cost = corrected(ratings.map((rating) => [rating.cost, rating.unpricedReason]));
  const list = corrected(
    ratings.map(({ cost: all, unpricedReason, agreed }) =>
      agreed === null ? [all, unpricedReason] : [agreed.list, agreed.listUnpricedReason],
    ),
  );
  const billable = corrected(
    ratings.map(({ cost: all, unpricedReason, agreed }) =>
      agreed === null ? [all, unpricedReason] : [agreed.billable, agreed.billableUnpricedReason],
    ),
  );
  return {
    cost: cost.sum,
    unpricedReason: cost.reason,
    attemptsUnpriced: cost.more,
    list: list.sum,
    listUnpricedReason: list.reason,
    billable: billable.sum,
    billableUnpricedReason: billable.reason,
    saved: ratings.reduce((sum, { saved }) => (saved === null ? sum : (sum ?? 0n) + saved), avoidedCost),
  };
}

interface CorrectedAmount {
  readonly sum: PicoUsd;
  readonly reason: UnpricedReason;
  /** Attempts of which it is unknown now and was not before, less those the other way round. */
  readonly more: number;
}

function corrected(attempts: readonly (readonly [amount: PicoUsd | null, reason: UnpricedReason])[]): CorrectedAmount {
  let sum = 0n;
  let [knownBefore, knownAfter] = [0, 0];
  for (const [amount, reason] of attempts) {
    if (amount === null) continue;
    sum += amount;
    if (reason !== REPRICED) knownBefore += 1;
    if (reason === REPRICED || reason === '') knownAfter += 1;
  }
  const lost = attempts.at(-1)?.[1] ?? '';
  const reason = knownBefore > 0 === knownAfter > 0 ? '' : knownBefore === 0 ? REPRICED : lost;
  return { sum, reason, more: knownBefore - knownAfter };
}
