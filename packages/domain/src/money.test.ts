import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { divideHalfEven, formatUsd, parseUsd, PICO_PER_USD, type PicoUsd } from './money.ts';

/** Everything that `Decimal(38, 12)` holds. */
const amounts = fc.bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n });

describe('decimal strings', () => {
  test.each([
    ['0', 0n],
    ['-0', 0n],
    ['1', PICO_PER_USD],
    ['-1.5', -1_500_000_000_000n],
    ['0.000000000001', 1n],
    ['0.000003', 3_000_000n],
    ['007.10', 7_100_000_000_000n],
    ['99999999999999999999999999.999999999999', 10n ** 38n - 1n],
  ])('%s is %d pico-USD', (text, pico) => {
    expect(parseUsd(text)).toBe(pico);
  });

  test.each([
    '',
    ' 1',
    '1 ',
    '+1',
    '1e-6',
    '.5',
    '5.',
    '1,000',
    '$1',
    '0x10',
    'NaN',
    'Infinity',
    '1.0000000000001',
    '1'.repeat(27),
    '1\n',
    '١',
  ])('%j is no amount', (text) => {
    expect(parseUsd(text)).toMatchObject({ kind: 'rejected', code: 'MONEY_INVALID' });
  });

  test('have all 12 decimals when printed', () => {
    expect(formatUsd(3_000_000n)).toBe('0.000003000000');
    expect(formatUsd(-1n)).toBe('-0.000000000001');
    expect(formatUsd(0n)).toBe('0.000000000000');
  });

  test('survive printing and parsing', () => {
    fc.assert(
      fc.property(amounts, (pico) => {
        expect(parseUsd(formatUsd(pico))).toBe(pico);
      }),
    );
  });

  test('are in the order of their amounts where both are positive and of one length', () => {
    const positive = fc.bigInt({ min: 0n, max: 10n ** 13n - 1n });
    fc.assert(
      fc.property(positive, positive, (a, b) => {
        expect(formatUsd(a) < formatUsd(b)).toBe(a < b);
      }),
    );
  });
});

describe('rounding half to even', () => {
  test.each([
    [1n, 2n, 0n],
    [3n, 2n, 2n],
    [5n, 2n, 2n],
    [7n, 2n, 4n],
    [-1n, 2n, 0n],
    [-3n, 2n, -2n],
    [-5n, 2n, -2n],
    [1n, 3n, 0n],
    [2n, 3n, 1n],
    [-2n, 3n, -1n],
    [0n, 7n, 0n],
    [6n, 3n, 2n],
  ])('%d / %d is %d', (numerator, denominator, quotient) => {
    expect(divideHalfEven(numerator, denominator)).toBe(quotient);
  });

  const denominators = fc.bigInt({ min: 1n, max: 10n ** 12n });

  test('is never off by more than a half, and even exactly between two', () => {
    fc.assert(
      fc.property(amounts, denominators, (numerator, denominator) => {
        const quotient = divideHalfEven(numerator, denominator);
        const twiceError = 2n * (numerator - quotient * denominator);
        const magnitude = twiceError < 0n ? -twiceError : twiceError;
        expect(magnitude <= denominator).toBe(true);
        expect(magnitude < denominator || quotient % 2n === 0n).toBe(true);
      }),
    );
  });

  test('is symmetric about 0 and exact for multiples', () => {
    fc.assert(
      fc.property(amounts, denominators, (numerator, denominator) => {
        expect(divideHalfEven(-numerator, denominator)).toBe(-divideHalfEven(numerator, denominator));
        expect(divideHalfEven(numerator * denominator, denominator)).toBe(numerator);
      }),
    );
  });

  test('rises with the numerator', () => {
    const pair = fc.tuple(amounts, amounts).map(([a, b]): readonly [PicoUsd, PicoUsd] => (a < b ? [a, b] : [b, a]));
    fc.assert(
      fc.property(pair, denominators, ([low, high], denominator) => {
        expect(divideHalfEven(low, denominator) <= divideHalfEven(high, denominator)).toBe(true);
      }),
    );
  });

  test.each([0n, -1n])('by %d is refused', (denominator) => {
    expect(() => divideHalfEven(1n, denominator)).toThrow('denominator must be positive');
  });
});
