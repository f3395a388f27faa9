/** Every process of a cluster restarted, one after the other, under steady load: no request fails, and the bill is the ledger. */
import { join } from 'node:path';
import { type BillLine, type ProviderSimulator, startProviderSimulator } from '@tokenledger/provider-simulator';
import { Agent, errors } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clusterOn } from '../../support/cluster-on-kafka.ts';
import { sharedKafka } from '../../support/kafka/index.ts';
import { openLoop } from '../../support/open-loop.ts';
import type { RunningCluster } from '../../support/running-cluster.ts';
import { LEDGER_KEY } from '../../support/running-ledger.ts';
import { makeTempDir } from '../../support/temp-dir.ts';
import { billTotals, totalsQuery } from '../suites/totals.ts';

const REQUESTS_PER_S = 200;
/** On a machine that is busy with other things, requests may wait for long; they are all sent. */
const IN_FLIGHT_MAX = 20_000;
const CONNECTIONS = 64;
/** Long enough for the load balancer to look again. */
const LEAVE_DELAY_MS = 1_000;
const ROWS_TIMEOUT_MS = 60_000;
const TRIES_MAX = 3;
/** Of the requests, those that may meet a kept connection at the moment at which it is closed: HTTP/1.1 cannot exclude it, and clients try again. */
const TRIED_AGAIN_SHARE_MAX = 0.02;

const kafka = await sharedKafka();

describe.skipIf(kafka.skipped !== undefined)(`a rolling restart of every process under ${REQUESTS_PER_S} requests/s`, () => {
  const resources = new AsyncDisposableStack();
  let simulator: ProviderSimulator;
  let cluster: RunningCluster;
  let billed: readonly BillLine[];
  /** Of answers: the ids that they carried. */
  const answered = new Set<string>();
  const odd: string[] = [];
  let triedAgain = 0;
  const exits: string[] = [];

  beforeAll(async () => {
    const folder = resources.use(await makeTempDir('rolling'));
    simulator = await startProviderSimulator({ billFile: join(folder.path, 'bill.jsonl') });
    resources.defer(() => simulator.close());
    cluster = resources.use(
      await clusterOn(kafka, 'rolling')({ upstreamUrl: simulator.url, config: `ingress: { leave_delay_ms: ${LEAVE_DELAY_MS} }\n` }),
    );
    const agent = new Agent({ connections: CONNECTIONS });
    resources.defer(() => agent.close());
    const load = openLoop(REQUESTS_PER_S, IN_FLIGHT_MAX, (index) => send(agent, index));
    for (const process of cluster.processes) {
      const { code, signal } = await process.stop();
      exits.push(`${process.name} ${signal ?? code}`);
      await process.start();
    }
    await load.stop();
    await cluster.rows(answered.size, ROWS_TIMEOUT_MS);
    billed = (await simulator.bill()).filter((line) => line.completed && line.reported);
  });
  afterAll(() => resources.disposeAsync());

  async function send(agent: Agent, index: number): Promise<void> {
    const streamed = index % 2 === 0;
    const path = index % 3 === 0 ? '/v1/messages' : '/v1/chat/completions';
    const model = index % 3 === 0 ? 'claude-sonnet-5-5' : 'gpt-4o-mini';
    for (let tries = 1; ; tries += 1) {
      try {
        const answer = await agent.request({
          origin: cluster.url,
          path,
          method: 'POST',
          headers: { 'content-type': 'application/json', authorization: `Bearer ${LEDGER_KEY}` },
          body: JSON.stringify({ model, stream: streamed, max_tokens: 100, messages: [{ role: 'user', content: `Question ${index}` }] }),
        });
        await answer.body.dump({ limit: Number.MAX_SAFE_INTEGER });
        if (answer.statusCode === 200) answered.add(String(answer.headers['x-tokenledger-request-id']));
        else odd.push(`${index}: ${answer.statusCode}`);
        return;
      } catch (error) {
        // Had an ingress taken the request, there would be a row too many in the end.
        if (tries < TRIES_MAX && error instanceof errors.SocketError) {
          triedAgain += 1;
          continue;
        }
        odd.push(`${index}, ${exits.at(-1) ?? 'at first'} was the last to end: ${String(error)}`);
        return;
      }
    }
  }

  test('every process ends by itself, leaving nothing behind', () => {
    expect(exits).toEqual(cluster.processes.map(({ name }) => `${name} 0`));
  });

  test('no request fails', () => {
    expect(odd).toEqual([]);
    expect(answered.size).toBeGreaterThan(REQUESTS_PER_S);
    expect(triedAgain / answered.size).toBeLessThan(TRIED_AGAIN_SHARE_MAX);
  });

  test('every answer is one event, no event is there twice, and no number is missing', async () => {
    const [counts] = await cluster.clickhouse.query<{ rows: string; events: string; numbers: string }>(
      'SELECT toString(count()) AS rows, toString(uniqExact(event_id)) AS events, toString(uniqExact(source, log_partition, sequence)) AS numbers FROM usage_events',
    );
    const expected = String(answered.size);
    expect(counts).toEqual({ rows: expected, events: expected, numbers: expected });
    const rows = await cluster.clickhouse.query<{ event_id: string }>('SELECT event_id FROM usage_events');
    expect(rows.filter(({ event_id: id }) => !answered.has(id))).toEqual([]);
    expect(await cluster.clickhouse.query('SELECT source FROM completeness WHERE missing != 0 OR repeats != 0')).toEqual([]);
  });

  test('the bill is the ledger, class by class', async () => {
    expect(billed).toHaveLength(answered.size);
    expect(await cluster.clickhouse.query(totalsQuery('usage_events'))).toEqual([billTotals(billed)]);
  });

  test('both ingresses had their share, before and after', () => {
    const shares = [...cluster.balancer.given.values()];
    expect(Math.min(...shares)).toBeGreaterThan(0);
  });
});
