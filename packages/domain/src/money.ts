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
  const small = parseSmall(text);
  if (small >= 0) return BigInt(small);
  const match = USD_PATTERN.exec(text);
  if (match === null) {
    return rejected('MONEY_INVALID', `'${text}' is not an amount in USD: write digits, at most 26 before and 12 after the point`);
  }
  const [, sign, whole = '0', fraction = ''] = match;
  const pico = BigInt(whole) * PICO_PER_USD + BigInt(fraction.padEnd(DECIMALS, '0'));
  return sign === '-' ? -pico : pico;
}

/** Below this many characters an amount with its 12 decimals is a safe integer of pico-USD: nearly every one is. */
const SMALL_CHARACTERS = DECIMALS + 4;
const POINT = 0x2e;

/** Pico-USD of an amount of up to three digits, a point and exactly 12 decimals, as `formatUsd` prints it; -1 for any other text.
 *  A loop over a few characters costs a tenth of a pattern and two big integers. */
function parseSmall(text: string): number {
  const point = text.length - DECIMALS - 1;
  if (point < 1 || text.length > SMALL_CHARACTERS || text.charCodeAt(point) !== POINT) return -1;
  let pico = 0;
  for (let index = 0; index < text.length; index += 1) {
    if (index === point) continue;
    const digit = text.charCodeAt(index) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    pico = pico * 10 + digit;
  }
  return pico;
}

/** Prints pico-USD as a decimal string with all 12 decimals, e.g. `0.000003000000`. */
export function formatUsd(pico: PicoUsd): string {
  if (pico >= 0n && pico < PICO_PER_USD) return `0.${String(Number(pico)).padStart(DECIMALS, '0')}`;
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
