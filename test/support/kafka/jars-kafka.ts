/** One broker from Kafka's own jars: KRaft, a node of its own folder and ports, ended with whoever started it. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { freePort } from '../free-port.ts';
import { waitFor } from '../wait-for.ts';
import { BROKER_SETTINGS, CONTROLLER, PLAIN } from './broker-settings.ts';
import { provideJars } from './jars.ts';
import { KEEPER_LOG, type KeeperOrder, type KeeperPlan } from './keeper.ts';
import { answers } from './readiness.ts';
import type { KafkaSource } from './source.ts';

export interface JarsKafkaOptions {
  /** Added to the broker's properties. */
  readonly settings?: Readonly<Record<string, string>>;
  /** More listeners beside the plain one: name → security protocol. Their settings go into `settings`. */
  readonly listeners?: Readonly<Record<string, 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL'>>;
  /** More arguments of `StorageTool format`, such as `--add-scram`. */
  readonly formatArguments?: readonly string[];
  /** How far Java compiles the broker: `quick` (the default) starts at half the CPU, `full` is for load. */
  readonly compiler?: 'quick' | 'full';
}

export interface JarsKafka extends AsyncDisposable {
  /** host:port of the plain listener. */
  readonly brokers: string;
  /** host:port of another listener, by its name. */
  listener(name: string): string;
  /** Of the broker that runs, or ran last. */
  readonly pid: number;
  /** Ends the broker at once, as `kill -9` does; resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts it again on what it has stored; resolves when it answers. */
  start(): Promise<void>;
}

const START_MS_MAX = 100_000;
const END_MS_MAX = 15_000;
/** A port that was free may be taken before the broker has it. */
const START_ATTEMPTS = 3;

export async function startJarsKafka(source: KafkaSource & { readonly kind: 'jars' }, options: JarsKafkaOptions = {}): Promise<JarsKafka> {
  const jars = await provideJars(source.jars);
  for (let attempt = 1; ; attempt += 1) {
    const broker = await Broker.start(source.java, jars, options);
    try {
      await broker.ready();
      return broker;
    } catch (error) {
      await broker[Symbol.asyncDispose]();
      if (attempt === START_ATTEMPTS || !String(error).includes('Address already in use')) throw error;
    }
  }
}

type KeeperProcess = ChildProcessByStdio<Writable, Readable, null>;

class Broker implements JarsKafka {
  readonly brokers: string;
  readonly #folder: string;
  readonly #ports: ReadonlyMap<string, number>;
  readonly #keeper: KeeperProcess;
  readonly #keeperGone: Promise<unknown>;
  #running = true;
  #pid: number | undefined;

  private constructor(folder: string, ports: ReadonlyMap<string, number>, keeper: KeeperProcess) {
    this.#folder = folder;
    this.#ports = ports;
    this.#keeper = keeper;
    this.#keeperGone = once(keeper, 'exit');
    this.brokers = this.listener(PLAIN);
    // A keeper that has ended takes no orders; whoever waits for their effect hears of it.
    keeper.stdin.on('error', () => {});
    createInterface({ input: keeper.stdout }).on('line', (news) => {
      const [what, number] = news.split(' ');
      if (what === 'began') this.#pid = Number(number);
      else this.#running = false;
    });
  }

