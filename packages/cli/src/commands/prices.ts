/** `tokenledger prices`: looks at price books: whether a file is one, what a model costs, what is doubtful, what differs between two. */
import { formatUsd } from '@tokenledger/domain';
import {
  bookDifferences,
  bookDoubts,
  checkPriceBook,
  formatTimeOfDay,
  type PriceBook,
  type PriceDifference,
  type PriceEntry,
  problemText,
} from '@tokenledger/pricing';
import { Command } from 'commander';
import { withExamples } from '../command-line.ts';
import { EXIT } from '../exit.ts';
import { parseTime } from '../parse-time.ts';
import { textTable } from '../registry/text-table.ts';
import { bookAt, bookTextOf, SHIPPED } from '../price-files.ts';
import { importCommand } from './prices-import.ts';
import { wholeNumber } from './topics.ts';

const SOURCE_DAYS_DEFAULT = 180;
const SOURCE_DAYS_MAX = 10_000;

interface ShowOptions {
  readonly book: string;
  readonly provider?: string;
  readonly at: number;
}

export function pricesCommand(): Command {
  return new Command('prices')
    .description('Look at price books: check a file, show what a model costs, find what is doubtful, compare two, import others.')
    .addCommand(checkCommand())
    .addCommand(showCommand())
    .addCommand(lintCommand())
    .addCommand(diffCommand())
    .addCommand(importCommand());
}

function checkCommand(): Command {
  const command = new Command('check')
    .description('Say whether a file is a price book, and with line and path all that is wrong with it. Exits with 1 when anything is.')
    .argument('<file>', 'the file')
    .action((file: string) => {
      const text = bookTextOf(file);
      const problems = checkPriceBook(text);
      for (const problem of problems) console.log(`${file}: ${problemText(problem)}`);
      if (problems.length > 0) process.exitCode = EXIT.failed;
      else console.log(bookSentence(bookAt(file)));
    });
  return withExamples(command, ['tokenledger prices check book.yaml', 'before it is applied']);
}

function showCommand(): Command {
  const command = new Command('show')
    .description('What a model costs, by class and tier, at a time; and what names are near when no price is known.')
    .argument('<model>', 'as answers name it')
    .option('--provider <name>', 'this provider alone (default: all that have the model)')
    .option('--at <time>', 'when, e.g. 2026-01-31 or 2026-01-31T12:00:00Z (default: now)', parseTime, Date.now())
    .option('--book <file>', 'the price book', SHIPPED)
    .action((model: string, options: ShowOptions) => console.log(shownPrices(bookAt(options.book), model, options)));
  return withExamples(
    command,
    ['tokenledger prices show gpt-5.4', 'what it costs now'],
    ['tokenledger prices show o3 --provider openai --at 2025-06-09', 'what it cost then'],
  );
}

function lintCommand(): Command {
  const command = new Command('lint')
    .description('What a price book may say and is likely wrong: old sources, prices that ended, caches dearer than input.')
    .argument('[file]', 'the price book', SHIPPED)
    .option('--source-days <n>', 'pages read longer ago are old', wholeNumber(1, SOURCE_DAYS_MAX), SOURCE_DAYS_DEFAULT)
    .action((file: string, { sourceDays }: { readonly sourceDays: number }) => {
      const doubts = bookDoubts(bookAt(file), { nowMs: Date.now(), sourceDaysMax: sourceDays });
      for (const { kind, entry, message } of doubts) console.log(`${kind} ${entry.id}: ${message}`);
      if (doubts.length === 0) console.log('nothing is doubtful');
    });
  return withExamples(command, ['tokenledger prices lint', 'of the book that ships']);
}

function diffCommand(): Command {
  const command = new Command('diff')
    .description('What a price book says otherwise than another: new, changed and gone prices.')
    .argument('<before>', `a file, or '${SHIPPED}'`)
    .argument('<after>', `a file, or '${SHIPPED}'`)
    .action((before: string, after: string) => {
      const differences = bookDifferences(bookAt(before), bookAt(after));
      for (const difference of differences) console.log(differenceLine(difference));
      console.log(countsLine(differences));
    });
  return withExamples(command, [`tokenledger prices diff ${SHIPPED} mine.yaml`, 'what my book changes']);
}

