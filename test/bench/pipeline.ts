/** How many events a second the pipeline takes from a filled `usage.events` to rows in ClickHouse, what each costs by role once it has started, and how fresh
 *  rows are at half that rate.
 *
 *  A real Kafka broker, and pricer, writer and the embedded ClickHouse server in processes of their own; no ingress. Beside it the bare cost of
 *  the same bytes: a kafkajs loop that reads and does nothing, and the same rows put into ClickHouse from memory.
 *  `--json` prints the last line alone; `--seconds N` (20) says how long each part lasts about, `--rate N` (20,000) how many events a second
 *  the fill assumes, `--partitions N` (4). Linux, since it reads `/proc`. */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type ClickHouse, openClickHouse, runMigrations, startEmbeddedClickHouse } from '@tokenledger/clickhouse';
import { openKafkaLog, topicNames } from '@tokenledger/event-log';
import { type Child, startChild } from '../support/child.ts';
import { runCli, startCli } from '../support/cli.ts';
import { startKafka } from '../support/kafka/start.ts';
import { chooseKafka } from '../support/kafka/source.ts';
import { repositoryRoot } from '../support/repository.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { insertFromMemory } from './support/bare-insert.ts';
import { wholeCpuTimeMs } from './support/cpu-time.ts';
import { listeningProcess } from './support/listening-process.ts';
import { fill, type LoadTarget, pace, type Schedule } from './support/pipeline-load.ts';
import { percentile, rounded } from './support/statistics.ts';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '20' },
    rate: { type: 'string', default: '20000' },
    partitions: { type: 'string', default: '4' },
  },
});
const SECONDS = Number(options.seconds);
const RATE = Number(options.rate);
const PARTITIONS = Number(options.partitions);
const EVENTS = SECONDS * RATE;
const PREFIX = 'bench.';
const READY_TIMEOUT_MS = 60_000;
const DRAIN_TIMEOUT_MS = SECONDS * 20_000 + 60_000;
const LOOK_INTERVAL_MS = 1_000;
/** A look costs ClickHouse some milliseconds of CPU. */
const FRESHNESS_INTERVAL_MS = 100;
const WINDOW_MS = 10_000;
const SETTLE_MS = 3_000;
const BARE_ROWS_MAX = 400_000;

const say = (line: string): void => {
  if (!options.json) process.stdout.write(`${line}\n`);
};

const topics = topicNames(PREFIX);
await using folder = await makeTempDir('bench-pipeline');
const started = await startKafka(chooseKafka, { compiler: 'full' });
if (started.kind === 'missing') throw new Error(started.reason);
await using kafka = started.kafka;
const server = await startEmbeddedClickHouse({ directory: join(folder.path, 'clickhouse'), port: 0 });
const clickhouse = openClickHouse({ url: server.url });
const log = openKafkaLog({ brokers: kafka.brokers.split(',') });
const env = {
  KAFKA_BROKERS: kafka.brokers,
  CLICKHOUSE_URL: server.url,
  TOKENLEDGER_LOG_TOPIC_PREFIX: PREFIX,
  TOKENLEDGER_LOG_PARTITIONS: String(PARTITIONS),
};
const roles: Child[] = [];

try {
  const migrated = await runCli(['migrate', '--data', join(folder.path, 'migrate')], { cwd: folder.path, env });
  if (migrated.code !== 0) throw new Error(`migrate ended with ${migrated.code}: ${migrated.stderr}`);
  const figures = await measureAll();
  report(figures);
} finally {
  for (const role of roles) await role.stop('SIGTERM', READY_TIMEOUT_MS);
  await log.close();
  await clickhouse.close();
  await server.stop();
}