  static async start(java: string, jars: string, options: JarsKafkaOptions): Promise<Broker> {
    const folder = await mkdtemp(join(tmpdir(), 'tokenledger-kafka-'));
    const ports = await portsFor([PLAIN, CONTROLLER, ...Object.keys(options.listeners ?? {})]);
    await writeFile(join(folder, 'server.properties'), properties(folder, ports, options));
    await writeFile(join(folder, 'log4j2.properties'), LOGGING);
    const run = [
      java,
      '-Xmx512m',
      '-XX:+UseSerialGC',
      ...(options.compiler === 'full' ? [] : ['-XX:TieredStopAtLevel=1']),
      `-Dlog4j2.configurationFile=${join(folder, 'log4j2.properties')}`,
      '-cp',
      join(jars, '*'),
    ];
    const plan: KeeperPlan = {
      folder,
      prepare: [
        ...run,
        'kafka.tools.StorageTool',
        'format',
        '-t',
        CLUSTER_ID,
        '-c',
        'server.properties',
        ...(options.formatArguments ?? []),
      ],
      serve: [...run, 'kafka.Kafka', 'server.properties'],
    };
    const keeper = spawn(process.execPath, [join(import.meta.dirname, 'keeper.ts'), JSON.stringify(plan)], {
      stdio: ['pipe', 'pipe', 'inherit'],
      // A group of its own: a terminal's Ctrl-C is for us, and our end closes its input, however we end.
      detached: true,
    });
    return new Broker(folder, ports, keeper);
  }

  get pid(): number {
    if (this.#pid === undefined) throw new Error('the broker has not begun');
    return this.#pid;
  }

  listener(name: string): string {
    const port = this.#ports.get(name);
    if (port === undefined) throw new Error(`the broker has no listener ${name}`);
    return `127.0.0.1:${port}`;
  }

  async ready(): Promise<void> {
    await waitFor(
      async () => {
        if (!this.#running) throw new Error(`the broker ended while it started; it printed:\n${await this.#printed()}`);
        return answers(this.brokers);
      },
      { timeoutMs: START_MS_MAX, intervalMs: 100, describe: 'a broker that answers' },
    );
  }

  async kill(): Promise<void> {
    this.#order('kill');
    await waitFor(() => !this.#running, { timeoutMs: END_MS_MAX, describe: 'the end of the broker' });
  }

  async start(): Promise<void> {
    this.#running = true;
    this.#order('start');
    await this.ready();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#keeper.stdin.end();
    const late = setTimeout(() => this.#killGroup(), END_MS_MAX);
    await this.#keeperGone;
    clearTimeout(late);
  }

  #order(order: KeeperOrder): void {
    this.#keeper.stdin.write(`${order}\n`);
  }

  #killGroup(): void {
    if (this.#keeper.pid !== undefined) process.kill(-this.#keeper.pid, 'SIGKILL');
  }

  async #printed(): Promise<string> {
    const text = await readFile(join(this.#folder, KEEPER_LOG), 'utf8');
    return text.slice(-4_000);
  }
}

/** A port for each name, no two the same. */
async function portsFor(names: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const ports = new Map<string, number>();
  for (const name of names) {
    let port = await freePort();
    while ([...ports.values()].includes(port)) port = await freePort();
    ports.set(name, port);
  }
  return ports;
}

/** Any 16 bytes in base64url: a cluster of one, thrown away after the tests. */
const CLUSTER_ID = 'dG9rZW5sZWRnZXItdGVzdA';

function properties(folder: string, ports: ReadonlyMap<string, number>, options: JarsKafkaOptions): string {
  const all = [...ports].map(([name, port]) => `${name}://127.0.0.1:${port}`);
  const protocols: Record<string, string> = { [PLAIN]: 'PLAINTEXT', [CONTROLLER]: 'PLAINTEXT', ...options.listeners };
  const settings: Record<string, string> = {
    ...BROKER_SETTINGS,
    listeners: all.join(','),
    'advertised.listeners': all.filter((listener) => !listener.startsWith(CONTROLLER)).join(','),
    'listener.security.protocol.map': Object.entries(protocols)
      .map((pair) => pair.join(':'))
      .join(','),
    'controller.quorum.voters': `1@127.0.0.1:${ports.get(CONTROLLER)}`,
    'log.dirs': join(folder, 'data'),
    ...options.settings,
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

/** To the keeper's log, which is read when a broker does not start. */
const LOGGING = `appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %m (%c)%n%throwable
rootLogger.level = WARN
rootLogger.appenderRef.out.ref = out
`;
