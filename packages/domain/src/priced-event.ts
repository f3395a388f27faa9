/** A usage event after rating, or the one record that stands in for an event that could not be accepted. */
import type { ChargedClass } from './charge.ts';
import type { UsageEvent } from './event.ts';
import type { Factor } from './factor.ts';
import type { PicoUsd } from './money.ts';

/** One class of one attempt at its price. `amount` is rounded once, half to even. */
export interface LineItem {
  readonly usageClass: ChargedClass;
  readonly quantity: number;
  /** Price in pico-USD for `perUnits` units, as it stands in the price book. */
  readonly unitPrice: PicoUsd;
  readonly perUnits: number;
  readonly amount: PicoUsd;
  readonly entryId: string;
  /** Content hash of the prices that the entry stands in, where these are of a contract or a rate card; `''`: the event's price book. */
  readonly priceVersion: string;
  /** What the price was multiplied with by what was agreed. */
  readonly factor: Factor;
  readonly partOf: LineParts;
}

/** Amounts that a line is part of. */
export type LineParts = 'list,cost,billable' | 'list,cost' | 'list,billable' | 'cost,billable' | 'list' | 'cost' | 'billable';

export const ALL_PARTS: LineParts = 'list,cost,billable';

/** `''` exactly when the amount is known. Of a correction it says what it does: `''` leaves the amount known or unknown as it is, `repriced` gives one where
 *  there was none, and beside an amount that is taken back, any other says why there is none now. */
export type UnpricedReason = '' | 'usage_unknown' | 'model_unknown' | 'price_missing' | 'not_forwarded' | typeof REPRICED;

/** Of a correction alone: the amount was unknown, and is known from now on. */
export const REPRICED = 'repriced';

export interface AttemptRating {
  /** What we pay. Pico-USD; null when unknown, then `unpricedReason` says why. Known lines are kept either way. Of a correction, what is added to it. */
  readonly cost: PicoUsd | null;
  readonly unpricedReason: UnpricedReason;
  readonly lineItems: readonly LineItem[];
  /** What input would have cost without the provider's cache, less what it did cost. Pico-USD; null exactly when the cost is unknown or a price of
   *  uncached input is. */
  readonly saved: PicoUsd | null;
  /** Names near that of a model which has no price. */
  readonly candidates: readonly string[];
  /** Null when nothing was agreed: the list is what we pay and what the tenant pays. */
  readonly agreed: AgreedAmounts | null;
}

/** Amounts that differ by what was agreed with the provider or the tenant. Pico-USD; null when unknown, then a reason says why. */
export interface AgreedAmounts {
  /** In force with the provider account; `''` when none was. */
  readonly contract: string;
  /** By the price book alone. */
  readonly list: PicoUsd | null;
  readonly listUnpricedReason: UnpricedReason;
  /** What the tenant pays. */
  readonly billable: PicoUsd | null;
  readonly billableUnpricedReason: UnpricedReason;
}

/** How the tenant is charged. */
export interface Billing {
  /** In force for the tenant; `''` when none was. */
  readonly rateCard: string;
  /** ISO 4217. */
  readonly currency: string;
  /** The known billable amounts together, in units of 10⁻¹² of the currency, rounded once, half to even; null when none is known, or no rate. */
  readonly amount: bigint | null;
  /** Units of the currency for one USD; null for USD, and when no rate is known. */
  readonly fxRate: Factor | null;
  /** Document that stated the rate, and where it has it from; `''` when there is no rate. */
  readonly fxRateId: string;
  readonly fxSource: string;
}

export const USD = 'USD';

export interface PricedEvent {
  readonly event: UsageEvent;
  /** Content hash of the price book used. */
  readonly priceVersion: string;
  /** One per attempt, in the order of `event.attempts`. */
  readonly ratings: readonly AttemptRating[];
  /** What `event.avoidedUsage` would have cost us. Pico-USD; null when there is none, or its cost is unknown. */
  readonly avoidedCost: PicoUsd | null;
  /** Null when no rate card was in force: the tenant pays in USD. */
  readonly billing: Billing | null;
}

/** What was rated by the list alone. */
export type PlainRating = Pick<AttemptRating, 'cost' | 'unpricedReason' | 'lineItems'> &
  Partial<Pick<AttemptRating, 'saved' | 'candidates'>>;

const NO_NAMES: readonly string[] = Object.freeze([]);

/** A rating without anything agreed. */
export function plainRating({ cost, unpricedReason, lineItems, saved = null, candidates = NO_NAMES }: PlainRating): AttemptRating {
  return { cost, unpricedReason, lineItems, saved, candidates, agreed: null };
}

/** Decodable but invalid: goes to `dead_letters`, never to `usage_events`. */
export interface RejectedEvent {
  readonly source: string;
  readonly sequence: number;
  readonly code: string;
  readonly message: string;
  readonly originTopic: string;
  readonly originPartition: number;
  readonly originOffset: number;
  readonly originalBytes: Uint8Array;
}