async function measureAll() {
  const backlog: LoadTarget = { log, topic: topics.usageEvents, partitions: PARTITIONS, source: 'ingress/filled' };
  const bytes = await fill(backlog, EVENTS, RATE);
  say(`${EVENTS} events of ${rounded(bytes / EVENTS, 0)} bytes in ${PARTITIONS} partitions`);
  const consume = await bareConsume();
  const pids = { broker: brokerProcess(), clickhouse: clickhouseProcess(), pricer: 0, writer: 0 };
  const before = { broker: wholeCpuTimeMs(pids.broker), clickhouse: wholeCpuTimeMs(pids.clickhouse) };
  const startedMs = performance.now();
  pids.pricer = (await startRole('pricer')).pid;
  const pricerStartMs = wholeCpuTimeMs(pids.pricer);
  pids.writer = (await startRole('writer')).pid;
  const writerStartMs = wholeCpuTimeMs(pids.writer);
  const readyMs = performance.now() - startedMs;
  const samples = await untilDrained(startedMs);
  const tookMs = (samples.at(-1) as Sample).ms - (samples[0] as Sample).ms;
  const counted = (samples.at(-1) as Sample).rows - (samples[0] as Sample).rows;
  const cpuUs = (spentMs: number): number => rounded((spentMs * 1_000) / EVENTS, 1);
  const cpu = {
    pricer: cpuUs(wholeCpuTimeMs(pids.pricer) - pricerStartMs),
    writer: cpuUs(wholeCpuTimeMs(pids.writer) - writerStartMs),
    clickhouse: cpuUs(wholeCpuTimeMs(pids.clickhouse) - before.clickhouse),
    broker: cpuUs(wholeCpuTimeMs(pids.broker) - before.broker),
  };
  const perSecond = counted / (tookMs / 1_000);
  const fresh = await freshness(Math.floor(perSecond / 2));
  const insert = await bareInsert();
  return {
    bench: 'pipeline',
    seconds: rounded(tookMs / 1_000, 1),
    events: EVENTS,
    partitions: PARTITIONS,
    start_ms: rounded(readyMs, 0),
    start_cpu_ms: { pricer: rounded(pricerStartMs, 0), writer: rounded(writerStartMs, 0) },
    events_per_s: rounded(perSecond, 0),
    events_per_s_of_windows: windows(samples),
    cpu_us_per_event: { ...cpu, total: rounded(cpu.pricer + cpu.writer + cpu.clickhouse + cpu.broker, 1) },
    half_rate_per_s: Math.floor(perSecond / 2),
    ...fresh,
    bare: { ...consume, ...insert },
  };
}

type Figures = Awaited<ReturnType<typeof measureAll>>;

interface Sample {
  readonly ms: number;
  readonly rows: number;
}

