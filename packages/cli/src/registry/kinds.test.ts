import { CONTROL_KINDS } from '@tokenledger/control';
import { expect, test } from 'vitest';
import { parseKind } from './kinds.ts';

test('a kind may be written in the plural, with dashes, or short', () => {
  expect(['virtual_key', 'virtual-keys', 'keys', 'Key'].map(parseKind)).toEqual(Array.from({ length: 4 }, () => 'virtual_key'));
  expect(['price-books', 'activations'].map(parseKind)).toEqual(['price_book', 'price_book_activation']);
  expect(CONTROL_KINDS.map(parseKind)).toEqual([...CONTROL_KINDS]);
});

test('another word is refused with the kinds there are', () => {
  expect(() => parseKind('budget')).toThrow(/'budget' is not a kind of document\. There are: key_hash_secret, tenant/);
});
