/** The price book as people write it: one block per model and period. Every scalar is read as text, so that no price is ever a float. */
import { parseUsd, rejected, type Rejected, USAGE_CLASSES, type UsageClass } from '@tokenledger/domain';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { type PriceEntry, STANDARD_TIER } from './price-entry.ts';

const PER_UNITS_DEFAULT = 1_000_000;
const PROBLEMS_SHOWN_MAX = 10;

/** What people call a price that several classes share. Images in a prompt are billed as input unless priced apart, reasoning as output. */
const SHARED_PRICES = {
  input: ['uncached_input', 'input_image'],
  output: ['visible_output', 'reasoning'],
} as const satisfies Record<string, readonly UsageClass[]>;

const PRICE_PATTERN = /^(\S+)(?: per (\d{1,12}))?$/;
const DATE_PATTERN = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}:\d{2}Z)?$/;

const name = z.string().min(1);

const price = z.string().transform((text, context) => {
  const [, usd = '', per] = PRICE_PATTERN.exec(text) ?? [];
  const amount = parseUsd(usd);
  const perUnits = per === undefined ? undefined : Number(per);
  if (typeof amount === 'bigint' && amount >= 0n && perUnits !== 0) return { amount, perUnits };
  context.addIssue({ code: 'custom', message: `'${text}' is not a price: write USD in digits, e.g. 0.25, or 10 per 1000` });
  return z.NEVER;
});

const moment = z.string().transform((text, context) => {
  const ms = DATE_PATTERN.test(text) ? Date.parse(text) : Number.NaN;
  // A day that does not exist is moved into the next month.
  if (!Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text.slice(0, 10))) return ms;
  context.addIssue({ code: 'custom', message: `'${text}' is not a date: write 2026-01-31, or 2026-01-31T12:00:00Z` });
  return z.NEVER;
});

const day = z.string().regex(/^\d{4}-\d{2}-\d{2}$/, 'write a day as 2026-01-31');
const count = z
  .string()
  .regex(/^[1-9]\d{0,11}$/, 'write a whole number, at least 1')
  .transform(Number);
const classPrices = z.partialRecord(z.enum([...USAGE_CLASSES, 'input', 'output']), price);
const tierPrices = z.record(name, classPrices);

const source = z.strictObject({
  /** Page that states the prices. */
  url: z.url({ protocol: /^https$/ }),
  /** Day that page was read. */
  date: day,
});

const block = z.strictObject({
  provider: name,
  models: z.array(name).default([]),
  prefixes: z.array(name).default([]),
  region: z.string().default(''),
  effective_from: moment,
  effective_to: moment.optional(),
  /** A name from `sources`. */
  source: name,
  per_units: count.default(PER_UNITS_DEFAULT),
  /** By service tier, then by class. */
  prices: tierPrices,
  /** `prices` hold for requests with at most so many input tokens; what longer ones cost is not known. */
  up_to_input_tokens: count.optional(),
  /** For requests with more input than this `prices` do not hold, and these do. */
  long_context: z.strictObject({ above_input_tokens: count, prices: tierPrices }).optional(),
});

const bookFile = z.strictObject({
  sources: z.record(name, source),
  blocks: z.array(block).min(1),
});

type Block = z.output<typeof block>;
type Source = z.output<typeof source>;
type ClassPrices = z.output<typeof classPrices>;

/** Reads YAML or JSON. Rejects `PRICE_BOOK_INVALID`, naming the paths that are wrong. */
export function readBookFile(text: string): readonly PriceEntry[] | Rejected {
  // The failsafe schema knows no numbers: 0.30 stays the text that someone wrote.
  const document = parseDocument(text, { schema: 'failsafe', uniqueKeys: true });
  const [syntaxError] = document.errors;
  if (syntaxError !== undefined) return invalid([syntaxError.message]);
  const parsed = bookFile.safeParse(document.toJS());
  if (!parsed.success) return invalid(parsed.error.issues.map((issue) => `${pathText(issue.path)}: ${issue.message}`));
  const { sources, blocks } = parsed.data;
  const problems = blocks.flatMap((each, index) => blockProblems(each, sources).map((problem) => `blocks[${index}]${problem}`));
  if (problems.length > 0) return invalid(problems);
  return blocks.flatMap((each) => blockEntries(each, sources[each.source] as Source));
}