/** How many rows there were when, from the first to the last. */
async function untilDrained(startedMs: number): Promise<readonly Sample[]> {
  const samples: Sample[] = [];
  for (;;) {
    const rows = await rowsOf(clickhouse, 'ingress/filled');
    if (rows > 0) samples.push({ ms: performance.now() - startedMs, rows });
    if (rows >= EVENTS) break;
    if (performance.now() - startedMs > DRAIN_TIMEOUT_MS) throw new Error(`${rows} of ${EVENTS} events came. ${complaints()}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_INTERVAL_MS));
  }
  if ((samples.at(-1) as Sample).rows !== EVENTS) throw new Error(`${samples.at(-1)?.rows} rows of ${EVENTS} events`);
  return samples;
}

/** Rows a second in each full window. */
function windows(samples: readonly Sample[]): readonly number[] {
  const rates: number[] = [];
  let from = samples[0] as Sample;
  for (const sample of samples) {
    if (sample.ms - from.ms < WINDOW_MS) continue;
    rates.push(rounded(((sample.rows - from.rows) * 1_000) / (sample.ms - from.ms), 0));
    from = sample;
  }
  return rates;
}

/** From when an event was to be sent to when SQL shows its row. */
async function freshness(perSecond: number) {
  const target: LoadTarget = { log, topic: topics.usageEvents, partitions: PARTITIONS, source: 'ingress/paced' };
  // The merges of what came before are no part of this.
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const ages: number[] = [];
  const latest: number[] = [];
  const seen = Array.from({ length: PARTITIONS }, () => 0);
  let schedule: Schedule | undefined;
  const paced = pace(target, perSecond, SECONDS, (begun) => (schedule = begun));
  let failure: unknown;
  paced.catch((error: unknown) => (failure = error));
  const expected = (): number => (schedule?.perPartition ?? 0) * PARTITIONS;
  const giveUpMs = performance.now() + DRAIN_TIMEOUT_MS;
  while (ages.length === 0 || ages.length < expected()) {
    const rows = await clickhouse.query<{ readonly log_partition: number; readonly last: string }>(
      `SELECT log_partition, max(sequence) AS last FROM usage_events WHERE source = {source:String} GROUP BY log_partition`,
      { params: { source: target.source } },
    );
    const nowMs = performance.now();
    for (const { log_partition: partition, last } of rows) {
      for (let sequence = (seen[partition] as number) + 1; sequence <= Number(last); sequence += 1) {
        const age = nowMs - (schedule as Schedule).dueMs(partition, sequence);
        ages.push(age);
        if (sequence > (schedule as Schedule).perPartition / 2) latest.push(age);
      }
      seen[partition] = Number(last);
    }
    if (failure !== undefined) throw new Error('the paced load failed', { cause: failure });
    if (nowMs > giveUpMs) throw new Error(`${ages.length} of ${expected()} paced events came. ${complaints()}`);
    await new Promise((resolve) => setTimeout(resolve, FRESHNESS_INTERVAL_MS));
  }
  await paced;
  return {
    freshness_p50_ms: rounded(percentile(ages, 0.5), 0),
    freshness_p99_ms: rounded(percentile(ages, 0.99), 0),
    /** Like all of them unless lag grows. */
    freshness_p99_of_second_half_ms: rounded(percentile(latest, 0.99), 0),
  };
}

async function bareConsume() {
  const before = wholeCpuTimeMs(brokerProcess());
  const args = [
    join(import.meta.dirname, 'support', 'bare-consumer.ts'),
    kafka.brokers,
    topics.usageEvents,
    `${PREFIX}bare`,
    String(EVENTS),
  ];
  await using child = startChild(process.execPath, args, { cwd: repositoryRoot });
  await child.exited;
  const { ms, cpuMs } = JSON.parse(child.stdout().split('\n').at(-2) ?? '{}') as { ms: number; cpuMs: number };
  return {
    consume_events_per_s: rounded(EVENTS / (ms / 1_000), 0),
    consume_cpu_us: rounded((cpuMs * 1_000) / EVENTS, 1),
    consume_broker_cpu_us: rounded(((wholeCpuTimeMs(brokerProcess()) - before) * 1_000) / EVENTS, 1),
  };
}

async function bareInsert() {
  const bare = openClickHouse({ url: server.url, database: 'bare' });
  await runMigrations({ clickhouse: bare, directory: join(repositoryRoot, 'schemas', 'clickhouse') });
  const before = wholeCpuTimeMs(clickhouseProcess());
  const { rows, ms, ownCpuMs } = await insertFromMemory(bare, Math.min(EVENTS, BARE_ROWS_MAX));
  await bare.close();
  return {
    insert_rows_per_s: rounded(rows / (ms / 1_000), 0),
    insert_cpu_us: rounded((ownCpuMs * 1_000) / rows, 1),
    insert_clickhouse_cpu_us: rounded(((wholeCpuTimeMs(clickhouseProcess()) - before) * 1_000) / rows, 1),
  };
}

async function startRole(role: 'pricer' | 'writer'): Promise<Child> {
  const child = startCli(['run', '--roles', role, '--data', join(folder.path, role), '--admin-port', '0'], { cwd: folder.path, env });
  roles.push(child);
  await child.waitForOutput(/"msg":"ready"/, READY_TIMEOUT_MS);
  return child;
}

function complaints(): string {
  return roles.map((role) => role.stderr().split('\n').slice(-5).join('\n')).join('\n');
}

function brokerProcess(): number {
  return listeningProcess(Number(kafka.brokers.split(',')[0]?.split(':')[1]));
}

function clickhouseProcess(): number {
  const state = server.state();
  if (state.kind !== 'ready') throw new Error(`ClickHouse is ${state.kind}`);
  return state.pid;
}

async function rowsOf(database: ClickHouse, source: string): Promise<number> {
  const sql = 'SELECT count() AS rows FROM usage_events WHERE source = {source:String}';
  return Number((await database.query<{ readonly rows: string }>(sql, { params: { source } }))[0]?.rows ?? 0);
}

function report(figures: Figures): void {
  const { cpu_us_per_event: cpu, start_cpu_ms: start, bare } = figures;
  say(`${figures.events_per_s} events/s over ${figures.seconds} s; by windows of 10 s: ${figures.events_per_s_of_windows.join(', ')}`);
  say(`CPU to start: pricer ${start.pricer} ms, writer ${start.writer} ms; then, microseconds per event:`);
  for (const [role, us] of Object.entries(cpu)) say(`  ${role.padEnd(12)} ${String(us).padStart(8)}`);
  say(
    `at ${figures.half_rate_per_s}/s, from the intended send to the row in SQL: p50 ${figures.freshness_p50_ms} ms, p99 ${figures.freshness_p99_ms} ms (second half: ${figures.freshness_p99_of_second_half_ms} ms)`,
  );
  say(
    `bare: a kafkajs loop ${bare.consume_cpu_us} µs (broker ${bare.consume_broker_cpu_us}) at ${bare.consume_events_per_s}/s; rows from memory ${bare.insert_cpu_us} µs (ClickHouse ${bare.insert_clickhouse_cpu_us}) at ${bare.insert_rows_per_s}/s`,
  );
  process.stdout.write(`${JSON.stringify(figures)}\n`);
}
