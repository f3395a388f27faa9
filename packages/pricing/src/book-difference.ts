/** What two price books say differently, price by price. */
import type { PriceBook } from './price-book.ts';
import type { PriceEntry } from './price-entry.ts';

export type PriceDifference =
  | { readonly kind: 'new'; readonly after: PriceEntry }
  | { readonly kind: 'changed'; readonly before: PriceEntry; readonly after: PriceEntry; readonly fields: readonly (keyof PriceEntry)[] }
  | { readonly kind: 'gone'; readonly before: PriceEntry };

/** By id, in its order. The page that a price was read on, and when, are no difference: they say nothing about what is charged. */
export function bookDifferences(before: PriceBook, after: PriceBook): readonly PriceDifference[] {
  const old = new Map(before.entries.map((entry) => [entry.id, entry]));
  const differences: PriceDifference[] = [];
  for (const entry of after.entries) {
    const previous = old.get(entry.id);
    old.delete(entry.id);
    if (previous === undefined) {
      differences.push({ kind: 'new', after: entry });
      continue;
    }
    const fields = CHARGED_FIELDS.filter((field) => textOf(previous[field]) !== textOf(entry[field]));
    if (fields.length > 0) differences.push({ kind: 'changed', before: previous, after: entry, fields });
  }
  for (const entry of old.values()) differences.push({ kind: 'gone', before: entry });
  return differences.toSorted((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
}

const CHARGED_FIELDS = [
  'price',
  'perUnits',
  'effectiveFromMs',
  'effectiveToMs',
  'models',
  'dated',
  'prefixes',
  'endings',
  'containing',
  'alsoFor',
  'upToInputTokens',
  'upToUnits',
] as const satisfies readonly (keyof PriceEntry)[];

function idOf(difference: PriceDifference): string {
  return difference.kind === 'gone' ? difference.before.id : difference.after.id;
}

function textOf(value: string | number | bigint | null | readonly string[]): string {
  return typeof value === 'object' && value !== null ? value.toSorted().join('\n') : String(value);
}
