/** `tokenledger prices import`: prices from a file of others, shown as what they would change in a book before they become one. */
import { readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { AppError, isRejected } from '@tokenledger/domain';
import {
  type ImportedBook,
  type ImportedPrices,
  type ImportOptions,
  importPrices,
  type PriceChange,
  readGenaiPrices,
  readLitellm,
} from '@tokenledger/pricing';
import { Command, InvalidArgumentError, Option } from 'commander';
import { withExamples } from '../command-line.ts';
import { bookAt, bookTextOf, SHIPPED } from '../price-files.ts';

const FORMATS = ['genai-prices', 'litellm'] as const;
type Format = (typeof FORMATS)[number];

/** What the project says of its own files: what it does not price apart costs what contains it. The other says nothing of the kind. */
const FORMAT_RULES: Readonly<Record<Format, { readonly url: string; readonly unlisted: 'unknown' | 'as_containing' }>> = {
  'genai-prices': { url: 'https://github.com/pydantic/genai-prices', unlisted: 'as_containing' },
  litellm: { url: 'https://github.com/BerriAI/litellm/blob/main/model_prices_and_context_window.json', unlisted: 'unknown' },
};

interface Options {
  readonly format: Format;
  readonly into: string;
  readonly provider?: readonly string[];
  readonly from?: string;
  readonly url?: string;
  readonly read: string;
  readonly author: string;
  readonly note: string;
  readonly write?: string;
}

const DAY_LENGTH = '2026-01-31'.length;

export function importCommand(): Command {
  const command = new Command('import')
    .description(
      'Show what a file of prices would change in a price book: new, changed and gone. With --write, write the book that it makes.',
    )
    .argument('<file>', 'the file of prices')
    .addOption(new Option('--format <format>', 'what it is').choices([...FORMATS]).makeOptionMandatory())
    .option('--into <book>', 'the price book that the prices go into', SHIPPED)
    .option('--provider <names...>', 'take the prices of these providers alone, as price books call them')
    .option(
      '--from <time>',
      'when changed prices begin to hold, e.g. 2026-01-31 or 2026-01-31T12:00:00Z (default: the next day, UTC)',
      moment,
    )
    .option('--url <page>', 'the page that the book names for them (default: that of the format)')
    .option('--read <day>', 'the day on which the file was got', moment, today())
    .option('--author <name>', 'who makes this version', userName())
    .option('--note <text>', 'why', '')
    .option('--write <file>', 'write the new book here')
    .action((file: string, options: Options) => run(file, options));
  return withExamples(
    command,
    ['tokenledger prices import model_prices.json --format litellm --provider openai', 'what it would change'],
    ['tokenledger prices import data.json --format genai-prices --into book.yaml --write book.yaml --note "autumn"', 'a new version'],
  );
}

function run(file: string, options: Options): void {
  const from = options.from ?? nextDay();
  const base = bookAt(options.into);
  const imported = readFile(file, options.format, {
    source: sourceName(options),
    since: options.read.slice(0, DAY_LENGTH),
    ...(options.provider === undefined ? {} : { providers: options.provider }),
  });
  const made = importPrices({
    text: bookTextOf(options.into),
    imported,
    source: {
      name: sourceName(options),
      url: options.url ?? FORMAT_RULES[options.format].url,
      date: options.read.slice(0, DAY_LENGTH),
      unlisted: FORMAT_RULES[options.format].unlisted,
    },
    from,
    about: {
      number: String((base.about?.number ?? 0) + 1),
      author: options.author,
      ...(options.note === '' ? {} : { note: options.note }),
      at: `${new Date().toISOString().slice(0, 'YYYY-MM-DDTHH:MM:SS'.length)}Z`,
    },
  });
  if (isRejected(made)) throw new AppError(made.code, made.message);
  console.log(importReport(made, from));
  if (made.changes.length === 0 || options.write === undefined) return;
  writeFileSync(options.write, made.text);
  console.log(
    `${options.write}: ${made.book.entries.length} prices, version ${made.book.version}. It holds once it is applied and activated.`,
  );
}

/** Throws `PRICES_UNREADABLE`. */
function readFile(file: string, format: Format, options: ImportOptions): ImportedPrices {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new AppError('PRICES_UNREADABLE', `the file ${file} cannot be read`, { cause });
  }
  const read = format === 'litellm' ? readLitellm(text, options) : readGenaiPrices(text, options);
  if (isRejected(read)) throw new AppError(read.code, `${file}: ${read.message}`);
  return read;
}

/** Sources of earlier imports keep their names: what they said still stands in the book. */
function sourceName({ format, read }: Pick<Options, 'format' | 'read'>): string {
  return `${format}-${read.slice(0, DAY_LENGTH)}`;
}

function importReport({ changes, gone, leftOut, unchanged }: Omit<ImportedBook, 'text' | 'book'>, from: string): string {
  const count = (kind: PriceChange['kind']): number => changes.filter((each) => each.kind === kind).length;
  return [
    ...changes.map(changeLine),
    ...gone.map((name) => `gone     ${name}: not in the file; its price stays`),
    ...leftOut.map(({ what, why }) => `left     ${what}: ${why}`),
    `from ${from} on: ${count('new')} new, ${count('changed')} changed; ${gone.length} gone, ${unchanged} names as they are, ${leftOut.length} left out`,
  ].join('\n');
}

function changeLine({ kind, provider, model, tier, usageClass, aboveInputTokens, before, after }: PriceChange): string {
  const above = aboveInputTokens === 0 ? '' : ` above ${aboveInputTokens} input tokens`;
  const where = `${provider}/${model} ${tier} ${usageClass}${above}`;
  return kind === 'new' ? `new      ${where}: ${after}` : `changed  ${where}: ${before ?? ''} → ${after}`;
}

function moment(text: string): string {
  const isMoment = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}:\d{2}Z)?$/.test(text) && !Number.isNaN(Date.parse(text));
  if (!isMoment) throw new InvalidArgumentError('Write a time as 2026-01-31 or 2026-01-31T12:00:00Z.');
  return text;
}

const DAY_MS = 86_400_000;
const today = (): string => new Date().toISOString().slice(0, DAY_LENGTH);
const nextDay = (): string => new Date(Date.now() + DAY_MS).toISOString().slice(0, DAY_LENGTH);

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run as a user without a name.
    return '';
  }
}
