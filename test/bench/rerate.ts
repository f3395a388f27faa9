/** How long `tokenledger rerate` takes for a period that is in ClickHouse, killed once while it rates and once while it posts, a third into each, on the embedded log.
 *
 *  `--events N` (1,000,000; at least 100,000, or it is done before it can be killed); `--json` prints the last line alone, and what goes on to stderr. Ends with 1 when sums are not exact to the last decimal, when it was not killed twice, or when
 *  it took longer than 1 s for 5,000 events, kills and starts included. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type ClickHouse, openClickHouse, quoteString, runMigrations, startEmbeddedClickHouse } from '@tokenledger/clickhouse';
import { openEmbeddedLog, topicNames, topicSpecs } from '@tokenledger/event-log';
import { startCli } from '../support/cli.ts';
import { repositoryRoot } from '../support/repository.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { rounded } from './support/statistics.ts';

const { values: options } = parseArgs({
  options: { json: { type: 'boolean', default: false }, events: { type: 'string', default: '1000000' } },
});
const EVENTS = Number(options.events);
const PARTITIONS = 12;
const ROWS_PER_INSERT = 100_000;
const GOAL_PER_SECOND = 5_000;
const RUN_MS_MAX = 3_600_000;
const LOOK_MS = 20;
const STOP_MS = 10_000;
/** Of what is to be rated, or sent. */
const KILLED_AT = 1 / 3;
const RETENTION_MS = 86_400_000;
const FROM = '2026-10-01';
const TO = '2026-10-31';
const PERIOD_SECONDS = 30 * 86_400;
/** Of a million units, before and after. */
const [INPUT_BEFORE, OUTPUT_BEFORE, INPUT_AFTER, OUTPUT_AFTER] = [3, 15, 2.5, 16];
const BOOK = `sources: { page: { url: 'https://example.com', date: 2026-01-01 } }
blocks: [{ provider: acme, models: [big], effective_from: 2020-01-01, source: page, prices: { standard: { input: ${INPUT_AFTER}, output: ${OUTPUT_AFTER} } } }]
`;

await using folder = await makeTempDir('rerate-bench');
const data = join(folder.path, 'data');
const prepared = await timed('filling the table', prepare);
const rated = await timed('rating, until it is killed', () => killedAt(/(\d+) of (\d+) rows are rated/g));
const fixed = await timed('rating again, and posting, until it is killed', () => killedAt(/(\d+) of (\d+) corrections are sent/g));
const posted = await timed('posting to its end', run);
const checked = await timed('adding up', () => withClickHouse(exact));
const kills = [rated.result, fixed.result].filter(Boolean).length;
const seconds = rated.seconds + fixed.seconds + posted.seconds;
const isExact = checked.result;
const figures = {
  bench: 'rerate',
  events: EVENTS,
  kills,
  seconds: rounded(seconds, 1),
  events_per_second: rounded(EVENTS / seconds, 0),
  seconds_by_run: [rated, fixed, posted].map((each) => rounded(each.seconds, 1)),
  seconds_prepared: rounded(prepared.seconds, 1),
  exact: isExact,
};
if (!options.json) {
  process.stdout.write(`${posted.result.trim()}\n`);
  process.stdout.write(
    `${EVENTS} events re-rated in ${figures.seconds} s, killed ${kills} times: ${figures.events_per_second} events/s, ${isExact ? 'exact' : 'NOT EXACT'}\n`,
  );
}
process.stdout.write(`${JSON.stringify(figures)}\n`);
if (!isExact || kills < 2 || figures.events_per_second < GOAL_PER_SECOND) process.exitCode = 1;

function start() {
  const period = ['--from', FROM, '--to', TO, '--price-version', 'configured'];
  return startCli(['rerate', ...period, '--config', join(folder.path, 'tokenledger.yaml'), '--data', data], { cwd: folder.path });
}

async function run(): Promise<string> {
  await using child = start();
  const { code } = await child.exited;
  if (code !== 0) throw new Error(`rerate ended with ${code}: ${child.stderr()}`);
  return child.stdout();
}

