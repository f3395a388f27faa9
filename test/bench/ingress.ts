/** What the ingress costs beside (a) no proxy at all and (b) the least a Node proxy can do.
 *
 *  Measured side by side in interleaved rounds. With 64 requests in flight: requests per second, and the CPU of the process under test per
 *  1,000 requests, which is what `cpu_ratio_to_bare` compares. At one fixed rate for all: latency from the intended send time, and the CPU again
 *  (then every request also pays for waking idle processes). `--json` prints the last line alone; `--rounds N` (default 5); `--log kafka`
 *  publishes to a real broker in place of the embedded log; `--journal` measures what the journal costs instead: the ingress with a journal that
 *  waits for the disk, with one that waits for the operating system, and, for this comparison alone, with none; `--documents` what many documents cost:
 *  1,000 keys, 50 routes and 20 channels beside one of each.
 *
 *  `bare` passes a request on as it comes; `bare_collecting` waits until it is whole, as the ingress has to, and passes on one piece. The ingress
 *  runs with the options of Node that its image gives it, both of these with the one that anybody would give a proxy, `bare_same` with ours.
 *
 *  The ingress counts tokens in threads of their own, whose CPU is printed beside its own; `ingress_uncounted` counts nothing. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Child, startChild } from '../support/child.ts';
import { runCli } from '../support/cli.ts';
import { chooseKafka } from '../support/kafka/source.ts';
import { type Kafka, startKafka } from '../support/kafka/start.ts';
import { repositoryRoot } from '../support/repository.ts';
import { TEST_KEY } from '../support/running-ingress.ts';
import { NODE_OPTIONS } from '../support/node-options.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { type BenchDocuments, benchDocuments } from './support/bench-documents.ts';
import { cpuTimeMs, workersCpuTimeMs } from './support/cpu-time.ts';
import { closedLoop, type LoadTarget, openLoop } from './support/load.ts';
import { median, percentile, rounded } from './support/statistics.ts';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
    log: { type: 'string', default: 'embedded' },
    journal: { type: 'boolean', default: false },
    documents: { type: 'boolean', default: false },
  },
});
const ROUNDS = Number(options.rounds);
if (options.log !== 'embedded' && options.log !== 'kafka') throw new Error(`--log is embedded or kafka, not ${options.log}`);
if ((options.journal || options.documents) && options.log === 'kafka')
  throw new Error('--journal and --documents compare on the embedded log');
/** Of a bare proxy and of what stands around it: the one option that anybody would give a proxy of Node. */
const BARE_OPTIONS = ['--max-semi-space-size=32'];
const START_TIMEOUT_MS = 60_000;
const NOTHING_COUNTED = { TOKENLEDGER_INGRESS_COUNTING_THREADS: '0' };

interface Scenario {
  readonly name: 'plain_1kb' | 'plain_64kb' | 'stream_50';
  readonly body: Buffer;
  readonly perSecond: number;
  /** Requests of a round at the fixed rate, and with 64 in flight. */
  readonly paced: number;
  readonly peak: number;
  /** Sent before anything is measured: the more code a process has, the longer it takes to be compiled. */
  readonly warm: number;
}

const PROMPT = 'Summarise the following notes of the meeting in three sentences, and name who does what until when. ';

function requestBody(bytes: number, extra: Record<string, unknown>): Buffer {
  const request = {
    model: 'gpt-4o-mini',
    ...extra,
    messages: [
      { role: 'system', content: 'You are a careful assistant.' },
      { role: 'user', content: '' },
    ],
  };
  const missing = bytes - JSON.stringify(request).length;
  (request.messages[1] as { content: string }).content = PROMPT.repeat(Math.ceil(missing / PROMPT.length)).slice(0, missing);
  return Buffer.from(JSON.stringify(request));
}

const SCENARIOS: readonly Scenario[] = [
  { name: 'plain_1kb', body: requestBody(1024, {}), perSecond: 500, paced: 1000, peak: 10_000, warm: 40_000 },
  { name: 'plain_64kb', body: requestBody(65_536, {}), perSecond: 250, paced: 500, peak: 3000, warm: 6000 },
  { name: 'stream_50', body: requestBody(1024, { stream: true }), perSecond: 50, paced: 100, peak: 1000, warm: 1000 },
];

const HEADER = [
  'CPU s/1,000',
  'requests/s',
  'p50 ms',
  'p99 ms',
  'added p50',
  'added p99',
  'CPU s/1,000 at a fixed rate',
  'of threads that count',
];

