/** kill -9 at the moments that matter: in the middle of an answer, between the answer and the log, and of everything at once. */
import { join } from 'node:path';
import { type ProviderSimulator, type Script, startProviderSimulator } from '@tokenledger/provider-simulator';
import { request } from 'undici';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type ClickHouseProcess, startClickHouseProcess } from '../../chaos/clickhouse-process.ts';
import { countDeadLetters, readIncomplete, readLanes, readRollups, readRows } from '../../chaos/ledger.ts';
import { startLoad } from '../../chaos/load.ts';
import { type LedgerRow, verdict } from '../../chaos/verdict.ts';
import { ownPrefix, requireBrokers, sharedKafka } from '../../support/kafka/index.ts';
import { API } from '../../support/kafka/protocol.ts';
import { type Exchange, type KafkaProxy, PASS, startKafkaProxy } from '../../support/kafka/proxy.ts';
import { type RoleProcess, runCluster, type RunningCluster } from '../../support/running-cluster.ts';
import { LEDGER_KEY, ledgerKeys } from '../../support/running-ledger.ts';
import { makeTempDir } from '../../support/temp-dir.ts';
import { waitFor } from '../../support/wait-for.ts';

const KEYS = 3;
const SESSION_MS = 3_000;
const ROWS_MS_MAX = 90_000;
const LOAD_REQUESTS = 60;
const LOAD_PER_S = 20;
const LOAD_MS_MAX = 60_000;

const kafka = await sharedKafka();

describe.skipIf(kafka.skipped !== undefined)('kill -9', () => {
  const resources = new AsyncDisposableStack();
  let simulator: ProviderSimulator;
  let clickhouse: ClickHouseProcess;
  let proxy: KafkaProxy;
  let cluster: RunningCluster;
  let ingress: RoleProcess;

  beforeAll(async () => {
    const folder = resources.use(await makeTempDir('kill'));
    simulator = await startProviderSimulator({ billFile: join(folder.path, 'bill.jsonl') });
    resources.defer(() => simulator.close());
    clickhouse = resources.use(await startClickHouseProcess(join(folder.path, 'clickhouse')));
    proxy = resources.use(await startKafkaProxy(requireBrokers(kafka).join(',')));
    cluster = resources.use(
      await runCluster({
        brokers: proxy.brokers,
        prefix: ownPrefix('kill'),
        upstreamUrl: simulator.url,
        keys: KEYS,
        counts: { writer: 1, pricer: 1, ingress: 1 },
        clickhouse: { url: clickhouse.url, askUrl: clickhouse.url },
        config: `kafka: { session_timeout_ms: ${SESSION_MS} }\n`,
      }),
    );
    [ingress] = cluster.of('ingress') as [RoleProcess];
  });
  afterEach(() => proxy.decide(() => PASS));
  afterAll(() => resources.disposeAsync());

  const ask = (id: string, script: Script) =>
    request(`${ingress.urls?.ingress ?? ''}/v1/chat/completions`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${LEDGER_KEY}`,
        'x-tokenledger-task-id': id,
        'x-sim-script': JSON.stringify(script),
      },
      body: JSON.stringify({ model: 'gpt-4o-mini', stream: true, max_tokens: 1_000, messages: [{ role: 'user', content: 'Hi' }] }),
    });

  const rowsOf = async (id: string): Promise<readonly LedgerRow[]> =>
    (await readRows(cluster.clickhouse)).filter(({ task_id: task }) => task === id);

  /** What the ledger and the bill say once it is in the ledger; differences count only when they stay. */
  async function settled(id: string): Promise<LedgerRow> {
    await waitFor(async () => (await rowsOf(id)).length > 0, { timeoutMs: ROWS_MS_MAX, intervalMs: 200, describe: `the row of ${id}` });
    await agree(1);
    const [row, ...more] = await rowsOf(id);
    if (row === undefined || more.length > 0) throw new Error(`${id} has ${more.length + 1} rows`);
    return row;
  }

  async function agree(unresolvedMax: number, clients?: Parameters<typeof verdict>[0]['clients']): Promise<void> {
    const differences = async () =>
      verdict({
        bill: await simulator.bill(),
        rows: await readRows(cluster.clickhouse),
        clients,
        lanes: await readLanes(cluster.clickhouse),
        incomplete: await readIncomplete(cluster.clickhouse),
        rollups: await readRollups(cluster.clickhouse),
        deadLetters: await countDeadLetters(cluster.clickhouse),
        unresolvedMax,
      });
    let left = await differences();
    await waitFor(async () => (left = await differences()).length === 0, {
      timeoutMs: ROWS_MS_MAX,
      intervalMs: 500,
      describe: () => `bill and ledger to agree: ${JSON.stringify(left[0])}`,
    });
  }

  test('of the ingress in the middle of a stream leaves an event that says so, and that nothing is lost', async () => {
    const answer = await ask('in the middle', { chunks: 200, chunk_delay_ms: 50 });
    for await (const _chunk of answer.body) {
      await ingress.kill();
      break;
    }
    await ingress.start();
    const row = await settled('in the middle');
    expect(row.outcome).toBe('unresolved');
    expect(row.attempts).toMatchObject([{ usage_source: expect.not.stringMatching('reported') as string }]);
    expect((await simulator.bill()).map((line) => line.request_id)).toContain(row.attempts[0]?.attempt_id);
  });

  test.each(['request', 'response'] as const)(
    'of the ingress after the answer, while the %s to send its event hangs, counts it once',
    async (direction) => {
      const hung = Promise.withResolvers<Exchange>();
      const id = `after the answer, ${direction}`;
      proxy.decide((exchange) => {
        if (exchange.api !== API.produce || exchange.direction !== direction) return PASS;
        hung.resolve(exchange);
        return { kind: 'silence' };
      });
      const answer = await ask(id, { chunks: 3 });
      expect(await answer.body.text()).toContain('[DONE]');
      await hung.promise;
      await ingress.kill();
      proxy.decide(() => PASS);
      await ingress.start();
      expect((await settled(id)).outcome).toBe('ok');
    },
  );

  test('of everything at once, and a start in any order, leaves bill, events and rollups equal', async () => {
    const before = (await simulator.bill()).length;
    const load = startLoad({
      seed: 30,
      perSecond: LOAD_PER_S,
      keys: Object.values(ledgerKeys(KEYS)),
      ingresses: [{ name: ingress.name, url: () => ingress.urls?.ingress }],
    });
    await waitFor(async () => (await simulator.bill()).length >= before + LOAD_REQUESTS, { timeoutMs: LOAD_MS_MAX, describe: 'requests' });
    const inFlight = load.inFlight(ingress.name);
    await Promise.all([...cluster.processes.map((one) => one.kill()), clickhouse.kill()]);
    await load.stop();
    await clickhouse.start();
    await Promise.all(cluster.processes.toReversed().map((one) => one.start()));
    expect(inFlight).toBeGreaterThan(0);
    // One from the test before.
    await agree(inFlight + 1, load.requests);
  });
});
