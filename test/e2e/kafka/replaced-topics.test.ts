/** Topics that were deleted, made anew or cut off behind our back: the partition stops with an alarm, and goes on where an operator says. */
import { type Admin, Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clusterOn } from '../../support/cluster-on-kafka.ts';
import { ownPrefix, requireBrokers, sharedKafka } from '../../support/kafka/index.ts';
import { ledgerOnSimulator } from '../../support/ledger-on-simulator.ts';
import type { RoleProcess, RunningCluster } from '../../support/running-cluster.ts';
import { sendRequests } from '../../support/sent-requests.ts';
import { waitFor } from '../../support/wait-for.ts';

const ROWS_TIMEOUT_MS = 30_000;
const STATE_TIMEOUT_MS = 30_000;
const PARTITIONS = 1;

const kafka = await sharedKafka();

describe.skipIf(kafka.skipped !== undefined)('a topic that was replaced or cut off', () => {
  const prefix = ownPrefix('replaced');
  const usageEvents = `${prefix}usage.events`;
  const counts = { registry: 1, writer: 1, pricer: 1, ingress: 1 };
  const ledger = ledgerOnSimulator(clusterOn(kafka, 'replaced', { prefix, partitions: PARTITIONS, counts })) as () => RunningCluster;
  const resources = new AsyncDisposableStack();
  let admin: Admin;
  beforeAll(async () => {
    admin = new Kafka({ brokers: [...requireBrokers(kafka)], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    resources.defer(() => admin.disconnect());
  });
  afterAll(() => resources.disposeAsync());

  function one(role: 'pricer' | 'ingress'): RoleProcess {
    const [process] = ledger().of(role);
    if (process === undefined) throw new Error(`there is no ${role}`);
    return process;
  }

  /** What `/readyz` of the pricer says about itself, once it is degraded. */
  async function alarm(): Promise<string> {
    const url = `${one('pricer').urls?.admin}/readyz`;
    let seen = '';
    return waitFor(
      async () => {
        seen = await (await fetch(url)).text();
        const state = (JSON.parse(seen) as { roles: Record<string, { status: string; detail: string }> }).roles['pricer'];
        return state?.status === 'degraded' && state.detail;
      },
      { timeoutMs: STATE_TIMEOUT_MS, describe: () => `the pricer to raise its alarm; it says ${seen}` },
    );
  }

  async function stoppedPartitions(): Promise<number> {
    const text = await (await fetch(`${one('pricer').urls?.admin}/metrics`)).text();
    return Number(/^tokenledger_pricer_partitions_stopped_total (\d+)/m.exec(text)?.[1] ?? 0);
  }

  test('cut off behind the committed offset: the pricer refuses to skip what is gone, until it is told where to go on', async () => {
    await sendRequests(ledger().url, 10);
    await ledger().rows(10, ROWS_TIMEOUT_MS);
    await one('pricer').stop();
    await sendRequests(ledger().url, 10);
    await waitFor(async () => (await admin.fetchTopicOffsets(usageEvents))[0]?.high === '20', {
      timeoutMs: ROWS_TIMEOUT_MS,
      describe: 'twenty events in the log',
    });
    await admin.deleteTopicRecords({ topic: usageEvents, partitions: [{ partition: 0, offset: '15' }] });
    await one('pricer').start();
    expect(await alarm()).toMatch(
      /usage\.events\/0 has stopped: Offset 10 of .*usage\.events\/0 is outside of what the log keeps, 15 to 20/,
    );
    expect(await stoppedPartitions()).toBe(1);

    const refused = await ledger().cli('offsets', 'set', '--group', 'pricer', '--to', 'start');
    expect({ code: refused.code, text: refused.stderr }).toEqual({ code: 1, text: expect.stringContaining('has members') });
    const shown = await ledger().cli('offsets', 'show', '--group', 'pricer');
    expect(shown.stdout).toMatch(/pricer +\S+usage\.events +0 +10 +15 +20 +OUT OF RANGE/);
    await one('pricer').stop();
    const set = await ledger().cli('offsets', 'set', '--group', 'pricer', '--to', 'start');
    expect({ code: set.code, text: set.stdout }).toEqual({ code: 0, text: expect.stringContaining('goes on in') });
    await one('pricer').start();
    // One more shows that the five between will not come: the ingress has them still, and sends them again.
    await sendRequests(ledger().url, 1);
    await ledger().rows(21, ROWS_TIMEOUT_MS);
    const gaps = await ledger().clickhouse.query('SELECT source FROM completeness WHERE missing > 0 OR repeats > 0');
    expect(gaps, 'what the log lost is there').toEqual([]);
  });

  test('deleted and made anew: the pricer refuses to take the new one for the old one, until it is told so', async () => {
    const before = 21;
    await admin.deleteTopics({ topics: [usageEvents] });
    expect(await alarm(), 'while it runs').toMatch(/usage\.events\/0 (has stopped|waits)/);
    await one('pricer').stop();
    const missing = await ledger().cli('run', '--roles', 'pricer', '--admin-port', '0');
    expect({ code: missing.code, text: missing.stderr }).toEqual({
      code: 1,
      text: expect.stringMatching(/the topic \S+usage\.events is missing: run `tokenledger migrate`/),
    });
    expect((await ledger().cli('migrate', '--no-tables')).code).toBe(0);
    await sendRequests(ledger().url, 5);

    await one('pricer').start();
    expect(await alarm()).toMatch(
      /usage\.events\/0 has stopped: .*(deleted and created again|was replaced or restored|outside of what the log keeps)/,
    );
    await one('pricer').stop();
    expect((await ledger().cli('offsets', 'set', '--group', 'pricer', '--to', 'start')).code).toBe(0);
    await one('pricer').start();
    await ledger().rows(before + 5, ROWS_TIMEOUT_MS);
  });
});
