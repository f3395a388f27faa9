/** Makes `newer.yaml` of a later version of the public collection than the one that is installed. `npm run prices:newer -- FILE --date DAY`; run `prices:book` after it.
 *  FILE: the data of that version, a list of providers; DAY: when it was read. Prints what it cannot take, and why. */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { SHIPPED_PRICE_BOOK } from '@tokenledger/pricing';
import { newerText } from './newer-text.ts';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { date: { type: 'string' } } });
const [file] = positionals;
if (file === undefined || values.date === undefined || !/^\d{4}-\d{2}-\d{2}$/.test(values.date)) {
  console.error('usage: npm run prices:newer -- FILE --date 2026-11-04');
  process.exit(2);
}
const { text, left } = newerText(
  readFileSync(new URL('overrides.yaml', SHIPPED_PRICE_BOOK), 'utf8'),
  readFileSync(file, 'utf8'),
  values.date,
);
writeFileSync(new URL('newer.yaml', SHIPPED_PRICE_BOOK), text);
for (const each of left) console.error(`left ${each}`);
console.log(`${text.split('\n').filter((line) => line.startsWith('  - ')).length} blocks`);