type TargetName =
  | 'direct'
  | 'bare'
  | 'bare_same'
  | 'bare_collecting'
  | 'ingress'
  | 'ingress_uncounted'
  | 'one'
  | 'many'
  | 'disk'
  | 'process'
  | 'none';

interface Target {
  readonly name: TargetName;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Null for direct: nothing stands in between. */
  readonly pid: number | null;
}

interface Measured {
  /** Without worker threads, and of these. */
  readonly cpuMsPerThousand: number[];
  readonly workersMsPerThousand: number[];
  readonly perSecond: number[];
  readonly pacedCpuMsPerThousand: number[];
  readonly latencies: number[];
}

const say = (line: string): void => {
  if (!options.json) process.stdout.write(`${line}\n`);
};

await using directory = await makeTempDir('bench-ingress');
await using upstream = await started('test/bench/support/canned-upstream.ts', []);
const upstreamUrl = await urlOf(upstream);
const resources = new AsyncDisposableStack();
await using _started = resources;
const direct: Target = { name: 'direct', url: upstreamUrl, headers: {}, pid: null };
const compared = options.journal ? journalTargets : options.documents ? documentTargets : proxyTargets;
const targets: readonly Target[] = [direct, ...(await compared())];

const results = new Map<string, Measured>();
for (const scenario of SCENARIOS) {
  for (const target of targets) {
    results.set(`${scenario.name}/${target.name}`, {
      cpuMsPerThousand: [],
      workersMsPerThousand: [],
      perSecond: [],
      pacedCpuMsPerThousand: [],
      latencies: [],
    });
    await closedLoop(loadTarget(scenario, target), scenario.body, scenario.warm);
  }
}
for (let round = 1; round <= ROUNDS; round++) {
  say(`round ${round} of ${ROUNDS}`);
  for (const scenario of SCENARIOS) {
    const order = round % 2 === 0 ? targets : targets.toReversed();
    for (const target of order) await measure(scenario, target);
  }
}
report();

async function proxyTargets(): Promise<readonly Target[]> {
  const bare = resources.use(await started('test/bench/support/bare-proxy.ts', [upstreamUrl]));
  const bareSame = resources.use(await started('test/bench/support/bare-proxy.ts', [upstreamUrl], NODE_OPTIONS));
  const bareCollecting = resources.use(await started('test/bench/support/bare-proxy.ts', [upstreamUrl, 'collect']));
  const kafka = options.log === 'kafka' ? resources.use(await ownKafka()) : null;
  const deployment = await deploymentOf(benchDocuments(upstreamUrl, { keys: 1, routes: 0, channels: 1 }), kafka);
  return [
    { name: 'bare', url: await urlOf(bare), headers: {}, pid: bare.pid },
    { name: 'bare_same', url: await urlOf(bareSame), headers: {}, pid: bareSame.pid },
    { name: 'bare_collecting', url: await urlOf(bareCollecting), headers: {}, pid: bareCollecting.pid },
    await deployment('ingress_uncounted', NOTHING_COUNTED),
    await deployment('ingress', {}),
  ];
}

async function documentTargets(): Promise<readonly Target[]> {
  const one = await deploymentOf(benchDocuments(upstreamUrl, { keys: 1, routes: 1, channels: 1 }), null);
  const many = await deploymentOf(benchDocuments(upstreamUrl, { keys: 1000, routes: 50, channels: 20 }), null);
  return [await one('one', NOTHING_COUNTED), await many('many', NOTHING_COUNTED)];
}

async function journalTargets(): Promise<readonly Target[]> {
  const found: Target[] = [];
  for (const name of ['none', 'process', 'disk'] as const) {
    const ingress = resources.use(await started('test/bench/support/journal-ingress.ts', [name, upstreamUrl], NODE_OPTIONS));
    found.push({ name, url: await urlOf(ingress), headers: { authorization: `Bearer ${TEST_KEY}` }, pid: ingress.pid });
  }
  return found;
}

async function measure(scenario: Scenario, target: Target): Promise<void> {
  const measured = results.get(`${scenario.name}/${target.name}`) as Measured;
  const load = loadTarget(scenario, target);
  const cpu = await cpuOf(target, scenario.peak, async () => {
    measured.perSecond.push(scenario.peak / (await closedLoop(load, scenario.body, scenario.peak)));
  });
  measured.cpuMsPerThousand.push(cpu.own);
  measured.workersMsPerThousand.push(cpu.workers);
  const paced = await cpuOf(target, scenario.paced, async () => {
    measured.latencies.push(...(await openLoop(load, scenario.body, scenario.paced, scenario.perSecond)));
  });
  measured.pacedCpuMsPerThousand.push(paced.own);
}

