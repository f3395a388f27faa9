/** What has to be posted so that the ledger says of an event what a new rating says: the difference, and nothing where there is none. Pure. */
import { hash } from 'node:crypto';
import {
  type Attempt,
  type AttemptRating,
  type Billing,
  invariant,
  type LineItem,
  type PicoUsd,
  type PricedEvent,
  REPRICED,
  USD,
  type UsageEvent,
  uuidv8,
} from '@tokenledger/domain';
import { type Amount, AMOUNTS, amountsOf, joinedLines, linesByAmount, negated, netLines, perAmount, type PerAmount } from './amounts.ts';
import type { AttemptStanding, Standing } from './standing.ts';

/** What an event is to cost. */
export type NewRating = Pick<PricedEvent, 'priceVersion' | 'ratings' | 'avoidedCost' | 'billing'>;

/** By how much an event is corrected. A second one is needed where the currency changes in which its tenant is charged. */
export type Correction = NewRating;

/** Under which number a correction is posted. */
export interface AdjustmentIdentity {
  readonly source: string;
  readonly sequence: number;
  /** Milliseconds since the epoch: from then on it is believed. */
  readonly recordedAtMs: number;
}

const NO_CARD: Billing = { rateCard: '', currency: USD, amount: null, fxRate: null, fxRateId: '', fxSource: '' };

/** Per attempt and amount, what a correction says.
 *
 *  | before  | after   | amount     | reason                |
 *  | ------- | ------- | ---------- | --------------------- |
 *  | known   | known   | difference | `''`                  |
 *  | unknown | known   | all of it  | `repriced`            |
 *  | known   | unknown | less all   | why it is unknown now |
 *  | unknown | unknown | null       | why it is unknown now |
 *
 *  None: the event costs what it is to cost. */
export function corrections(standing: Standing, rated: NewRating): readonly Correction[] {
  const { ratings, priceVersion } = rated;
  invariant(ratings.length === standing.attempts.length, 'each attempt is rated');
  const changed = standing.attempts.map((before, index) => attemptCorrection(before, ratings[index] as AttemptRating, priceVersion));
  const avoidedCost = differenceOrNull(standing.avoidedCost, rated.avoidedCost);
  const currency = rated.billing?.currency ?? USD;
  const billed = rated.billing === null ? billableSum(ratings) : rated.billing.amount;
  const moved = (billed ?? 0n) - (standing.billed.get(currency) ?? 0n);
  const all: Correction[] = [];
  if (changed.some(isChange) || avoidedCost !== null || moved !== 0n) {
    // Without a rate card the charge is what is billable, unless a rate card was in force before.
    const isBillable = rated.billing === null && moved === (billableSum(changed) ?? 0n);
    all.push({
      priceVersion,
      ratings: changed,
      avoidedCost,
      billing: isBillable ? null : { ...(rated.billing ?? NO_CARD), amount: moved },
    });
  }
  for (const [other, amount] of standing.billed) {
    if (other !== currency && amount !== 0n) all.push(takenBack(standing, priceVersion, other, amount));
  }
  return all;
}

function attemptCorrection(before: AttemptStanding, after: AttemptRating, priceVersion: string): AttemptRating {
  const target = amountsOf(after);
  const change = perAmount((name) => difference(before.amounts[name], target[name]));
  const ofVersion = after.lineItems.map((line) => (line.priceVersion === '' ? { ...line, priceVersion } : line));
  const lines = linesByAmount(ofVersion, (name) => target[name].value !== null);
  const { list, cost, billable } = change;
  const contract = after.agreed?.contract ?? '';
  const isPlain = contract === '' && isSame(list, cost) && isSame(billable, cost);
  return {
    cost: cost.value,
    unpricedReason: cost.reason,
    lineItems: joinedLines(changedByAmount(before.lines, lines)).map((line) =>
      line.priceVersion === priceVersion ? { ...line, priceVersion: '' } : line,
    ),
    saved: differenceOrNull(before.saved, after.saved),
    candidates: after.candidates,
    agreed: isPlain
      ? null
      : {
          contract,
          list: list.value,
          listUnpricedReason: list.reason,
          billable: billable.value,
          billableUnpricedReason: billable.reason,
        },
  };
}

function difference(before: PicoUsd | null, { value, reason }: Amount): Amount {
  if (value === null) return { value: before === null ? null : -before, reason };
  return before === null ? { value, reason: REPRICED } : { value: value - before, reason: '' };
}

