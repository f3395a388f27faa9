/** The shape of a price book's file. Every scalar comes as text, so that no price is ever a float. */
import { FEE_CLASSES, USAGE_CLASSES } from '@tokenledger/domain';
import { z } from 'zod';
import { UNLISTED } from './containing-classes.ts';
import { parsePrices } from './price-text.ts';
import { parseTimeOfDay } from './time-of-day.ts';

const PER_UNITS_DEFAULT = 1_000_000;
const MOMENT_PATTERN = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}:\d{2}Z)?$/;

const name = z.string().min(1);
const names = z.array(name).default([]);

const prices = z.union([z.string(), z.array(z.string())]).transform((written, context) => {
  const parsed = parsePrices(written);
  if (parsed !== null) return parsed;
  const what = typeof written === 'string' ? `'${written}' is not a price` : 'these are no marginal prices';
  const how = 'write USD in digits, e.g. 0.25, 10 per 1000, 0.36 per hour, or a list as [3 up to 1000000, 2]';
  context.addIssue({ code: 'custom', message: `${what}: ${how}` });
  return z.NEVER;
});

const moment = z.string().transform((text, context) => {
  const ms = MOMENT_PATTERN.test(text) ? Date.parse(text) : Number.NaN;
  // A day that does not exist is moved into the next month.
  if (!Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text.slice(0, 10))) return ms;
  context.addIssue({ code: 'custom', message: `'${text}' is not a date: write 2026-01-31, or 2026-01-31T12:00:00Z` });
  return z.NEVER;
});

const timeOfDay = z.string().transform((text, context) => {
  const hours = parseTimeOfDay(text);
  if (hours !== null) return hours;
  context.addIssue({ code: 'custom', message: `'${text}' is not a time of day: write UTC as 16:30-00:30, or 01:00-04:00 mon-fri` });
  return z.NEVER;
});

const day = z.string().regex(/^\d{4}-\d{2}-\d{2}$/, 'write a day as 2026-01-31');
const count = z
  .string()
  .regex(/^[1-9]\d{0,11}$/, 'write a whole number, at least 1')
  .transform(Number);
const classPrices = z.partialRecord(z.enum([...USAGE_CLASSES, ...FEE_CLASSES, 'input', 'output']), prices);
const tierPrices = z.record(name, classPrices);

const source = z.strictObject({
  /** Page that states the prices. */
  url: z.url({ protocol: /^https$/ }),
  /** Day that page was read. */
  date: day,
  /** `as_containing`: the page says, or is known to mean, that what it does not list costs what contains it: cached input as input, sound as text.
   *  `caches_as_input`: only that what is read from caches and written to them costs what input costs. */
  unlisted: z.enum(UNLISTED).default('unknown'),
});

const provider = z.strictObject({
  /** Other names of the same provider, as channels may have them. */
  also: names,
  /** Whose prices hold for models that this provider has no price of its own for, in order. */
  else: names,
  /** `listed`: models are called PROVIDER/MODEL and, without a price of their own, cost what they cost there. */
  resells: z.enum(['no', 'listed']).default('no'),
});

const block = z.strictObject({
  provider: name,
  models: names,
  dated: names,
  prefixes: names,
  endings: names,
  containing: names,
  region: z.string().default(''),
  effective_from: moment,
  effective_to: moment.optional(),
  /** A name from `sources`. */
  source: name,
  per_units: count.default(PER_UNITS_DEFAULT),
  /** UTC; the block is the exception to one without. */
  daily: timeOfDay.optional(),
  /** By service tier, then by class. */
  prices: tierPrices.optional(),
  /** Instead of prices: why nobody knows them. What was served then has no cost. */
  unknown: name.optional(),
  /** `prices` hold for requests with at most so many input tokens; what longer ones cost is not known. */
  up_to_input_tokens: count.optional(),
  /** For requests with more input than this `prices` do not hold, and these do. */
  long_context: z.strictObject({ above_input_tokens: count, prices: tierPrices }).optional(),
});

/** What people want to know of a version; no part of what it says. */
export const aboutBook = z.strictObject({
  number: count.optional(),
  author: z.string().default(''),
  note: z.string().default(''),
  /** When it was written. */
  at: moment.optional(),
});

export const bookFile = z.strictObject({
  about: aboutBook.optional(),
  sources: z.record(name, source),
  providers: z.record(name, provider).default({}),
  blocks: z.array(block).min(1),
});

export type BookFile = z.output<typeof bookFile>;
export type AboutBook = z.output<typeof aboutBook>;
export type Block = z.output<typeof block>;
export type Source = z.output<typeof source>;
export type ClassPrices = z.output<typeof classPrices>;
export type TierPrices = z.output<typeof tierPrices>;
export type ProviderRules = z.output<typeof provider>;