interface CpuCost {
  readonly own: number;
  readonly workers: number;
}

/** CPU milliseconds of the target's process per 1,000 requests while `run` sends `requests` of them. NaN for direct. */
async function cpuOf({ pid }: Target, requests: number, run: () => Promise<void>): Promise<CpuCost> {
  if (pid === null) {
    await run();
    return { own: Number.NaN, workers: Number.NaN };
  }
  const [before, workersBefore] = [cpuTimeMs(pid), workersCpuTimeMs(pid)];
  await run();
  const workers = workersCpuTimeMs(pid) - workersBefore;
  const perThousand = (ms: number): number => (ms / requests) * 1000;
  return { own: perThousand(cpuTimeMs(pid) - before - workers), workers: perThousand(workers) };
}

function loadTarget(scenario: Scenario, target: Target): LoadTarget {
  return { url: target.url, headers: { 'content-type': 'application/json', 'x-bench-answer': scenario.name, ...target.headers } };
}

function resultsOf(scenario: Scenario, target: TargetName): Measured {
  return results.get(`${scenario.name}/${target}`) as Measured;
}

function report(): void {
  const figures = Object.fromEntries(
    SCENARIOS.flatMap((scenario) => targets.map((target) => [`${scenario.name}/${target.name}`, figuresOf(scenario, target)])),
  );
  say('');
  say(`${'scenario'.padEnd(12)}${'target'.padEnd(17)}${HEADER.map((cell) => cell.padStart(cell.length + 2)).join('')}`);
  for (const [name, cells] of Object.entries(figures)) {
    const [scenario = '', target = ''] = name.split('/');
    const printed = Object.values(cells).map((cell, index) => String(cell ?? '-').padStart((HEADER[index] as string).length + 2));
    say(`${scenario.padEnd(12)}${target.padEnd(17)}${printed.join('')}`);
  }
  say('');
  const ratios = options.journal ? journalCosts() : options.documents ? documentCosts() : proxyRatios();
  process.stdout.write(`${JSON.stringify({ bench: 'ingress', log: options.log, rounds: ROUNDS, ...ratios, figures })}\n`);
}

function figuresOf(scenario: Scenario, target: Target): Record<string, number | null> {
  const direct = resultsOf(scenario, 'direct').latencies;
  const measured = resultsOf(scenario, target.name);
  const seconds = (values: readonly number[]): number | null => (target.pid === null ? null : rounded(median(values) / 1000, 4));
  return {
    cpu_s_per_1000: seconds(measured.cpuMsPerThousand),
    requests_per_s: Math.round(median(measured.perSecond)),
    p50_ms: rounded(percentile(measured.latencies, 0.5)),
    p99_ms: rounded(percentile(measured.latencies, 0.99)),
    added_p50_ms: rounded(percentile(measured.latencies, 0.5) - percentile(direct, 0.5)),
    added_p99_ms: rounded(percentile(measured.latencies, 0.99) - percentile(direct, 0.99)),
    paced_cpu_s_per_1000: seconds(measured.pacedCpuMsPerThousand),
    counting_cpu_s_per_1000: seconds(measured.workersMsPerThousand),
  };
}

/** By scenario. */
function byScenario(of: (scenario: Scenario) => number): Record<string, number> {
  return Object.fromEntries(SCENARIOS.map((scenario) => [scenario.name, rounded(of(scenario))]));
}

function cpuRatio(target: TargetName, ground: TargetName, cpu: (measured: Measured) => readonly number[]): Record<string, number> {
  return byScenario((scenario) => median(cpu(resultsOf(scenario, target))) / median(cpu(resultsOf(scenario, ground))));
}

function proxyRatios(): Record<string, unknown> {
  const ratios = cpuRatio('ingress', 'bare', (measured) => measured.cpuMsPerThousand);
  const pacedRatios = cpuRatio('ingress', 'bare', (measured) => measured.pacedCpuMsPerThousand);
  say(`CPU of the ingress as a multiple of the bare proxy: ${JSON.stringify(ratios)}; at a fixed rate: ${JSON.stringify(pacedRatios)}`);
  const same = cpuRatio('ingress', 'bare_same', (measured) => measured.cpuMsPerThousand);
  say(`beside a bare proxy whose Node has the options of ours: ${JSON.stringify(same)}`);
  const collecting = cpuRatio('ingress', 'bare_collecting', (measured) => measured.cpuMsPerThousand);
  say(`beside one that waits for the whole request: ${JSON.stringify(collecting)}`);
  const uncounted = cpuRatio('ingress_uncounted', 'bare', (measured) => measured.cpuMsPerThousand);
  say(`with nothing counted: ${JSON.stringify(uncounted)}`);
  return {
    cpu_ratio_to_bare: ratios,
    cpu_ratio_to_bare_uncounted: uncounted,
    cpu_ratio_to_bare_same_options: same,
    cpu_ratio_to_bare_collecting: collecting,
    cpu_ratio_to_bare_at_fixed_rate: pacedRatios,
  };
}

