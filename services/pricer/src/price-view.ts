/** The prices as this process knows them, and how old that knowledge may be. */
import { AppError } from '@tokenledger/domain';
import type { InForce } from './core/decide.ts';

export interface PriceView {
  /** What is known now; later versions replace it. */
  current(): InForce;
  /** How old it may be, in milliseconds: whatever was decided before that is known. */
  behindMs(): number;
}

/** `''` while the prices may be used; else a sentence that says why not. */
export function staleness(view: PriceView, behindMsMax: number): string {
  const behindMs = view.behindMs();
  if (behindMs <= behindMsMax) return '';
  return `the control topic was last read to its end ${Math.round(behindMs / 1000)} s ago: events wait until it can be read again, so that none gets an old price`;
}

/** The prices for a batch. Throws `PRICES_STALE`, retryable: an event may be priced only by somebody who knows every activation and agreement that can hold for it. */
export function freshPrices(view: PriceView, behindMsMax: number): InForce {
  const stale = staleness(view, behindMsMax);
  if (stale !== '') throw new AppError('PRICES_STALE', stale, { retryable: true });
  return view.current();
}
