/** An ingress that leaves while Kafka is there, comes back, or stays away: what of its events is in the log, and what it says. */
import { type EventLog, openKafkaLog, SEQUENCE_HEADER, SOURCE_HEADER } from '@tokenledger/event-log';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ownPrefix, requireBrokers, sharedKafka } from '../../support/kafka/index.ts';
import { type KafkaProxy, PASS, startKafkaProxy } from '../../support/kafka/proxy.ts';
import { ledgerOnSimulator } from '../../support/ledger-on-simulator.ts';
import { type RoleProcess, runCluster, type RunningCluster } from '../../support/running-cluster.ts';
import { sendRequests } from '../../support/sent-requests.ts';
import { waitFor } from '../../support/wait-for.ts';

/** A stop may take this long in all. */
const SHUTDOWN_MS = 6_000;

const kafka = await sharedKafka();

describe.skipIf(kafka.skipped !== undefined)('an ingress that leaves', () => {
  const prefix = ownPrefix('scale-in');
  const resources = new AsyncDisposableStack();
  let proxy: KafkaProxy;
  let log: EventLog;
  beforeAll(async () => {
    const brokers = requireBrokers(kafka);
    proxy = resources.use(await startKafkaProxy(brokers.join(',')));
    log = openKafkaLog({ brokers });
    resources.defer(() => log.close());
  });
  const ledger = ledgerOnSimulator((options) =>
    runCluster({
      ...options,
      brokers: proxy.brokers,
      prefix,
      counts: { registry: 1, ingress: 1, pricer: 0, writer: 0 },
      env: { TOKENLEDGER_SHUTDOWN_TIMEOUT_MS: String(SHUTDOWN_MS) },
    }),
  ) as () => RunningCluster;
  afterAll(() => resources.disposeAsync());

  function ingress(): RoleProcess {
    const [process] = ledger().of('ingress');
    if (process === undefined) throw new Error('there is no ingress');
    return process;
  }
  /** By their numbers: nothing lands here, since no writer runs, so each start of the ingress sends what it holds again. */
  async function eventsInLog(): Promise<number> {
    const topic = `${prefix}usage.events`;
    const numbers = new Set<string>();
    for (let partition = 0; partition < ((await log.describeTopic(topic))?.partitions ?? 0); partition++) {
      const reader = await log.reader({ topic, partition, from: 'start' });
      const { end } = await reader.range();
      for (let offset = 0; offset < end;) {
        const records = await reader.poll({ recordsMax: 1_000, bytesMax: 1_000_000, waitMs: 1_000 });
        for (const { headers } of records) numbers.add(`${headers[SOURCE_HEADER]} ${partition} ${headers[SEQUENCE_HEADER]}`);
        offset = (records.at(-1)?.offset ?? offset - 1) + 1;
      }
      await reader.close();
    }
    return numbers.size;
  }

  test('ends with 0 once the log has everything', async () => {
    await sendRequests(ledger().url, 10);
    expect(await ingress().stop()).toMatchObject({ code: 0 });
    expect(await eventsInLog()).toBe(10);
    await ingress().start();
  });

  test('waits for a Kafka that comes back in time', async () => {
    proxy.decide(() => ({ kind: 'cut' }));
    await sendRequests(ledger().url, 5);
    const stopping = ingress().stop();
    await waitFor(() => /Stopping/.test(ingress().child.stderr()), { timeoutMs: 5_000, describe: 'the ingress to begin to leave' });
    expect(await eventsInLog()).toBe(10);
    proxy.decide(() => PASS);
    expect(await stopping).toMatchObject({ code: 0 });
    expect(await eventsInLog()).toBe(15);
    await ingress().start();
  });

  test('ends with 1 within its time when Kafka stays away, says how many events it leaves behind, and sends them after its next start', async () => {
    proxy.decide(() => ({ kind: 'cut' }));
    await sendRequests(ledger().url, 5);
    const beganMs = performance.now();
    expect(await ingress().stop()).toMatchObject({ code: 1 });
    expect(performance.now() - beganMs).toBeLessThan(SHUTDOWN_MS + 4_000);
    // Those of its earlier starts, too, of which it cannot know that they landed.
    const [, left] =
      /"level":50,.*"msg":"ingress: (\d+) events are not acknowledged by the event log"/.exec(ingress().child.stderr()) ?? [];
    expect(Number(left)).toBeGreaterThanOrEqual(5);
    expect(Number(left)).toBeLessThanOrEqual(20);
    proxy.decide(() => PASS);
    expect(await eventsInLog()).toBe(15);
    await ingress().start();
    await waitFor(async () => (await eventsInLog()) === 20, { timeoutMs: 10_000, describe: 'what was left behind in the log' });
  });
});
