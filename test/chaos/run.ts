/** One run of chaos: load, kills and faults, healing, and the verdict over what is left. */
import { waitFor } from '../support/wait-for.ts';
import { surveyMachine } from '../support/kafka/machine.ts';
import { chooseJars } from '../support/kafka/source.ts';
import { ledgerKeys } from '../support/running-ledger.ts';
import { countDeadLetters, readIncomplete, readLanes, readRollups, readRows } from './ledger.ts';
import { type Load, startLoad } from './load.ts';
import { type Nemesis, nemesis } from './nemesis.ts';
import { planRounds } from './plan.ts';
import { type Report, reportOf } from './report.ts';
import { type ChaosSystem, startSystem } from './system.ts';
import { type Difference, type Evidence, verdict } from './verdict.ts';

export interface ChaosOptions {
  readonly seed: number;
  readonly kills: number;
  readonly requestsPerSecond: number;
  /** Once it aborts, nothing more is killed: the system heals, and is judged. */
  readonly stop: AbortSignal;
  /** Called with a line on what goes on. */
  readonly say: (line: string) => void;
}

const KEYS = 6;
/** Before the first kill. */
const FIRST_ROWS = 20;
const FIRST_ROWS_MS_MAX = 60_000;
const HEAL_MS_MAX = 180_000;
const LOOK_MS = 1_000;
/** Between two looks that both find nothing wrong: what comes late shows by then. */
const QUIET_MS = 3_000;

/** Throws when the system could not be run; differences between bill and ledger are in the report. */
export async function runChaos(options: ChaosOptions): Promise<Report> {
  const startedMs = performance.now();
  const kafka = chooseJars(await surveyMachine());
  if (kafka.kind !== 'jars') throw new Error(kafka.reason);
  await using system = await startSystem({ kafka, keys: KEYS });
  options.say(`the system runs after ${Math.round((performance.now() - startedMs) / 1_000)} s`);
  const load = startLoad({
    seed: options.seed,
    perSecond: options.requestsPerSecond,
    keys: Object.values(ledgerKeys(KEYS)),
    ingresses: system.cluster.of('ingress').map((one) => ({ name: one.name, url: () => one.urls?.ingress })),
  });
  const evil = nemesis(system, load, options.seed);
  try {
    await waitFor(async () => (await readRows(system.clickhouse)).length >= FIRST_ROWS, {
      timeoutMs: FIRST_ROWS_MS_MAX,
      describe: 'the first rows',
    });
    const rounds = planRounds(options.seed, options.kills);
    const began = performance.now();
    await evil.run(rounds, options.stop, (round) => {
      const s = Math.round((performance.now() - began) / 1_000);
      options.say(`round ${round} of ${rounds.length}: ${evil.deaths.length} kills in ${s} s, ${load.requests.length} requests`);
    });
  } finally {
    await load.stop();
  }
  const healed = performance.now();
  const { evidence, differences } = await judge(system, load, evil);
  for (const difference of differences.slice(0, 1)) options.say(whatIsLeft(system, difference));
  return reportOf({
    options,
    deaths: evil.deaths,
    faults: evil.faults,
    failedStarts: evil.failedStarts,
    evidence,
    differences,
    healMs: performance.now() - healed,
    durationMs: performance.now() - startedMs,
  });
}

/** Waits until all is well and stays so; what is wrong after the longest wait is the verdict. */
async function judge(system: ChaosSystem, load: Load, evil: Nemesis): Promise<{ evidence: Evidence; differences: readonly Difference[] }> {
  const deadline = performance.now() + HEAL_MS_MAX;
  let quietSince: number | undefined;
  for (;;) {
    const evidence = await gather(system, load, evil.inFlightAtKills);
    const differences = verdict(evidence);
    const now = performance.now();
    if (differences.length > 0) quietSince = undefined;
    else if (await nothingWaits(system)) quietSince ??= now;
    if (quietSince !== undefined && now - quietSince >= QUIET_MS) return { evidence, differences: await byCommand(system) };
    if (now > deadline) {
      const waiting = (await nothingWaits(system))
        ? []
        : [{ of: 'the ingresses', what: 'a journal still holds entries', seen: await journalEntries(system) }];
      return { evidence, differences: [...differences, ...waiting] };
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** What the command finds that operators have for it: the log's account and sealed days, too. */
async function byCommand(system: ChaosSystem): Promise<readonly Difference[]> {
  const { code, stdout, stderr } = await system.cluster.cli('verify');
  return code === 0 ? [] : [{ of: 'tokenledger verify', what: `it ended with ${code}`, seen: `${stdout}${stderr}` }];
}

async function gather(system: ChaosSystem, load: Load, unresolvedMax: number): Promise<Evidence> {
  const { clickhouse } = system;
  return {
    bill: await system.simulator.bill(),
    rows: await readRows(clickhouse),
    clients: load.requests,
    lanes: await readLanes(clickhouse),
    incomplete: await readIncomplete(clickhouse),
    rollups: await readRollups(clickhouse),
    deadLetters: await countDeadLetters(clickhouse),
    unresolvedMax,
  };
}

async function nothingWaits(system: ChaosSystem): Promise<boolean> {
  return (await journalEntries(system)).every((entries) => entries === 0);
}

async function journalEntries(system: ChaosSystem): Promise<readonly number[]> {
  return Promise.all(
    system.cluster.of('ingress').map(async ({ urls }) => {
      const answer = await fetch(`${urls?.admin ?? ''}/metrics`);
      const entries = /^tokenledger_ingress_journal_entries (\d+)/m.exec(await answer.text())?.[1];
      return Number(entries ?? Number.NaN);
    }),
  );
}

const LINES_SHOWN = 12;

/** The end of what each process printed, beside the first difference. */
function whatIsLeft(system: ChaosSystem, first: Difference): string {
  const printed = system.cluster.processes.map(
    ({ name, child }) => `── ${name}\n${child.stderr().split('\n').slice(-LINES_SHOWN).join('\n')}`,
  );
  return [...printed, `first difference: ${first.of}: ${first.what}`].join('\n');
}
