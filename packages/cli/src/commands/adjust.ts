/** `tokenledger adjust`: posts what tiers of contracts and allowances of rate cards change of a month, up to a day. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { AppError, formatUsd, isRejected, uuidv7 } from '@tokenledger/domain';
import {
  lastSealedDay,
  monthThrough,
  postVolumes,
  total,
  VOLUME_PREFIX,
  type VolumeDifferences,
  volumeDifferences,
  type VolumeOptions,
  type VolumeReached,
} from '@tokenledger/rerating';
import { Command, Option } from 'commander';
import { settingsOf, withExamples, withShared } from '../command-line.ts';
import { EXIT } from '../exit.ts';
import { type LedgerAccess, withLedger } from '../ledger.ts';
import { progressLine, usd } from '../rerate/output.ts';
import { agreementsIn, closedPeriods, readDocuments } from '../rerate/prices.ts';
import { withWriting } from '../rerate/writing.ts';
import { textTable } from '../registry/text-table.ts';
import type { Settings } from '../settings.ts';
import { shellUser } from '../shell-user.ts';
import { wholeNumber } from './topics.ts';

interface Options {
  readonly day?: string;
  readonly dryRun: boolean;
  readonly reopen: string;
  readonly note: string;
  readonly by: string;
  readonly wait: number;
  readonly format: 'table' | 'json';
}

const SECOND_MS = 1_000;
const WAIT_SECONDS_MAX = 86_400;
const ID_RANDOM_BYTES = 10;
/** Rows that are printed; `--format json` has all. */
const SHOWN_MAX = 50;

export function adjustCommand(): Command {
  const command = new Command('adjust')
    .description(
      'Count the volume of a month up to a day, and post what tiers of contracts and allowances of rate cards change of what its events were rated at. What was posted before is taken into account: run again, it posts nothing, and after late events or a re-rating what is missing. Writers do this by themselves for every day that is over; the command is for looking, and for months that they are done with. Stop `tokenledger up` first unless it is a dry run; with Kafka everything runs on.',
    )
    .option('--day <day>', 'last day that counts, e.g. 2026-10-31 (default: the last one that is sealed)')
    .option('--dry-run', 'show the volumes and the difference, and post nothing', false)
    .option('--reopen <reason>', 'correct closed periods too, and why: written to audit_log', '')
    .option('--note <text>', 'why, for the audit', '')
    .option('--by <name>', 'who, for the audit (default: the user of this shell)', shellUser())
    .option('--wait <seconds>', 'how long writers may take over what is in the log', wholeNumber(0, WAIT_SECONDS_MAX), 600)
    .addOption(new Option('--format <name>', 'how to print it').choices(['table', 'json']).default('table'))
    .action(async (options: Options) => {
      await (options.dryRun ? show(settingsOf(command), options) : post(settingsOf(command), options));
    });
  return withExamples(
    withShared(command, 'config', 'data', 'clickhousePort'),
    ['tokenledger adjust --dry-run', 'volumes of the month so far, and what they change'],
    ['tokenledger adjust --day 2026-10-31', 'post it for October'],
  );
}

async function show(settings: Settings, options: Options): Promise<void> {
  await withLedger(settings, { sends: false }, async (ledger) => {
    const day = await dayOf(ledger, options);
    print(options, day, await volumeDifferences(reading(ledger, day, agreementsIn(await readDocuments(ledger)))), null);
  });
}

/** Throws `PERIOD_CLOSED`, `VOLUME_UNKNOWN`, and what posting throws. */
async function post(settings: Settings, options: Options): Promise<void> {
  await withLedger(settings, { sends: true }, async (ledger) => {
    const day = await dayOf(ledger, options);
    const documents = await readDocuments(ledger);
    const source = `${VOLUME_PREFIX}${uuidv7(Date.now(), randomBytes(ID_RANDOM_BYTES))}`;
    const producer = await ledger.log.producer();
    const sent = progressLine();
    try {
      await withWriting(settings, ledger, options.wait * SECOND_MS, async (writing) => {
        const found = await postVolumes({
          ...ledger,
          ...reading(ledger, day, agreementsIn(documents)),
          producer,
          source,
          nowMs: Date.now(),
          facts: { by: options.by, note: options.note, reopen: options.reopen },
          closedPeriods: closedPeriods(documents),
          instance: `${hostname()}/${process.pid}`,
          written: () => writing.written(),
          onUnfinished: ({ source: before, facts }) =>
            console.error(
              `${before}, of ${facts.by} for ${facts.from} to ${facts.to}, was fixed and not posted whole: it is posted first.`,
            ),
          onDifferences: (differences) => {
            if (options.format === 'table') print(options, day, differences, null);
          },
          onSent: ({ lines, sent: count }) => sent(`${count} of ${lines} corrections are sent`),
        });
        if (options.format === 'json') print(options, day, found, found.posted?.source ?? null);
        if (found.posted === null) return;
        await writing.told();
        const { lines, refused } = found.posted;
        if (options.format === 'table') console.log(`${lines} corrections are posted as ${source}, and in ClickHouse.`);
        if (refused === 0) return;
        console.error(`${refused} of them were refused: \`tokenledger dead-letters list\` says why.`);
        process.exitCode = EXIT.failed;
      });
    } finally {
      await producer.close();
    }
  });
}

