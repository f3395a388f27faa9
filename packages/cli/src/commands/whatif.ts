/** `tokenledger whatif`: what a period would have cost on another model or tier, or with another share of its input from a cache. */
import { AppError, formatUsd } from '@tokenledger/domain';
import { type PriceSchedule, rateEvent } from '@tokenledger/pricing';
import { type Change, type OtherModel, type Selection, whatIf, type WhatIf, type WhatIfRow } from '@tokenledger/rerating';
import { Command, InvalidArgumentError } from 'commander';
import { settingsOf, withExamples, withShared } from '../command-line.ts';
import { withLedger } from '../ledger.ts';
import { progressLine, usd } from '../rerate/output.ts';
import { type PeriodOptions, retiredNote, selectionOf, withPeriod } from '../rerate/period.ts';
import { activatedBooks, agreedAt, namedBook, readDocuments } from '../rerate/prices.ts';
import { textTable } from '../registry/text-table.ts';
import type { Settings } from '../settings.ts';
import { wholeNumber } from './topics.ts';

interface Options extends PeriodOptions {
  readonly model?: ReadonlyMap<string, OtherModel>;
  readonly tier?: string;
  readonly cachedInput?: number;
  readonly priceVersion?: string;
}

const PERCENT_MAX = 100;

export function whatifCommand(): Command {
  const command = withPeriod(new Command('whatif'))
    .description(
      'What the events of a period would have cost otherwise, by tenant and feature: the same tokens on another model or tier, or with another share of the input from a cache. Compared with what they cost by the ledger; nothing is posted.',
    )
    .option(
      '--model <a=b>',
      'what model a answered, on b; b may name its provider: a=PROVIDER/b. Repeat it for more models',
      addModel,
      new Map(),
    )
    .option('--tier <name>', 'at this service tier: batch, flex, priority …')
    .option(
      '--cached-input <percent>',
      'so much of the text that was read from a cache, and none written to one',
      wholeNumber(0, PERCENT_MAX),
    )
    .option('--price-version <version>', 'at these prices, as for `rerate` (default: those in force at each event’s time)')
    .action(async (options: Options) => {
      const selection = selectionOf(options, [...(options.model?.keys() ?? [])]);
      if (options.model === undefined && options.tier === undefined && options.cachedInput === undefined) {
        throw new AppError('USAGE', 'say what is to be otherwise: --model, --tier or --cached-input');
      }
      const found = await ask(settingsOf(command), selection, options);
      console.log(options.format === 'json' ? JSON.stringify(whatIfJson(found), null, 2) : whatIfText(found));
    });
  return withExamples(
    withShared(command, 'config', 'data', 'clickhousePort'),
    ['tokenledger whatif --from 2026-10-01 --to 2026-11-01 --model gpt-5.4=gpt-5.4-mini', 'on a smaller model'],
    ['tokenledger whatif --from 2026-10-01 --to 2026-11-01 --tier batch', 'as a batch'],
    ['tokenledger whatif --from 2026-10-01 --to 2026-11-01 --cached-input 0', 'without a cache'],
  );
}

async function ask(settings: Settings, selection: Selection, options: Options): Promise<WhatIf> {
  return withLedger(settings, { sends: false }, async (ledger) => {
    const documents = await readDocuments(ledger);
    const agreed = agreedAt(documents);
    const { priceVersion } = options;
    const book = priceVersion === undefined ? undefined : namedBook(settings, documents, priceVersion);
    const prices: Pick<PriceSchedule, 'bookAt'> = book === undefined ? activatedBooks(settings, documents) : { bookAt: () => book };
    const read = progressLine();
    return whatIf({
      clickhouse: ledger.clickhouse,
      selection,
      change: changeOf(options),
      costOf: (attempt, event) =>
        rateEvent({ ...event, attempts: [attempt], avoidedUsage: null }, prices.bookAt(event.occurredAtMs), agreed).ratings[0]?.cost ??
        null,
      onRead: ({ rows, of }) => read(`${rows} of ${of} rows are rated`),
    });
  });
}

function changeOf({ model, tier, cachedInput }: Options): Change {
  return {
    models: model ?? new Map(),
    ...(tier === undefined ? {} : { tier }),
    ...(cachedInput === undefined ? {} : { cachedPercent: cachedInput }),
  };
}

function whatIfText({ rows, retiredDays }: WhatIf): string {
  const notes = retiredNote(retiredDays, 'they are not in it');
  if (rows.length === 0) return ['Nothing would have been otherwise.', ...notes].join('\n\n');
  const table = textTable(
    ['TENANT', 'FEATURE', 'COMPARED', 'UNKNOWN', 'COST USD', 'WHAT IF USD', 'DIFFERENCE USD', 'SHARE'],
    [...rows, { ...totalOf(rows), tenant: 'all', feature: '' }].map((row) => [
      row.tenant,
      row.feature,
      String(row.compared),
      String(row.unknown),
      usd(row.cost),
      usd(row.whatIf),
      usd(row.whatIf - row.cost),
      share(row),
    ]),
  );
  return [table, ...notes].join('\n\n');
}

function whatIfJson({ rows, retiredDays, orphans }: WhatIf) {
  const toJson = ({ compared, unknown, cost, whatIf: other }: Omit<WhatIfRow, 'tenant' | 'feature'>) => ({
    compared,
    unknown,
    cost_usd: formatUsd(cost),
    what_if_usd: formatUsd(other),
    difference_usd: formatUsd(other - cost),
  });
  return {
    total: toJson(totalOf(rows)),
    rows: rows.map((row) => ({ tenant: row.tenant, feature: row.feature, ...toJson(row) })),
    retired_days: retiredDays,
    orphans,
  };
}

function totalOf(rows: readonly WhatIfRow[]): Omit<WhatIfRow, 'tenant' | 'feature'> {
  return rows.reduce(
    (sum, row) => ({
      compared: sum.compared + row.compared,
      unknown: sum.unknown + row.unknown,
      cost: sum.cost + row.cost,
      whatIf: sum.whatIf + row.whatIf,
    }),
    { compared: 0, unknown: 0, cost: 0n, whatIf: 0n },
  );
}

/** Of the cost, in tenths of a percent, cut off. */
function share({ cost, whatIf: other }: Pick<WhatIfRow, 'cost' | 'whatIf'>): string {
  if (cost === 0n) return '';
  const thousandths = (other * 1_000n) / cost;
  return `${thousandths / 10n}.${thousandths % 10n < 0n ? -(thousandths % 10n) : thousandths % 10n} %`;
}

function addModel(text: string, known?: ReadonlyMap<string, OtherModel>): ReadonlyMap<string, OtherModel> {
  const [from, to, ...rest] = text.split('=');
  if (from === undefined || from === '' || to === undefined || to === '' || rest.length > 0) {
    throw new InvalidArgumentError('Write a=b: what a answered, on b.');
  }
  const slash = to.indexOf('/');
  const other = slash < 1 ? { model: to } : { provider: to.slice(0, slash), model: to.slice(slash + 1) };
  return new Map([...(known ?? []), [from, other]]);
}
