/** What the ingress costs beside (a) no proxy at all and (b) the least a Node proxy can do.
 *
 *  Measured side by side in interleaved rounds: CPU of the process under test per 1,000 requests, requests per second with 64 in flight,
 *  and latency added at a fixed rate. `--json` prints the last line alone; `--rounds N` (default 5). */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Child, startChild } from '../support/child.ts';
import { repositoryRoot } from '../support/repository.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { cpuTimeMs } from './support/cpu-time.ts';
import { closedLoop, type LoadTarget, openLoop } from './support/load.ts';
import { median, percentile, rounded } from './support/statistics.ts';

const { values: options } = parseArgs({ options: { json: { type: 'boolean', default: false }, rounds: { type: 'string', default: '5' } } });
const ROUNDS = Number(options.rounds);
const START_TIMEOUT_MS = 60_000;

interface Scenario {
  readonly name: 'plain_1kb' | 'plain_64kb' | 'stream_50';
  readonly body: Buffer;
  readonly requests: number;
  readonly perSecond: number;
  readonly latencyRequests: number;
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
  { name: 'plain_1kb', body: requestBody(1024, {}), requests: 8000, perSecond: 300, latencyRequests: 600 },
  { name: 'plain_64kb', body: requestBody(65_536, {}), requests: 3000, perSecond: 200, latencyRequests: 400 },
  { name: 'stream_50', body: requestBody(1024, { stream: true }), requests: 1200, perSecond: 50, latencyRequests: 150 },
];

interface Target {
  readonly name: 'direct' | 'bare' | 'ingress';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Null for direct: nothing stands in between. */
  readonly pid: number | null;
}

interface Measured {
  readonly cpuMsPerThousand: number[];
  readonly perSecond: number[];
  readonly latencies: number[];
}

const say = (line: string): void => {
  if (!options.json) process.stdout.write(`${line}\n`);
};

await using directory = await makeTempDir('bench-ingress');
await using upstream = await started('test/bench/support/canned-upstream.ts', []);
const upstreamUrl = await urlOf(upstream);
await using bare = await started('test/bench/support/bare-proxy.ts', [upstreamUrl]);
const bareUrl = await urlOf(bare);
const key = `tl-${randomBytes(24).toString('hex')}`;
await using ingress = await startIngress(key);
const ingressUrl = (await ingress.waitForOutput(/ingress\S*\s+(http:\/\/\S+)/, START_TIMEOUT_MS))[1] as string;

const targets: readonly Target[] = [
  { name: 'direct', url: upstreamUrl, headers: {}, pid: null },
  { name: 'bare', url: bareUrl, headers: {}, pid: bare.pid },
  { name: 'ingress', url: ingressUrl, headers: { authorization: `Bearer ${key}` }, pid: ingress.pid },
];