/** `progress`: so many of so many. Whether it was still running then. */
async function killedAt(progress: RegExp): Promise<boolean> {
  await using child = start();
  let ended = false;
  void child.exited.then(() => (ended = true));
  const isThere = (): boolean => {
    const last = Array.from(child.stderr().matchAll(progress)).at(-1);
    return last !== undefined && Number(last[1]) >= KILLED_AT * Number(last[2]);
  };
  const untilMs = performance.now() + RUN_MS_MAX;
  while (!ended && !isThere() && performance.now() < untilMs) await wait(LOOK_MS);
  const found = !ended && isThere();
  await child.stop('SIGKILL', STOP_MS);
  return found;
}

async function timed<Result>(what: string, step: () => Promise<Result>): Promise<{ readonly result: Result; readonly seconds: number }> {
  const startedMs = performance.now();
  const result = await step();
  const seconds = (performance.now() - startedMs) / 1_000;
  process.stderr.write(`${what}: ${seconds.toFixed(1)} s\n`);
  return { result, seconds };
}

async function prepare(): Promise<void> {
  writeFileSync(join(folder.path, 'book.yaml'), BOOK);
  writeFileSync(join(folder.path, 'tokenledger.yaml'), 'documents: { price_book: book.yaml }\n');
  const log = openEmbeddedLog({ directory: join(data, 'log') });
  await log.createTopics(topicSpecs(topicNames('tokenledger.'), { partitions: PARTITIONS, retentionMs: RETENTION_MS }));
  await log.close();
  await withClickHouse(async (clickhouse) => {
    await runMigrations({ clickhouse, directory: join(repositoryRoot, 'schemas', 'clickhouse') });
    for (let from = 0; from < EVENTS; from += ROWS_PER_INSERT) {
      await fill(clickhouse, from, Math.min(ROWS_PER_INSERT, EVENTS - from));
      process.stderr.write(`${Math.min(from + ROWS_PER_INSERT, EVENTS)} of ${EVENTS} events are in ClickHouse\n`);
    }
  });
}

async function withClickHouse<Result>(use: (clickhouse: ClickHouse) => Promise<Result>): Promise<Result> {
  const server = await startEmbeddedClickHouse({ directory: join(data, 'clickhouse'), port: 0 });
  const clickhouse = openClickHouse({ url: server.url, requestTimeoutMs: 600_000 });
  try {
    return await use(clickhouse);
  } finally {
    await clickhouse.close();
    await server.stop();
  }
}

