/** Totals per usage class: those of the provider's bill, and the query for those of the ledger, in the same shape. */
import { type BillLine, CLASS_NAMES } from '@tokenledger/provider-simulator';

export function billTotals(billed: readonly BillLine[]): Readonly<Record<string, string>> {
  return Object.fromEntries(CLASS_NAMES.map((name) => [name, String(billed.reduce((sum, line) => sum + (line.classes?.[name] ?? 0), 0))]));
}

export function totalsQuery(from: string): string {
  return `SELECT ${CLASS_NAMES.map((name) => `toString(ifNull(sum(${column(name)}), 0)) AS ${name}`).join(', ')} FROM ${from}`;
}

function column(name: string): string {
  return name === 'web_search_requests' ? name : `${name}_tokens`;
}
