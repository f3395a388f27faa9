/** A price as it is written: `0.25`, `10 per 1000`, `0.36 per hour`, and in a list of marginal prices `3 up to 1000000`. Digits, never a float. */
import { parseUsd, type PicoUsd } from '@tokenledger/domain';

export interface WrittenPrice {
  readonly amount: PicoUsd;
  /** Undefined: as many as the block says. */
  readonly perUnits: number | undefined;
  /** Written for a unit of time, which only seconds have. */
  readonly isTimed: boolean;
  /** Units of an attempt up to which it holds; null: for all that follow. */
  readonly upToUnits: number | null;
}

const PATTERN = /^(\S+?)(?: per (\S+))?(?: up to ([1-9]\d{0,11}))?$/;

const NAMED_UNITS: ReadonlyMap<string, { readonly units: number; readonly isTimed: boolean }> = new Map([
  ['1k', { units: 1_000, isTimed: false }],
  ['1m', { units: 1_000_000, isTimed: false }],
  ['minute', { units: 60, isTimed: true }],
  ['hour', { units: 3_600, isTimed: true }],
]);

/** Prices of successive units: each ends above the one before, the last never. Null when they do not. */
export function parsePrices(written: string | readonly string[]): readonly WrittenPrice[] | null {
  const texts = typeof written === 'string' ? [written] : written;
  const prices: WrittenPrice[] = [];
  let above = 0;
  for (const [index, text] of texts.entries()) {
    const price = parsePriceText(text);
    const isLast = index === texts.length - 1;
    if (price === null || isLast !== (price.upToUnits === null)) return null;
    if (price.upToUnits !== null && price.upToUnits <= above) return null;
    above = price.upToUnits ?? above;
    prices.push(price);
  }
  return prices.length === 0 ? null : prices;
}

/** Null when it is no price. */
function parsePriceText(text: string): WrittenPrice | null {
  const [, usd = '', per, upTo] = PATTERN.exec(text) ?? [];
  const amount = parseUsd(usd);
  const unit = per === undefined ? { units: undefined, isTimed: false } : unitOf(per);
  if (typeof amount !== 'bigint' || amount < 0n || unit === undefined) return null;
  return { amount, perUnits: unit.units, isTimed: unit.isTimed, upToUnits: upTo === undefined ? null : Number(upTo) };
}

function unitOf(text: string): { readonly units: number; readonly isTimed: boolean } | undefined {
  if (/^[1-9]\d{0,11}$/.test(text)) return { units: Number(text), isTimed: false };
  return NAMED_UNITS.get(text.toLowerCase());
}
