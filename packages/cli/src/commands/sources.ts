/** `tokenledger sources`: who numbers events, and closing one whose journal is lost. */
import { randomUUID } from 'node:crypto';
import type { ClickHouse } from '@tokenledger/clickhouse';
import { AppError, isRejected } from '@tokenledger/domain';
import { openTable, type OutgoingRecord } from '@tokenledger/event-log';
import { lostRecord } from '@tokenledger/ingress';
import { decodeSourceState, encodeSourceState, identityHeaders, sourcePartition, type SourceState } from '@tokenledger/schemas';
import { Command } from 'commander';
import { settingsOf, withExamples, withShared } from '../command-line.ts';
import { type LedgerAccess, withLedger } from '../ledger.ts';
import { textTable } from '../registry/text-table.ts';
import { shellUser } from '../shell-user.ts';
import { untilWritten } from '../written.ts';
import { wholeNumber } from './topics.ts';

const SECOND_MS = 1_000;
const SECONDS_MAX = 86_400;
/** An ingress that is alive says something at least every ten seconds. */
const SILENT_MS = 60_000;
const SEND_RECORDS_MAX = 500;

export function sourcesCommand(): Command {
  return new Command('sources')
    .description('Look at who numbers events, and close a source whose journal is lost.')
    .addCommand(listCommand())
    .addCommand(closeCommand());
}

function listCommand(): Command {
  const command = new Command('list')
    .description('Every source as it said last, with what ClickHouse has of it and what it lacks; the newest first.')
    .option('--open', 'those that are not closed alone', false)
    .action(async (options: { readonly open: boolean }) => {
      console.log(await withLedger(settingsOf(command), { sends: false }, ({ clickhouse }) => sourceTable(clickhouse, options.open)));
    });
  return withExamples(withShared(command, 'config', 'data', 'clickhousePort'), [
    'tokenledger sources list --open',
    'those that number events now',
  ]);
}

interface CloseOptions {
  readonly note: string;
  readonly by: string;
  readonly force: boolean;
  readonly wait: number;
}

function closeCommand(): Command {
  const command = new Command('close')
    .description(
      'Close a source whose journal is lost for good: each number that never arrived becomes an unresolved event, reason journal_lost. Written to audit_log.',
    )
    .argument('<source>', 'as `tokenledger sources list` names it')
    .requiredOption('--note <text>', 'why, for the audit')
    .option('--by <name>', 'who, for the audit (default: the user of this shell)', shellUser())
    .option('--force', 'although it said something less than a minute ago', false)
    .option('--wait <seconds>', 'how long the pipeline may take to write what is on its way already', wholeNumber(0, SECONDS_MAX), 60)
    .action(async (source: string, options: CloseOptions) => {
      const lost = await withLedger(settingsOf(command), { sends: true }, (ledger) => closeSource(ledger, source, options));
      console.log(
        `${source} is closed; ${lost === 0 ? 'no number was missing' : `${lost} numbers that never arrived are recorded as lost`}.`,
      );
    });
  return withExamples(withShared(command, 'config', 'data', 'clickhousePort'), [
    'tokenledger sources close ingress/0199… --note "volume of node 7 destroyed"',
    'after its disk is gone',
  ]);
}

/** Gives how many numbers were missing. Throws `SOURCE_UNKNOWN`, `SOURCE_ALIVE`, `NOT_WRITTEN`. */
async function closeSource(ledger: LedgerAccess, source: string, options: CloseOptions): Promise<number> {
  const { log, topics, clickhouse } = ledger;
  const state = await stateOf(ledger, source);
  if (state === undefined) throw new AppError('SOURCE_UNKNOWN', `no source ${source} ever said anything: see \`tokenledger sources list\``);
  const silentMs = Date.now() - state.atMs;
  if (!state.closed && silentMs < SILENT_MS && !options.force) {
    throw new AppError(
      'SOURCE_ALIVE',
      `${source} said something ${Math.max(0, Math.round(silentMs / SECOND_MS))} s ago: stop its ingress, or say --force when that is done`,
    );
  }
  // What is on its way is not lost.
  await untilWritten(log, topics, options.wait * SECOND_MS);
  const producer = await log.producer();
  try {
    let lost = 0;
    for (const { partition, from, to } of await missingOf(clickhouse, source, state)) {
      for (let next = from; next <= to; next += SEND_RECORDS_MAX) {
        const last = Math.min(to, next + SEND_RECORDS_MAX - 1);
        const records = Array.from({ length: last - next + 1 }, (_, index) => lostEvent(source, partition, next + index));
        await producer.send(topics.usageEvents, partition, records);
        lost += records.length;
      }
    }
    const closed: SourceState = {
      ...state,
      atMs: Date.now(),
      closed: true,
      openRequests: 0,
      closedBy: { by: options.by, note: options.note },
    };
    const description = await log.describeTopic(topics.sources);
    await producer.send(topics.sources, sourcePartition(source, description?.partitions ?? 1), [
      { key: source, value: encodeSourceState(closed) },
    ]);
    return lost;
  } finally {
    await producer.close();
  }
}

