/** Costs that somebody worked out from providers' own price pages: quantities, the page's prices, their sum. */
import { CHARGED_CLASSES } from '@tokenledger/domain';
import { parse } from 'yaml';
import { z } from 'zod';

const UNITS_DEFAULT = 1_000_000;
const DECIMALS = 12;

const usage = z
  .tuple([z.number().int().positive(), z.string().regex(/^\d+(?:\.\d+)?$/)])
  .rest(z.number().int().positive())
  .transform(([quantity, price, perUnits = UNITS_DEFAULT]) => ({ quantity, price: picoOf(price), perUnits }));

const page = z.strictObject({ provider: z.string(), url: z.url({ protocol: /^https$/ }), date: z.iso.date() });

const handCase = z.strictObject({
  page: z.string(),
  model: z.string(),
  tier: z.string().default('standard'),
  at: z.string().optional(),
  uses: z.partialRecord(z.enum(CHARGED_CLASSES), usage),
  usd: z.string().transform(picoOf),
});

const file = z.strictObject({ pages: z.record(z.string(), page), cases: z.array(handCase) });

export type HandCase = z.output<typeof handCase> & { readonly provider: string; readonly url: string; readonly atMs: number };

/** Each case with its page; at noon of the page's day unless it says when. */
export function parseHandCases(text: string): readonly HandCase[] {
  const { pages, cases } = file.parse(parse(text, { schema: 'core' }));
  return cases.map((each) => {
    const cited = pages[each.page];
    if (cited === undefined) throw new Error(`no page is called ${each.page}`);
    const at = each.at ?? cited.date;
    return { ...each, provider: cited.provider, url: cited.url, atMs: Date.parse(at.length > DAY_LENGTH ? at : `${at}T12:00:00Z`) };
  });
}

const DAY_LENGTH = '2026-01-31'.length;

/** Digits to units of 10⁻¹² without the code that prices are read with: a mistake there would hide itself. */
function picoOf(digits: string): bigint {
  const [whole = '', fraction = ''] = digits.split('.');
  return BigInt(whole + fraction.padEnd(DECIMALS, '0'));
}
