import fc from 'fast-check';
import { expect, test } from 'vitest';
import { quoteName, quoteString } from './quote.ts';
import { tokenize } from './tokens.ts';

test('a quoted value is one token, whatever is in it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (value) => {
      expect([...tokenize(`${quoteString(value)} x`)].map((token) => token.kind)).toEqual(['string', 'word']);
      expect([...tokenize(`${quoteName(value)} x`)].map((token) => token.kind)).toEqual(['quoted_name', 'word']);
      expect(quoteString(value)).not.toContain('\0');
    }),
  );
});

test('quotes, backslashes and NUL are escaped', () => {
  expect(quoteString("a'b\\c\0")).toBe("'a\\'b\\\\c\\0'");
  expect(quoteName('attempts.cost`')).toBe('`attempts.cost\\``');
});
