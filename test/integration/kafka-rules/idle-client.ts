/** A process of its own that connects to Kafka, sends one record, and then has nothing to do for a while: prints how many timers were set meanwhile. */
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import type * as KafkaJs from 'kafkajs';

export interface IdleReport {
  /** Timers set in a second without anything to do. */
  readonly timers: number;
  /** Names of what Node warned of. */
  readonly warnings: readonly string[];
}

const IDLE_MS = 1_000;
const topic = 'idle';

/** Connects and sends; returns how to end it. */
type Client = (brokers: string) => Promise<() => Promise<void>>;

const eventLog: Client = async (brokers) => {
  // Only the client that is asked for is loaded.
  const { openKafkaLog } = await import('@tokenledger/event-log');
  const log = openKafkaLog({ brokers: [brokers] });
  const producer = await log.producer();
  await producer.send(topic, 0, [{ key: null, value: Buffer.from('one') }]);
  return () => log.close();
};

function kafkaJsIn(folder: string): Client {
  return async (brokers) => {
    const { Kafka, logLevel, Partitioners } = createRequire(import.meta.url)(folder) as typeof KafkaJs;
    const producer = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING }).producer({
      createPartitioner: Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    await producer.send({ topic, messages: [{ partition: 0, value: 'one' }] });
    return () => producer.disconnect();
  };
}

/** Counts the calls of `setTimeout`, which it does not change. */
function countTimers(): () => number {
  const { setTimeout: original } = globalThis;
  let count = 0;
  globalThis.setTimeout = Object.assign((...args: Parameters<typeof setTimeout>) => {
    count += 1;
    return original(...args);
  }, original);
  return () => count;
}

if (import.meta.main) {
  const [brokers = '', folder] = process.argv.slice(2);
  const warnings: string[] = [];
  process.on('warning', ({ name }) => warnings.push(name));
  const timers = countTimers();
  const close = await (folder === undefined ? eventLog : kafkaJsIn(folder))(brokers);
  const before = timers();
  await sleep(IDLE_MS);
  const report: IdleReport = { timers: timers() - before, warnings };
  await close();
  process.stdout.write(`${JSON.stringify(report)}\n`);
}