export function invalid(problems: readonly string[]): Rejected {
  const shown = problems.slice(0, PROBLEMS_SHOWN_MAX);
  const more = problems.length > shown.length ? `; and ${problems.length - shown.length} more` : '';
  return rejected('PRICE_BOOK_INVALID', `the price book is wrong at ${shown.join('; ')}${more}`);
}

function blockProblems(each: Block, sources: Readonly<Record<string, unknown>>): readonly string[] {
  const problems: string[] = [];
  if (each.models.length + each.prefixes.length === 0) problems.push(': names no model: write models or prefixes');
  if (!Object.hasOwn(sources, each.source)) problems.push(`.source: '${each.source}' is not among the sources`);
  if ((each.up_to_input_tokens ?? Infinity) <= (each.long_context?.above_input_tokens ?? 0)) {
    problems.push('.up_to_input_tokens: is not above long_context.above_input_tokens');
  }
  if (each.effective_to !== undefined && each.effective_to <= each.effective_from)
    problems.push('.effective_to: is not after effective_from');
  return problems;
}

function blockEntries(each: Block, from: Source): readonly PriceEntry[] {
  const { long_context: long, up_to_input_tokens: upTo = null } = each;
  if (long === undefined) return pricedEntries(each, from, each.prices, { above: 0, upTo });
  return [
    ...pricedEntries(each, from, each.prices, { above: 0, upTo: long.above_input_tokens }),
    ...pricedEntries(each, from, long.prices, { above: long.above_input_tokens, upTo }),
  ];
}

interface Band {
  readonly above: number;
  readonly upTo: number | null;
}

function pricedEntries(each: Block, from: Source, tiers: z.output<typeof tierPrices>, { above, upTo }: Band): readonly PriceEntry[] {
  return Object.entries(tiers).flatMap(([serviceTier, prices]) =>
    pricesByClass(prices).map(([usageClass, { amount, perUnits = each.per_units }]): PriceEntry => {
      const id = [
        each.provider,
        each.models[0] ?? `${each.prefixes[0]}*`,
        ...(each.region === '' ? [] : [each.region]),
        ...(serviceTier === STANDARD_TIER ? [] : [serviceTier]),
        above === 0 ? usageClass : `${usageClass}>${above}`,
        new Date(each.effective_from).toISOString().replace('T00:00:00.000Z', ''),
      ].join('/');
      return {
        id,
        provider: each.provider,
        models: each.models,
        prefixes: each.prefixes,
        serviceTier,
        region: each.region,
        aboveInputTokens: above,
        upToInputTokens: upTo,
        usageClass,
        price: amount,
        perUnits,
        effectiveFromMs: each.effective_from,
        effectiveToMs: each.effective_to ?? null,
        sourceUrl: from.url,
        sourceDate: from.date,
      };
    }),
  );
}

/** A class that is named itself goes before the price it would share. */
function pricesByClass(prices: ClassPrices): readonly (readonly [UsageClass, NonNullable<ClassPrices[UsageClass]>])[] {
  return USAGE_CLASSES.flatMap((usageClass) => {
    const shared = Object.entries(SHARED_PRICES).find(([, classes]) => classes.some((each) => each === usageClass))?.[0];
    const found = prices[usageClass] ?? (shared === undefined ? undefined : prices[shared as keyof typeof SHARED_PRICES]);
    return found === undefined ? [] : [[usageClass, found] as const];
  });
}

function pathText(path: readonly PropertyKey[]): string {
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  return text === '' ? 'the top' : text.replace(/^\./, '');
}