/** What is saved is a sum of what is known: unknown adds nothing to it. */
function differenceOrNull(before: PicoUsd, after: PicoUsd | null): PicoUsd | null {
  const changed = (after ?? 0n) - before;
  return changed === 0n ? null : changed;
}

function changedByAmount(before: PerAmount<readonly LineItem[]>, after: PerAmount<readonly LineItem[]>): PerAmount<readonly LineItem[]> {
  const cost = changedLines(before.cost, after.cost);
  return perAmount((name) => (before[name] === before.cost && after[name] === after.cost ? cost : changedLines(before[name], after[name])));
}

/** Nothing where every class amounts to what it did: the same prices under other names correct nothing. */
function changedLines(before: readonly LineItem[], after: readonly LineItem[]): readonly LineItem[] {
  const byClass = new Map<string, bigint>();
  for (const { usageClass, amount } of after) byClass.set(usageClass, (byClass.get(usageClass) ?? 0n) + amount);
  for (const { usageClass, amount } of before) byClass.set(usageClass, (byClass.get(usageClass) ?? 0n) - amount);
  if ([...byClass.values()].every((amount) => amount === 0n)) return [];
  return netLines([...before.map(negated), ...after]);
}

function isChange(rating: AttemptRating): boolean {
  if (rating.lineItems.length > 0 || rating.saved !== null) return true;
  const amounts: PerAmount<Amount> = amountsOf(rating);
  return AMOUNTS.some((name) => amounts[name].value !== null && (amounts[name].value !== 0n || amounts[name].reason !== ''));
}

function isSame(left: Amount, right: Amount): boolean {
  return left.value === right.value && left.reason === right.reason;
}

function billableSum(ratings: readonly AttemptRating[]): PicoUsd | null {
  return ratings.reduce<PicoUsd | null>((sum, rating) => {
    const { value } = amountsOf(rating).billable;
    return value === null ? sum : (sum ?? 0n) + value;
  }, null);
}

/** All that was charged in a currency which is not the tenant's any more. */
function takenBack({ attempts }: Standing, priceVersion: string, currency: string, amount: bigint): Correction {
  const billing: Billing = { ...NO_CARD, currency, amount: -amount };
  const ratings = attempts.map(({ amounts }): AttemptRating => {
    const as = perAmount((name): Amount => (amounts[name] === null ? { value: null, reason: 'usage_unknown' } : { value: 0n, reason: '' }));
    return {
      cost: as.cost.value,
      unpricedReason: as.cost.reason,
      lineItems: [],
      saved: null,
      candidates: [],
      agreed: {
        contract: '',
        list: as.list.value,
        listUnpricedReason: as.list.reason,
        billable: as.billable.value,
        billableUnpricedReason: as.billable.reason,
      },
    };
  });
  return { priceVersion, ratings, avoidedCost: null, billing };
}

/** The correction as the pipeline takes it. It is of the event's own time and owner, so that it counts where the event does; what was measured stays with the event. */
export function adjustment({ event }: Pick<Standing, 'event'>, correction: Correction, identity: AdjustmentIdentity): PricedEvent {
  return {
    ...correction,
    event: {
      ...event,
      ...identity,
      eventId: adjustmentId(identity.source, event.eventId, correction.billing?.currency ?? USD),
      kind: 'rerate',
      adjustsEventId: event.eventId,
      completedAtMs: null,
      timeToFirstByteMs: null,
      timeToFirstTokenMs: null,
      durationMs: null,
      overheadUs: null,
      httpStatus: null,
      attempts: event.attempts.map(withoutFacts),
      counted: null,
      requestBytes: null,
      responseBytes: null,
      avoidedUsage: null,
    } satisfies UsageEvent,
  };
}

/** A statement corrects an event at most once in a currency, so these are an identity that anybody can make again. */
function adjustmentId(source: string, eventId: string, currency: string): string {
  return uuidv8(hash('sha256', `${source} ${eventId} ${currency}`, 'buffer'));
}

function withoutFacts(attempt: Attempt): Attempt {
  return {
    ...attempt,
    completedAtMs: null,
    timeToFirstByteMs: null,
    httpStatus: null,
    usage: null,
    usageSource: 'none',
    usageBasis: '',
    usageReason: 'unchanged',
    usageFlags: [],
    rawUsage: '',
  };
}
