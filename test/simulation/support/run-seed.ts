/** One run: a seed, a load, what goes wrong, healing, and the audit. The same seed gives the same run. */
import { createHash } from 'node:crypto';
import { type LogRecord, simulatedLog, topicNames, topicSpecs, virtualClock } from '@tokenledger/event-log';
import { differences, type Evidence } from './audit.ts';
import { type Chance, chance } from './chance.ts';
import { type ConsumerProcess, startPricer, startWriter } from './consumer-processes.ts';
import { FaultCounts } from './fault-counts.ts';
import { IngressSlot } from './ingress-slot.ts';
import type { Life } from './life.ts';
import { type Machines, Nemesis } from './nemesis.ts';
import { Provider } from './provider.ts';
import { NO_CLICKHOUSE_FAULTS, type NodeContext, SimulatedNode } from './simulated-clickhouse.ts';
import { Slot } from './slot.ts';
import { AS_BUILT, type Variant, type World } from './world.ts';

export interface RunOptions {
  readonly seed: number;
  readonly variant?: Variant;
  /** Events that there are at least. */
  readonly requests?: number;
}

export interface RunReport {
  readonly seed: number;
  /** Empty when every promise held. */
  readonly failures: readonly string[];
  /** Rows of usage events. */
  readonly events: number;
  readonly unresolved: number;
  readonly faults: FaultCounts;
  /** How long it took, on the virtual clock. */
  readonly virtualMs: number;
  /** Of all that happened: equal for equal runs. */
  readonly fingerprint: string;
}

const REQUESTS = 1_000;
const KEYS = 8;
const PARTITIONS_MAX = 3;
const PROCESSES = 2;
const BURST_MAX = 10;
const BURST_PAUSE_MS_MAX = 14;
const SETTLE_PAUSE_MS = 40;
const SETTLE_MS_MAX = 60_000;
const CALM_LOOKS = 3;
const LOAD_MS_MAX = 600_000;
const HANDOVER_WAIT_MS = 200;
const RESTART_MS = [5, 80] as const;

export async function runSeed({ seed, variant = AS_BUILT, requests = REQUESTS }: RunOptions): Promise<RunReport> {
  const failures: string[] = [];
  const { world, nodeContext } = makeWorld(seed, variant, failures);
  await world.log.createTopics(topicSpecs(world.topics, { partitions: world.partitions, retentionMs: 0 }));
  const machines = makeMachines(world, nodeContext);
  const nemesis = new Nemesis(world, chance(seed, 4), machines);
  try {
    const rage = nemesis.rage();
    await load(world, machines, chance(seed, 5), requests);
    nemesis.heal();
    await rage;
    const unsettled = (await settle(world, machines)) || (await settleOnceMore(world, machines));
    const records = await readAll(world, world.topics.usageEvents);
    const statements = await readAll(world, world.topics.sources);
    if (unsettled === '') failures.push(...differences(evidenceOf(world, machines, { records, statements })));
    else failures.push(`it did not heal: ${unsettled}`);
    return reportOf(seed, world, failures);
  } finally {
    for (const { slot } of machines.ingresses) slot.end();
    for (const slot of [...machines.pricers, ...machines.writers]) slot.end();
  }
}

function makeWorld(seed: number, variant: Variant, failures: string[]): { readonly world: World; readonly nodeContext: NodeContext } {
  const clock = virtualClock(seed);
  const counts = new FaultCounts();
  const topics = topicNames('');
  const log = simulatedLog({ seed, clock, handoverWaitMs: HANDOVER_WAIT_MS, onFault: (fault) => counts.add(fault) });
  const nodeContext: NodeContext = { clock, chance: chance(seed, 2), counts, faults: NO_CLICKHOUSE_FAULTS };
  const nodes = ['first', 'second'].map((name) => new SimulatedNode(nodeContext, `http://${name}`));
  for (const node of nodes) node.replicateTo(nodes.filter((other) => other !== node));
  const drawn = chance(seed, 1);
  const world: World = {
    clock,
    chance: drawn,
    log,
    topics,
    partitions: drawn.integer(1, PARTITIONS_MAX + 1),
    keys: KEYS,
    nodes,
    provider: new Provider(clock, chance(seed, 3), counts),
    counts,
    variant,
    views: [],
    decidedBatches: new Map(),
    safe: 0,
    poison: async (partition, value) => {
      const producer = await log.producer();
      // Nobody waits for it, and it may be there although it failed.
      await producer.send(topics.usageEvents, partition, [{ key: null, value }]).catch(() => undefined);
    },
    onDefect: (error) => failures.push(`defect: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`),
    onAlarm: (kind) => {
      // Only a journal that was restored may be set aside; writes fail where a disk is full or torn.
      const isExpected = kind === 'write_failed' || (kind === 'set_aside' && counts.of('journalRestored') > 0);
      if (!isExpected) failures.push(`a journal alarmed: ${kind}`);
    },
  };
  return { world, nodeContext };
}

function makeMachines(world: World, nodeContext: NodeContext): Machines {
  const times = <Made>(make: () => Made): Made[] => Array.from({ length: PROCESSES }, make);
  const consumer = (start: (world: World, life: Life) => Promise<ConsumerProcess>): Slot<ConsumerProcess> =>
    new Slot({
      clock: world.clock,
      start: (life) => start(world, life),
      onDeath: () => undefined,
      onDefect: (error) => world.onDefect(error),
      pauseMs: () => world.chance.between(...RESTART_MS),
    });
  return {
    ingresses: times(() => new IngressSlot(world)),
    pricers: times(() => consumer(startPricer)),
    writers: times(() => consumer(startWriter)),
    nodes: world.nodes,
    nodeContext,
  };
}