/** Rows as the writer leaves them, of twenty tenants over a month. */
async function fill(clickhouse: ClickHouse, from: number, rows: number): Promise<void> {
  const at = `toDateTime64('${FROM} 00:00:00', 3, 'UTC') + intDiv(number * ${PERIOD_SECONDS}, ${EVENTS})`;
  const price = (usd: number): string => `toDecimal128('${usd}', 12)`;
  const amount = (tokens: string, usd: number): string => `toDecimal128(${tokens} * ${price(usd)} / 1000000, 12)`;
  const [input, output] = ['(1000 + number % 977)', '(100 + number % 89)'];
  const cost = `${amount(input, INPUT_BEFORE)} + ${amount(output, OUTPUT_BEFORE)}`;
  const columns: Readonly<Record<string, string>> = {
    event_id: 'generateUUIDv4()',
    request_id: `concat('request-', toString(number))`,
    source: `'ingress/1'`,
    sequence: `intDiv(number, ${PARTITIONS}) + 1`,
    log_topic: `'tokenledger.usage.priced'`,
    log_partition: `number % ${PARTITIONS}`,
    epoch: '0',
    kind: `'usage'`,
    occurred_at: at,
    recorded_at: at,
    tenant_id: `concat('tenant-', toString(number % 20))`,
    project_id: `'support'`,
    owner_id: `'ada'`,
    virtual_key_id: `concat('vk-', toString(number % 100))`,
    feature: `concat('feature-', toString(number % 7))`,
    surface: `'openai.chat'`,
    requested_model: `'big'`,
    served_model: `'big'`,
    provider: `'acme'`,
    channel_id: `'main'`,
    route_type: `'direct'`,
    outcome: `'ok'`,
    uncached_input_tokens: input,
    visible_output_tokens: output,
    usage_source: `'reported'`,
    cost_usd: cost,
    list_cost_usd: cost,
    billable_usd: cost,
    currency: `'USD'`,
    billable_amount: cost,
    price_version: `'before'`,
    'line_items.attempt': '[1, 1]',
    'line_items.usage_class': `['uncached_input', 'visible_output']`,
    'line_items.quantity': `[${input}, ${output}]`,
    'line_items.unit_price_usd': `[${price(INPUT_BEFORE)}, ${price(OUTPUT_BEFORE)}]`,
    'line_items.per_units': '[1000000, 1000000]',
    'line_items.factor': `[${price(1)}, ${price(1)}]`,
    'line_items.amount_usd': `[${amount(input, INPUT_BEFORE)}, ${amount(output, OUTPUT_BEFORE)}]`,
    'line_items.entry_id': `['a', 'b']`,
    'line_items.part_of': `['list,cost,billable', 'list,cost,billable']`,
    'line_items.price_version': `['before', 'before']`,
    'attempts.attempt_id': `[concat('attempt-', toString(number))]`,
    'attempts.started_at': `[${at}]`,
    'attempts.uncached_input_tokens': `[${input}]`,
    'attempts.visible_output_tokens': `[${output}]`,
    'attempts.cost_usd': `[${cost}]`,
    'attempts.list_cost_usd': `[${cost}]`,
    'attempts.billable_usd': `[${cost}]`,
    'attempts.channel_id': `['main']`,
    'attempts.provider': `['acme']`,
    'attempts.requested_model': `['big']`,
    'attempts.served_model': `['big']`,
    'attempts.service_tier': `['standard']`,
    'attempts.usage_source': `['reported']`,
  };
  // Every other array of the attempts has as many elements.
  const described = await clickhouse.query<{ readonly name: string; readonly type: string }>(
    `SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = 'usage_events' AND startsWith(name, 'attempts.')`,
  );
  const others = described.filter(({ name }) => columns[name] === undefined);
  const all = {
    ...columns,
    ...Object.fromEntries(others.map(({ name, type }) => [name, `arrayResize(CAST([], ${quoteString(type)}), 1)`])),
  };
  const names = Object.keys(all).map((name) => `\`${name}\``);
  await clickhouse.command(
    `INSERT INTO usage_events (${names.join(', ')}) SELECT ${Object.values(all).join(', ')} FROM numbers(${from}, ${rows}) SETTINGS throw_on_max_partitions_per_insert_block = 0`,
  );
}

/** Every event costs what its own tokens cost at the new prices, in all amounts; nothing is there twice; and one correction each. */
async function exact(clickhouse: ClickHouse): Promise<boolean> {
  const [row] = await clickhouse.query<Readonly<Record<'cost' | 'billable' | 'expected' | 'corrections' | 'repeats', string>>>(
    `SELECT toString(sum(cost_usd)) AS cost, toString(sum(billable_amount)) AS billable,
       toString(sum(toDecimal128(ifNull(uncached_input_tokens, 0) * toDecimal128('${INPUT_AFTER}', 12) / 1000000, 12) + toDecimal128(ifNull(visible_output_tokens, 0) * toDecimal128('${OUTPUT_AFTER}', 12) / 1000000, 12))) AS expected,
       countIf(kind = 'rerate') AS corrections, count() - uniqExact(source, log_partition, sequence) AS repeats
     FROM usage_events`,
  );
  return (
    row !== undefined &&
    row.cost === row.expected &&
    row.billable === row.expected &&
    row.corrections === String(EVENTS) &&
    row.repeats === '0'
  );
}