/** Throws `USAGE`. */
async function dayOf({ clickhouse }: LedgerAccess, { day }: Options): Promise<string> {
  const chosen = day ?? (await lastSealedDay(clickhouse, Date.now()));
  if (chosen === null) throw new AppError('USAGE', 'no day is over and sealed yet: say --day');
  return chosen;
}

function reading({ clickhouse }: LedgerAccess, day: string, agreements: VolumeOptions['agreements']): VolumeOptions {
  const period = monthThrough(day);
  if (isRejected(period)) throw new AppError(period.code, period.message);
  const read = progressLine();
  return { clickhouse, period, agreements, onRead: ({ rows, of }) => read(`${rows} of ${of} rows are counted`) };
}

function print({ format }: Options, day: string, found: VolumeDifferences, source: string | null): void {
  console.log(format === 'json' ? JSON.stringify(toJson(day, found, source), null, 2) : toText(day, found));
}

function toText(day: string, { rows, reached }: VolumeDifferences): string {
  if (reached.length === 0) return `Nothing was used in the month of ${day} that a contract or a rate card has tiers or allowances for.`;
  const sum = total(rows);
  const changed = rows.filter(({ corrected }) => corrected > 0);
  const shown = changed.slice(0, SHOWN_MAX);
  const volumes = textTable(
    ['DOCUMENT', 'TENANT', 'TERM', 'VOLUME', 'MEASURE'],
    reached
      .slice(0, SHOWN_MAX)
      .map((each) => [`${each.kind} ${each.document}`, each.tenant, termName(each), volumeText(each), each.measure]),
  );
  const differences = textTable(
    ['TENANT', 'MODEL', 'CORRECTED', 'COST BEFORE', 'AFTER', 'DIFFERENCE', 'BILLABLE DIFFERENCE'],
    [...shown, { tenant: 'all', model: '', ...sum }].map(({ tenant, model, corrected, amounts: { cost, billable } }) => [
      tenant,
      model,
      String(corrected),
      usd(cost.before),
      usd(cost.after),
      usd(cost.after - cost.before),
      usd(billable.after - billable.before),
    ]),
  );
  const hidden = Math.max(changed.length - shown.length, 0) + Math.max(reached.length - SHOWN_MAX, 0);
  return [
    `Volumes of the month through ${day}:`,
    volumes,
    '',
    ...(shown.length === 0 ? [] : [differences, '']),
    `${sum.corrected} of ${sum.events} events are corrected.`,
    ...(hidden > 0 ? [`${hidden} more rows: --format json has all.`] : []),
  ].join('\n');
}

function termName({ kind, term }: VolumeReached): string {
  return `${kind === 'contract' ? 'volume_tiers' : 'included'}[${term}]`;
}

function volumeText({ measure, volume }: VolumeReached): string {
  return measure === 'usd' ? usd(volume) : String(volume);
}

function toJson(day: string, { rows, reached }: VolumeDifferences, source: string | null) {
  const sums = ({ events, corrected, amounts }: (typeof rows)[number] | ReturnType<typeof total>) => ({
    events,
    corrected,
    cost_before_usd: formatUsd(amounts.cost.before),
    cost_after_usd: formatUsd(amounts.cost.after),
    billable_before_usd: formatUsd(amounts.billable.before),
    billable_after_usd: formatUsd(amounts.billable.after),
  });
  return {
    through: day,
    statement: source,
    volumes: reached.map((each) => ({
      kind: each.kind,
      document: each.document,
      tenant: each.tenant,
      term: termName(each),
      measure: each.measure,
      volume: each.measure === 'usd' ? formatUsd(each.volume) : String(each.volume),
    })),
    total: sums(total(rows)),
    rows: rows.map((row) => ({ tenant: row.tenant, model: row.model, ...sums(row) })),
  };
}
