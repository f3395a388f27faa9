/** The system that chaos is let loose on: real processes, a real broker, a real ClickHouse, each behind a proxy that can spoil what goes through. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ClickHouse, openClickHouse } from '@tokenledger/clickhouse';
import { type ProviderSimulator, startProviderSimulator } from '@tokenledger/provider-simulator';
import { type JarsKafka, startJarsKafka } from '../support/kafka/jars-kafka.ts';
import { API } from '../support/kafka/protocol.ts';
import { type KafkaProxy, startKafkaProxy } from '../support/kafka/proxy.ts';
import type { KafkaSource } from '../support/kafka/source.ts';
import { type RoleProcess, runCluster, type RunningCluster } from '../support/running-cluster.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { type Afflictions, HEALTHY, writeAfflictions } from './afflictions.ts';
import { startClickHouseProcess } from './clickhouse-process.ts';
import { type InsertProxy, startInsertProxy } from './insert-proxy.ts';
import { DRAIN_MS_MAX } from './load.ts';
import { describePhases, readPhases } from './phases.ts';
import { kindOf, type VictimName } from './plan.ts';
import type { Victim } from './victim.ts';

export interface ChaosSystem extends AsyncDisposable {
  readonly cluster: RunningCluster;
  readonly simulator: ProviderSimulator;
  readonly kafkaProxy: KafkaProxy;
  readonly insertProxy: InsertProxy;
  /** Straight to ClickHouse. */
  readonly clickhouse: ClickHouse;
  victim(name: VictimName): Victim;
  readonly victims: readonly Victim[];
  afflict(name: VictimName, afflictions: Afflictions): void;
}

export interface SystemOptions {
  readonly kafka: KafkaSource & { readonly kind: 'jars' };
  readonly keys: number;
}

export const SESSION_MS = 3_000;

/** Short waits, so that a kill is followed by work soon. */
const CONFIG = `ingress: { drain_timeout_ms: ${DRAIN_MS_MAX}, publish_retry_ms_max: 1000 }
writer: { flush_interval_ms: 100, kill_wait_ms: 5000 }
kafka: { session_timeout_ms: ${SESSION_MS}, timeout_ms: 5000 }
logging: { level: info, format: json }
`;

export async function startSystem(options: SystemOptions): Promise<ChaosSystem> {
  const resources = new AsyncDisposableStack();
  try {
    return await startAll(options, resources);
  } catch (error) {
    await resources.disposeAsync();
    throw error;
  }
}

async function startAll(options: SystemOptions, resources: AsyncDisposableStack): Promise<ChaosSystem> {
  const folder = resources.use(await makeTempDir('chaos'));
  const [broker, database, simulator] = await Promise.all([
    startJarsKafka(options.kafka),
    startClickHouseProcess(join(folder.path, 'clickhouse')),
    startProviderSimulator({ billFile: join(folder.path, 'bill.jsonl') }),
  ]);
  resources.use(broker);
  resources.use(database);
  resources.defer(() => simulator.close());
  const kafkaProxy = resources.use(await startKafkaProxy(broker.brokers));
  const insertProxy = resources.use(await startInsertProxy({ host: '127.0.0.1', port: database.port }));
  const clickhouse = openClickHouse({ url: database.url });
  resources.defer(() => clickhouse.close());

  const states = join(folder.path, 'states');
  mkdirSync(states);
  const phasesOf = (name: string): string => join(states, `${name}.phases`);
  const afflictionsOf = (name: string): string => join(states, `${name}.afflictions`);
  const cluster = resources.use(
    await runCluster({
      brokers: kafkaProxy.brokers,
      prefix: 'chaos.',
      keys: options.keys,
      upstreamUrl: simulator.url,
      clickhouse: { url: insertProxy.url, askUrl: database.url },
      config: CONFIG,
      envOf(name) {
        writeAfflictions(afflictionsOf(name), HEALTHY);
        writeFileSync(phasesOf(name), '');
        return {
          NODE_OPTIONS: `--import=${join(import.meta.dirname, 'preload.ts')}`,
          NODE_COMPILE_CACHE: join(folder.path, 'compile-cache'),
          CHAOS_PHASES: phasesOf(name),
          CHAOS_AFFLICTIONS: afflictionsOf(name),
        };
      },
    }),
  );
  const victims: readonly Victim[] = [
    ...cluster.processes.map((role) => roleVictim(role, phasesOf(role.name))),
    brokerVictim(broker, kafkaProxy),
    {
      name: 'clickhouse',
      kind: 'clickhouse',
      pid: () => database.pid(),
      inHand: () => (insertProxy.inFlight() > 0 ? 'insert' : ''),
      kill: () => database.kill(),
      start: () => database.start(),
    },
  ];
  return {
    cluster,
    simulator,
    kafkaProxy,
    insertProxy,
    clickhouse,
    victims,
    victim(name) {
      const found = victims.find((one) => one.name === name);
      if (found === undefined) throw new RangeError(`there is no ${name}`);
      return found;
    },
    afflict: (name, afflictions) => writeAfflictions(afflictionsOf(name), afflictions),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

function roleVictim(role: RoleProcess, phasesFile: string): Victim {
  const name = role.name as VictimName;
  let running = true;
  return {
    name,
    kind: kindOf(name),
    pid: () => (running ? role.child.pid : undefined),
    inHand: () => describePhases(readPhases(phasesFile)),
    async kill() {
      running = false;
      await role.kill();
    },
    async start() {
      // What the dead had in hand is not what the new one has.
      writeFileSync(phasesFile, '');
      const starting = role.start();
      running = true;
      try {
        await starting;
      } catch (error) {
        running = false;
        await role.kill();
        throw error;
      }
    },
  };
}

function brokerVictim(broker: JarsKafka, proxy: KafkaProxy): Victim {
  let running = true;
  return {
    name: 'broker',
    kind: 'broker',
    pid: () => (running ? broker.pid : undefined),
    inHand() {
      if (proxy.inFlight(API.produce) > 0) return 'produce';
      return proxy.inFlight(API.offsetCommit) > 0 ? 'commit' : '';
    },
    async kill() {
      running = false;
      await broker.kill();
    },
    async start() {
      await broker.start();
      running = true;
    },
  };
}
