/** A usage event after rating, or the one record that stands in for an event that could not be accepted. */
import type { ChargedClass } from './charge.ts';
import type { UsageEvent } from './event.ts';
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
}

/** `''` exactly when the cost is known. */
export type UnpricedReason = '' | 'usage_unknown' | 'model_unknown' | 'price_missing' | 'not_forwarded';

export interface AttemptRating {
  /** Pico-USD; null when unknown, then `unpricedReason` says why. Known lines are kept either way. */
  readonly cost: PicoUsd | null;
  readonly unpricedReason: UnpricedReason;
  readonly lineItems: readonly LineItem[];
}

export interface PricedEvent {
  readonly event: UsageEvent;
  /** Content hash of the price book used. */
  readonly priceVersion: string;
  /** One per attempt, in the order of `event.attempts`. */
  readonly ratings: readonly AttemptRating[];
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
