/** Money: integers of 10⁻¹² USD. No float ever holds an amount or a price. */
import { rejected, type Rejected } from './errors.ts';

/** Pico-USD: 10⁻¹² USD. */
export type PicoUsd = bigint;

export const PICO_PER_USD = 1_000_000_000_000n;
const DECIMALS = 12;
/** `Decimal(38,12)` holds at most 26 digits before the point. */
const USD_PATTERN = /^(-?)(\d{1,26})(?:\.(\d{1,12}))?$/;

/** Parses a decimal string of USD such as `0.000003`. Rejects `MONEY_INVALID`: exponents, signs other than `-`, more than 12 decimals. */
export function parseUsd(text: string): PicoUsd | Rejected {
  const match = USD_PATTERN.exec(text);
  if (match === null) {
    return rejected('MONEY_INVALID', `'${text}' is not an amount in USD: write digits, at most 26 before and 12 after the point`);
  }
  const [, sign, whole = '0', fraction = ''] = match;
  const pico = BigInt(whole) * PICO_PER_USD + BigInt(fraction.padEnd(DECIMALS, '0'));
  return sign === '-' ? -pico : pico;
}

/** Prints pico-USD as a decimal string with all 12 decimals, e.g. `0.000003000000`. */
export function formatUsd(pico: PicoUsd): string {
  const negative = pico < 0n;
  const digits = (negative ? -pico : pico).toString().padStart(DECIMALS + 1, '0');
  const point = digits.length - DECIMALS;
  return `${negative ? '-' : ''}${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** Divides and rounds to the nearest integer, halves to the even one. `denominator` must be positive. */
export function divideHalfEven(numerator: bigint, denominator: bigint): bigint {
  if (denominator <= 0n) throw new RangeError('denominator must be positive');
  const negative = numerator < 0n;
  const magnitude = negative ? -numerator : numerator;
  const quotient = magnitude / denominator;
  const twiceRemainder = (magnitude % denominator) * 2n;
  const up = twiceRemainder > denominator || (twiceRemainder === denominator && quotient % 2n === 1n);
  const rounded = up ? quotient + 1n : quotient;
  return negative ? -rounded : rounded;
}