const results = new Map<string, Measured>();
for (const scenario of SCENARIOS) {
  for (const target of targets) {
    results.set(`${scenario.name}/${target.name}`, { cpuMsPerThousand: [], perSecond: [], latencies: [] });
    await closedLoop(loadTarget(scenario, target), scenario.body, Math.min(2000, scenario.requests));
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

async function measure(scenario: Scenario, target: Target): Promise<void> {
  const measured = results.get(`${scenario.name}/${target.name}`) as Measured;
  const load = loadTarget(scenario, target);
  const cpuBefore = target.pid === null ? 0 : cpuTimeMs(target.pid);
  const seconds = await closedLoop(load, scenario.body, scenario.requests);
  if (target.pid !== null) measured.cpuMsPerThousand.push(((cpuTimeMs(target.pid) - cpuBefore) / scenario.requests) * 1000);
  measured.perSecond.push(scenario.requests / seconds);
  measured.latencies.push(...(await openLoop(load, scenario.body, scenario.latencyRequests, scenario.perSecond)));
}

function loadTarget(scenario: Scenario, target: Target): LoadTarget {
  return { url: target.url, headers: { 'content-type': 'application/json', 'x-bench-answer': scenario.name, ...target.headers } };
}

function report(): void {
  const of = (scenario: Scenario, target: Target['name']): Measured => results.get(`${scenario.name}/${target}`) as Measured;
  say('');
  say('scenario     target    CPU s / 1,000 requests   requests/s   latency p50 ms   p99 ms   added p50   added p99');
  const json: Record<string, unknown> = { bench: 'ingress', rounds: ROUNDS };
  const ratios: Record<string, number> = {};
  const details: Record<string, unknown> = {};
  for (const scenario of SCENARIOS) {
    const direct = of(scenario, 'direct');
    ratios[scenario.name] = rounded(median(of(scenario, 'ingress').cpuMsPerThousand) / median(of(scenario, 'bare').cpuMsPerThousand));
    for (const target of targets) {
      const measured = of(scenario, target.name);
      const figures = {
        cpu_s_per_1000: target.pid === null ? null : rounded(median(measured.cpuMsPerThousand) / 1000, 4),
        requests_per_s: Math.round(median(measured.perSecond)),
        p50_ms: rounded(percentile(measured.latencies, 0.5)),
        p99_ms: rounded(percentile(measured.latencies, 0.99)),
        added_p50_ms: rounded(percentile(measured.latencies, 0.5) - percentile(direct.latencies, 0.5)),
        added_p99_ms: rounded(percentile(measured.latencies, 0.99) - percentile(direct.latencies, 0.99)),
      };
      details[`${scenario.name}/${target.name}`] = figures;
      const cells = [
        figures.cpu_s_per_1000 ?? '-',
        figures.requests_per_s,
        figures.p50_ms,
        figures.p99_ms,
        figures.added_p50_ms,
        figures.added_p99_ms,
      ];
      const widths = [24, 12, 16, 8, 11, 11];
      say(
        `${scenario.name.padEnd(12)} ${target.name.padEnd(8)}${cells.map((cell, index) => String(cell).padStart(widths[index] as number)).join(' ')}`,
      );
    }
  }
  say('');
  say(`CPU of the ingress as a multiple of the bare proxy: ${JSON.stringify(ratios)}`);
  process.stdout.write(`${JSON.stringify({ ...json, cpu_ratio_to_bare: ratios, figures: details })}\n`);
}

async function started(script: string, args: readonly string[]): Promise<Child> {
  const child = startChild(process.execPath, ['--max-semi-space-size=32', join(repositoryRoot, script), ...args]);
  await child.waitForOutput(/"url"/, START_TIMEOUT_MS);
  return child;
}

async function urlOf(child: Child): Promise<string> {
  const match = await child.waitForOutput(/"url":"([^"]+)"/, START_TIMEOUT_MS);
  return match[1] as string;
}

async function startIngress(secret: string): Promise<Child> {
  const config = join(directory.path, 'tokenledger.yaml');
  writeFileSync(
    config,
    [
      'documents:',
      '  tenants: [{ id: bench, name: Bench }]',
      '  projects: [{ id: bench, tenant: bench, name: Bench }]',
      '  owners: [{ id: bench, tenant: bench, name: Bench }]',
      '  virtual_keys: [{ id: bench, tenant: bench, project: bench, owner: bench, secret: env:BENCH_KEY }]',
      `  channels: [{ id: bench, provider: openai, surfaces: [openai.chat], base_url: '${upstreamUrl}', credential: env:BENCH_CREDENTIAL }]`,
    ].join('\n'),
  );
  const args = [
    'run',
    '--roles',
    'ingress',
    '--config',
    config,
    '--data',
    join(directory.path, 'data'),
    '--ingress-port',
    '0',
    '--admin-port',
    '0',
  ];
  return startChild(process.execPath, ['--max-semi-space-size=32', join(repositoryRoot, 'packages/cli/src/main.ts'), ...args], {
    env: { BENCH_KEY: secret, BENCH_CREDENTIAL: 'bench-credential' },
  });
}