/** Prices in force at a time, by provider, tier and class. */
export function shownPrices(book: PriceBook, model: string, { provider, at }: Pick<ShowOptions, 'provider' | 'at'>): string {
  const providers = provider === undefined ? [...new Set(book.entries.map((entry) => entry.provider))].toSorted() : [provider];
  const rows = providers.flatMap((name) =>
    (book.pricesOf(name, model)?.entries ?? [])
      .filter((entry) => entry.effectiveFromMs <= at && at < (entry.effectiveToMs ?? Infinity))
      .map((entry) => priceRow(name, entry)),
  );
  if (rows.length > 0) return textTable(['PROVIDER', 'TIER', 'REGION', 'CLASS', 'PRICE', 'FOR', 'SINCE', 'SOURCE', 'READ'], rows);
  const candidates = book.candidates(provider ?? '', model);
  const near = candidates.length === 0 ? 'no name is near' : `near are ${candidates.join(', ')}`;
  return `no price of ${model} is known at ${new Date(at).toISOString()}: ${near}`;
}

function priceRow(provider: string, entry: PriceEntry): readonly string[] {
  const since = new Date(entry.effectiveFromMs).toISOString().slice(0, 10);
  return [
    provider,
    entry.serviceTier,
    entry.region,
    entry.usageClass,
    priceText(entry),
    circumstances(entry),
    since,
    entry.sourceUrl,
    entry.sourceDate,
  ];
}

function priceText({ price, perUnits }: PriceEntry): string {
  return `${formatUsd(price).replace(/\.?0+$/, '')} per ${perUnits}`;
}

function circumstances({ aboveInputTokens, upToInputTokens, aboveUnits, upToUnits, daily }: PriceEntry): string {
  const parts: string[] = [];
  if (aboveInputTokens > 0) parts.push(`input above ${aboveInputTokens}`);
  if (upToInputTokens !== null) parts.push(`input up to ${upToInputTokens}`);
  if (aboveUnits > 0) parts.push(`units above ${aboveUnits}`);
  if (upToUnits !== null) parts.push(`units up to ${upToUnits}`);
  if (daily !== null) parts.push(`${formatTimeOfDay(daily)} UTC`);
  return parts.join(', ');
}

export function differenceLine(difference: PriceDifference): string {
  switch (difference.kind) {
    case 'new':
      return `new      ${difference.after.id}: ${priceText(difference.after)}`;
    case 'gone':
      return `gone     ${difference.before.id}: ${priceText(difference.before)}`;
    case 'changed': {
      const [before, after] = [priceText(difference.before), priceText(difference.after)];
      const others = difference.fields.filter((field) => field !== 'price' && field !== 'perUnits');
      const prices = before === after ? before : `${before} → ${after}`;
      return `changed  ${difference.after.id}: ${prices}${others.length > 0 ? ` (${others.join(', ')})` : ''}`;
    }
  }
}

function countsLine(differences: readonly PriceDifference[]): string {
  const count = (kind: PriceDifference['kind']): number => differences.filter((each) => each.kind === kind).length;
  return `${count('new')} new, ${count('changed')} changed, ${count('gone')} gone`;
}

export function bookSentence({ about, entries, version }: Pick<PriceBook, 'about' | 'entries' | 'version'>): string {
  const { number, author, note, at } = about;
  const by = [
    ...(number === undefined ? [] : [`number ${number}`]),
    ...(author === '' ? [] : [`by ${author}`]),
    ...(at === undefined ? [] : [`of ${new Date(at).toISOString()}`]),
    ...(note === '' ? [] : [`(${note})`]),
  ].join(' ');
  return `a price book of ${entries.length} prices, version ${version}${by === '' ? '' : `, ${by}`}`;
}
