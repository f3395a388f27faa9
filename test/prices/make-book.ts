/** Makes the price book that ships: the public collection of prices, what `overrides.yaml` states before it, and what `newer.yaml` has that it has not yet. Writes the same bytes for the same input.
 *  `npm run prices:book`; with `--check` it writes nothing, and fails when the book is not what it would write. */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { isRejected } from '@tokenledger/domain';
import { parsePriceBook, SHIPPED_PRICE_BOOK } from '@tokenledger/pricing';
import { madeBook } from './book-text.ts';

const beside = (name: string): string => readFileSync(new URL(name, SHIPPED_PRICE_BOOK), 'utf8');

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
const text = madeBook(beside('overrides.yaml'), beside('newer.yaml'));
const book = parsePriceBook(text);
if (isRejected(book)) {
  console.error(book.message);
  process.exitCode = 1;
} else if (!values.check) {
  writeFileSync(SHIPPED_PRICE_BOOK, text);
  console.log(`${book.entries.length} prices, version ${book.version}`);
} else if (readFileSync(SHIPPED_PRICE_BOOK, 'utf8') !== text) {
  console.error('schemas/pricebook/book.yaml is not what overrides.yaml, newer.yaml and the collection say: run npm run prices:book');
  process.exitCode = 1;
}