/** Bursts of requests, to whichever ingress is up, until enough of them are safe on disk. */
async function load(world: World, { ingresses }: Machines, drawn: Chance, requests: number): Promise<void> {
  for (let recorded = 0; recorded < requests;) {
    await world.clock.wait(drawn.between(0, BURST_PAUSE_MS_MAX));
    for (let left = drawn.integer(1, BURST_MAX); left > 0; left--) {
      const ingress = drawn.pick(ingresses);
      if (ingress.takesRequests) ingress.process?.accept();
    }
    recorded = world.safe;
    if (world.clock.nowMs() > LOAD_MS_MAX) throw new Error(`only ${recorded} requests were recorded`);
  }
}

/** Waits until every request is over, everything was passed on, and nothing is under way. Returns what it waited for in vain. */
async function settle(world: World, { ingresses, nodes }: Machines): Promise<string> {
  const untilMs = world.clock.nowMs() + SETTLE_MS_MAX;
  let waitsFor = 'anything';
  let calm = 0;
  while (world.clock.nowMs() < untilMs) {
    await world.clock.wait(SETTLE_PAUSE_MS);
    const processes = ingresses.map(({ process }) => process);
    if (ingresses.some(({ restoring }) => restoring)) waitsFor = 'a journal to be restored';
    else if (processes.some((process) => process === null)) waitsFor = 'an ingress to come up';
    else if (processes.some((process) => (process?.inHand.size ?? 0) > 0)) waitsFor = 'requests to end';
    else if (processes.some((process) => (process?.journal.fill().entries ?? 0) > 0))
      waitsFor = `journals to be empty: ${JSON.stringify(processes.map((process) => [process?.journal.fill(), process?.journal.lanes()]))}`;
    else if (world.variant.store === 'ledger' && processes.some((process) => process?.hasLanded === false))
      waitsFor = 'all to be known to have landed';
    else if (nodes.some(({ underWay }) => underWay > 0)) waitsFor = 'inserts that are under way';
    else waitsFor = await unread(world);
    calm = waitsFor === '' ? calm + 1 : 0;
    if (calm === CALM_LOOKS) return '';
  }
  return waitsFor;
}

/** Ingresses that have nothing left are killed, too: how far they had numbered is for the next ones to say. Where nobody says what has landed, these would send all
 *  of it again, and mend what is to be found. */
async function settleOnceMore(world: World, machines: Machines): Promise<string> {
  if (world.variant.store !== 'ledger') return '';
  for (const { slot } of machines.ingresses) slot.life.kill();
  return settle(world, machines);
}

async function unread({ log, topics }: World): Promise<string> {
  const readers = [
    ['pricer', topics.usageEvents],
    ['writer', topics.usagePriced],
    ['writer-dead-letters', topics.deadLetter],
  ] as const;
  for (const [group, topic] of readers) {
    const committed = await log.committedOffsets(group, topic);
    for (const [partition, { end }] of (await log.ranges(topic)).entries()) {
      const offset = committed.get(partition)?.offset ?? 0;
      if (offset < end) return `${group} to read ${topic}/${partition} from ${offset} to ${end}`;
    }
  }
  return '';
}

async function readAll({ log, partitions }: World, topic: string): Promise<readonly LogRecord[]> {
  const records: LogRecord[] = [];
  for (let partition = 0; partition < partitions; partition++) {
    const reader = await log.reader({ topic, partition, from: 'start' });
    const { end } = await reader.range();
    for (let next = 0; next < end;) {
      const read = await reader.poll({ recordsMax: end, bytesMax: Number.MAX_SAFE_INTEGER, waitMs: 0 });
      records.push(...read);
      next = (read.at(-1)?.offset ?? end) + 1;
    }
    await reader.close();
  }
  return records;
}

function evidenceOf(world: World, { ingresses, nodes }: Machines, read: Pick<Evidence, 'records' | 'statements'>): Evidence {
  const { topics, counts } = world;
  return {
    bill: world.provider.bill,
    views: world.views,
    usageEvents: nodes.map(({ usageEvents }) => usageEvents),
    deadLetters: nodes.map(({ deadLetters }) => deadLetters),
    ...read,
    context: { pricedTopic: topics.usagePriced, deadLetterTopic: topics.deadLetter, fits: () => true },
    lostInHand: ingresses.reduce((sum, { lostInHand }) => sum + lostInHand, 0),
    numbering: counts.of('journalRestored') > 0 ? null : new Set(ingresses.flatMap(({ process }) => process?.journal.source ?? [])),
  };
}

function reportOf(seed: number, world: World, failures: readonly string[]): RunReport {
  const rows = world.nodes[0]?.usageEvents.rows ?? [];
  const hash = createHash('sha256');
  for (const { source, sequence, epoch, logPartition } of rows) hash.update(`${source} ${logPartition} ${sequence} ${epoch}\n`);
  hash.update(JSON.stringify([world.counts.entries(), world.clock.nowMs(), world.provider.bill.length]));
  return {
    seed,
    failures,
    events: rows.length,
    unresolved: rows.filter(({ priced }) => priced?.event.outcome === 'unresolved').length,
    faults: world.counts,
    virtualMs: world.clock.nowMs(),
    fingerprint: hash.digest('hex').slice(0, 16),
  };
}
