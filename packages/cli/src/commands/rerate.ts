/** `tokenledger rerate`: rates a period again, shows the difference, and posts it. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { formatUsd, uuidv7 } from '@tokenledger/domain';
import { type AgreedSchedule, type PriceBook, rateEvent } from '@tokenledger/pricing';
import {
  AMOUNTS,
  type Differences,
  rerate,
  RERATE_PREFIX,
  rerateDifferences,
  type RerateOptions,
  type Selection,
  type TallySums,
  total,
} from '@tokenledger/rerating';
import { Command } from 'commander';
import { settingsOf, withExamples, withShared } from '../command-line.ts';
import { EXIT } from '../exit.ts';
import { type LedgerAccess, withLedger } from '../ledger.ts';
import { progressLine, usd } from '../rerate/output.ts';
import { type PeriodOptions, retiredNote, selectionOf, withPeriod } from '../rerate/period.ts';
import { agreedAt, closedPeriods, namedBook, readDocuments } from '../rerate/prices.ts';
import { withWriting } from '../rerate/writing.ts';
import { textTable } from '../registry/text-table.ts';
import type { Settings } from '../settings.ts';
import { shellUser } from '../shell-user.ts';
import { wholeNumber } from './topics.ts';

interface Options extends PeriodOptions {
  readonly model?: readonly string[];
  readonly priceVersion: string;
  readonly dryRun: boolean;
  readonly allowUnpriced: boolean;
  readonly reopen: string;
  readonly note: string;
  readonly by: string;
  readonly wait: number;
}

const SECOND_MS = 1_000;
const WAIT_SECONDS_MAX = 86_400;
const ID_RANDOM_BYTES = 10;
/** Rows that are printed; `--format json` has all. */
const SHOWN_MAX = 50;

interface PostedStatement {
  readonly source: string | null;
  /** It had been fixed by an earlier run, which was interrupted. */
  readonly resumed: boolean;
}

const NOTHING_POSTED: PostedStatement = { source: null, resumed: false };

export function rerateCommand(): Command {
  const command = withPeriod(new Command('rerate'))
    .description(
      'Rate the events of a period again at another version of the prices, show the difference by tenant and model, and post it as signed corrections. Interrupted, the same command goes on; run again, it posts nothing twice. Unpriced events get their price the same way. Stop `tokenledger up` first unless it is a dry run; with Kafka everything runs on.',
    )
    .requiredOption(
      '--price-version <version>',
      "id of a price_book document, 'configured', 'shipped', or a version as rows name it, in full or its beginning",
    )
    .option('--model <name...>', 'events that asked for one of these models or were answered by it (default: all)')
    .option('--dry-run', 'show the difference, and post nothing', false)
    .option('--allow-unpriced', 'although events lose a price that they have, since the new prices do not know their model', false)
    .option('--reopen <reason>', 'correct closed periods too, and why: written to audit_log', '')
    .option('--note <text>', 'why, for the audit', '')
    .option('--by <name>', 'who, for the audit (default: the user of this shell)', shellUser())
    .option('--wait <seconds>', 'how long writers may take over what is in the log', wholeNumber(0, WAIT_SECONDS_MAX), 600)
    .action(async (options: Options) => {
      const [settings, selection] = [settingsOf(command), selectionOf(options, options.model ?? [])];
      await (options.dryRun ? show(settings, selection, options) : post(settings, selection, options));
    });
  return withExamples(
    withShared(command, 'config', 'data', 'clickhousePort'),
    ['tokenledger rerate --from 2026-10-01 --to 2026-11-01 --price-version autumn --dry-run', 'what it would change'],
    ['tokenledger rerate --from 2026-10-01 --to 2026-11-01 --price-version autumn', 'and post it'],
  );
}

async function show(settings: Settings, selection: Selection, options: Options): Promise<void> {
  await withLedger(settings, { sends: false }, async (ledger) => {
    const documents = await readDocuments(ledger);
    const book = namedBook(settings, documents, options.priceVersion);
    const found = await rerateDifferences(rating(ledger, book, agreedAt(documents), selection));
    print(options, book, found);
  });
}

