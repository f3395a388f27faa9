/** Exact numbers that prices and amounts are multiplied with: discounts, markups, rates of exchange. Integers of 10⁻¹², as amounts are. */
import { divideHalfEven } from './money.ts';

/** In units of 10⁻¹²: `ONE` changes nothing. Written and read as amounts are. */
export type Factor = bigint;

export const ONE: Factor = 1_000_000_000_000n;

/** Rounded once, half to even, to 10⁻¹² of the unit that comes out. */
export function scaleAmount(amount: bigint, factor: Factor): bigint {
  return divideHalfEven(amount * factor, ONE);
}