function lostEvent(source: string, partition: number, sequence: number): OutgoingRecord {
  const record = lostRecord({ source, partition, sequence }, randomUUID(), Date.now());
  return { ...record, headers: identityHeaders({ source, sequence }) };
}

async function stateOf({ log, topics }: LedgerAccess, source: string): Promise<SourceState | undefined> {
  const states = await openTable<SourceState>({
    log,
    topic: topics.sources,
    decode(key, value) {
      const decoded = key === source ? decodeSourceState(value) : undefined;
      return decoded === undefined || isRejected(decoded) ? undefined : decoded;
    },
  });
  try {
    return states.get(source);
  } finally {
    await states.close();
  }
}

interface Missing {
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

/** Up to what the source said last in the log, which ClickHouse may not know yet. */
async function missingOf(clickhouse: ClickHouse, source: string, { partitions }: SourceState): Promise<readonly Missing[]> {
  const rows = await clickhouse.query<{
    readonly log_partition: number;
    readonly last: string;
    readonly missing_ranges: readonly (readonly [string, string])[];
  }>(
    `SELECT log_partition, greatest(last_sequence, ifNull(announced_sequence, 0)) AS last, missing_ranges FROM completeness WHERE source = {source:String}`,
    { params: { source } },
  );
  const missing = rows.flatMap(({ log_partition: partition, missing_ranges: ranges }) =>
    ranges.map(([from, to]): Missing => ({ partition, from: Number(from), to: Number(to) })),
  );
  for (const [partition, highest] of partitions) {
    const last = Number(rows.find((row) => row.log_partition === partition)?.last ?? 0);
    if (highest > last) missing.push({ partition, from: last + 1, to: highest });
  }
  return missing;
}

async function sourceTable(clickhouse: ClickHouse, openOnly: boolean): Promise<string> {
  const rows = await clickhouse.query<
    Readonly<Record<'source' | 'instance' | 'state' | 'at' | 'open' | 'rows' | 'missing' | 'repeats', string>>
  >(
    `SELECT source, instance, if(closed, if(closed_by = '', 'closed', concat('closed by ', closed_by)), 'open') AS state, toString(at) AS at,
       toString(open_requests) AS open, toString(rows) AS rows, toString(missing) AS missing, toString(repeats) AS repeats
     FROM (
       SELECT source, argMax(instance, sources.at) AS instance, argMax(closed, sources.at) AS closed, argMax(closed_by, sources.at) AS closed_by,
         argMax(open_requests, sources.at) AS open_requests, max(sources.at) AS at
       FROM sources GROUP BY source
     ) AS said
     LEFT JOIN (SELECT source, sum(rows) AS rows, sum(missing) AS missing, sum(repeats) AS repeats FROM completeness GROUP BY source) AS counted USING source
     ${openOnly ? 'WHERE NOT closed' : ''} ORDER BY said.at DESC`,
  );
  if (rows.length === 0) return openOnly ? 'No source is open.' : 'No source has said anything yet.';
  return textTable(
    ['SOURCE', 'INSTANCE', 'STATE', 'LAST SAID', 'OPEN REQUESTS', 'ROWS', 'MISSING', 'REPEATS'],
    rows.map(({ source, instance, state, at, open, rows: count, missing, repeats }) => [
      source,
      instance,
      state,
      at,
      open,
      count,
      missing,
      repeats,
    ]),
  );
}