/** Throws `PERIOD_CLOSED`, `PRICE_VERSION_UNKNOWN`, and what posting throws. */
async function post(settings: Settings, selection: Selection, options: Options): Promise<void> {
  await withLedger(settings, { sends: true }, async (ledger) => {
    const documents = await readDocuments(ledger);
    const book = namedBook(settings, documents, options.priceVersion);
    const source = `${RERATE_PREFIX}${uuidv7(Date.now(), randomBytes(ID_RANDOM_BYTES))}`;
    const producer = await ledger.log.producer();
    const sent = progressLine();
    try {
      await withWriting(settings, ledger, options.wait * SECOND_MS, async (writing) => {
        const found = await rerate({
          ...ledger,
          ...rating(ledger, book, agreedAt(documents), selection),
          producer,
          source,
          nowMs: Date.now(),
          facts: { by: options.by, note: options.note, reopen: options.reopen, details: { price_version: book.version } },
          closedPeriods: closedPeriods(documents),
          mayUnprice: options.allowUnpriced,
          instance: `${hostname()}/${process.pid}`,
          written: () => writing.written(),
          onUnfinished: ({ source: before, facts }) =>
            console.error(
              `${before}, of ${facts.by} for ${facts.from} to ${facts.to}, was fixed and not posted whole: it is posted first.`,
            ),
          onDifferences: (differences) => {
            if (options.format === 'table') print(options, book, differences);
          },
          onSent: ({ lines, sent: count }) => sent(`${count} of ${lines} corrections are sent`),
        });
        if (options.format === 'json') print(options, book, found, { source: found.posted?.source ?? null, resumed: found.resumed });
        if (found.posted === null) return;
        await writing.told();
        const { lines, refused } = found.posted;
        if (options.format === 'table') console.log(`${lines} corrections are posted as ${found.posted.source}, and in ClickHouse.`);
        if (found.resumed) {
          console.error('They are what the interrupted run found. Run it again for what has come to the period since, or was agreed anew.');
        }
        if (refused === 0) return;
        console.error(`${refused} of them were refused: \`tokenledger dead-letters list\` says why.`);
        process.exitCode = EXIT.failed;
      });
    } finally {
      await producer.close();
    }
  });
}

function rating({ clickhouse }: LedgerAccess, book: PriceBook, agreed: AgreedSchedule, selection: Selection): RerateOptions {
  const read = progressLine();
  return {
    clickhouse,
    selection,
    rate: (event) => rateEvent(event, book, agreed),
    onRead: ({ rows, of }) => read(`${rows} of ${of} rows are rated`),
  };
}

function print({ format }: Options, book: PriceBook, found: Differences, posted = NOTHING_POSTED): void {
  console.log(format === 'json' ? JSON.stringify(differencesJson(book, found, posted), null, 2) : differencesText(book, found));
}

function differencesText(book: Pick<PriceBook, 'version'>, { rows, orphans, retiredDays }: Differences): string {
  const sum = total(rows);
  const changed = rows.filter(({ corrected }) => corrected > 0);
  const shown = changed.slice(0, SHOWN_MAX);
  const { before, after } = sum.amounts.cost;
  const notes = [
    `${sum.corrected} of ${sum.events} events are corrected at price version ${book.version.slice(0, 12)}: ${usd(before)} USD become ${usd(after)}.`,
    ...(changed.length > shown.length ? [`${changed.length - shown.length} more tenants and models: --format json has all.`] : []),
    ...retiredNote(retiredDays, 'what left is not rated again'),
    ...(orphans > 0 ? [`${orphans} earlier corrections are of events that have left: they stay as they are.`] : []),
  ];
  if (shown.length === 0) return notes.join('\n');
  const table = textTable(
    ['TENANT', 'MODEL', 'EVENTS', 'CORRECTED', 'UNPRICED', 'COST BEFORE', 'AFTER', 'DIFFERENCE', 'BILLABLE DIFFERENCE'],
    [...shown, { tenant: 'all', model: '', ...sum }].map(({ tenant, model, events, corrected, amounts: { cost, billable } }) => [
      tenant,
      model,
      String(events),
      String(corrected),
      cost.unpricedBefore === cost.unpricedAfter ? String(cost.unpricedAfter) : `${cost.unpricedBefore} → ${cost.unpricedAfter}`,
      usd(cost.before),
      usd(cost.after),
      usd(cost.after - cost.before),
      usd(billable.after - billable.before),
    ]),
  );
  return [table, '', ...notes].join('\n');
}

function differencesJson(book: Pick<PriceBook, 'version'>, { rows, orphans, retiredDays }: Differences, posted: PostedStatement) {
  const toJson = ({ events, corrected, amounts }: TallySums) => ({
    events,
    corrected,
    ...Object.fromEntries(
      AMOUNTS.map((name) => {
        const { before, after, unpricedBefore, unpricedAfter } = amounts[name];
        const [before_usd, after_usd, difference_usd] = [before, after, after - before].map(formatUsd);
        return [name, { before_usd, after_usd, difference_usd, unpriced_before: unpricedBefore, unpriced_after: unpricedAfter }];
      }),
    ),
  });
  return {
    price_version: book.version,
    statement: posted.source,
    resumed: posted.resumed,
    total: toJson(total(rows)),
    rows: rows.map((row) => ({ tenant: row.tenant, model: row.model, ...toJson(row) })),
    retired_days: retiredDays,
    orphans,
  };
}