function documentCosts(): Record<string, unknown> {
  const ratios = cpuRatio('many', 'one', (measured) => measured.cpuMsPerThousand);
  say(`CPU with 1,000 keys, 50 routes and 20 channels as a multiple of that with one of each: ${JSON.stringify(ratios)}`);
  return { cpu_ratio_many_to_one: ratios };
}

/** CPU with a journal as a multiple of that without, at 64 in flight; milliseconds added to the median latency at a fixed rate. */
function journalCosts(): Record<string, unknown> {
  const costs = (name: 'disk' | 'process') => ({
    cpu_ratio_to_none: cpuRatio(name, 'none', (measured) => measured.cpuMsPerThousand),
    added_p50_ms: byScenario(
      (scenario) => percentile(resultsOf(scenario, name).latencies, 0.5) - percentile(resultsOf(scenario, 'none').latencies, 0.5),
    ),
  });
  const journal = { disk: costs('disk'), process: costs('process') };
  for (const [name, { cpu_ratio_to_none: cpu, added_p50_ms: added }] of Object.entries(journal)) {
    say(`a journal that waits for the ${name}: CPU as a multiple of none ${JSON.stringify(cpu)}; added p50 in ms ${JSON.stringify(added)}`);
  }
  return { journal };
}

async function started(script: string, args: readonly string[], options: readonly string[] = BARE_OPTIONS): Promise<Child> {
  const child = startChild(process.execPath, [...options, join(repositoryRoot, script), ...args]);
  await child.waitForOutput(/"url"/, START_TIMEOUT_MS);
  return child;
}

async function urlOf(child: Child): Promise<string> {
  const match = await child.waitForOutput(/"url":"([^"]+)"/, START_TIMEOUT_MS);
  return match[1] as string;
}

async function ownKafka(): Promise<Kafka> {
  const found = await startKafka(chooseKafka, { compiler: 'full' });
  if (found.kind === 'missing') throw new Error(found.reason);
  return found.kafka;
}

/** Starts an ingress of these documents by a name of its own. */
type Deployment = (name: TargetName, more: Readonly<Record<string, string>>) => Promise<Target>;

/** On Kafka the registry has a process of its own; the embedded log has room for one process, and the registry idles in it. */
async function deploymentOf(documents: BenchDocuments, kafka: Kafka | null): Promise<Deployment> {
  const folder = join(directory.path, randomBytes(4).toString('hex'));
  mkdirSync(folder);
  const config = join(folder, 'tokenledger.yaml');
  writeFileSync(config, documents.config);
  const env = {
    ...documents.env,
    ...(kafka === null ? {} : { KAFKA_BROKERS: kafka.brokers, TOKENLEDGER_LOG_TOPIC_PREFIX: `bench-${randomBytes(4).toString('hex')}.` }),
  };
  const run = (roles: string, name: string, more: Readonly<Record<string, string>>): Child => {
    const ports = ['--ingress-port', '0', '--admin-port', '0', '--registry-port', '0'];
    const args = ['run', '--roles', roles, '--config', config, '--data', join(folder, name), ...ports];
    return startChild(process.execPath, [...NODE_OPTIONS, join(repositoryRoot, 'packages/cli/src/main.ts'), ...args], {
      env: { ...env, ...more },
    });
  };
  if (kafka !== null) {
    const migrate = ['migrate', '--no-tables', '--config', config, '--data', join(folder, 'migrate')];
    const migrated = await runCli(migrate, { cwd: folder, env });
    if (migrated.code !== 0) throw new Error(`migrate ended with ${migrated.code}: ${migrated.stderr}`);
    const registry = resources.use(run('registry', 'registry', {}));
    await registry.waitForOutput(/"urls":\{/, START_TIMEOUT_MS);
  }
  return async (name, more) => {
    const child = resources.use(run(kafka === null ? 'registry,ingress' : 'ingress', name, more));
    const url = (await child.waitForOutput(/"urls":\{"ingress":"(http:[^"]+)"/, START_TIMEOUT_MS))[1] as string;
    return { name, url, headers: { authorization: `Bearer ${documents.key}` }, pid: child.pid };
  };
}
