/** More partitions for a ledger that is in use: refused while events come in, done once everything is read, and no start with unequal counts. */
import { type Admin, Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clusterOn } from '../../support/cluster-on-kafka.ts';
import { ownPrefix, requireBrokers, sharedKafka } from '../../support/kafka/index.ts';
import { ledgerOnSimulator } from '../../support/ledger-on-simulator.ts';
import type { ClusterRole, RunningCluster } from '../../support/running-cluster.ts';
import { sendRequests } from '../../support/sent-requests.ts';

const KEYS = 6;
const REQUESTS_PER_KEY = 10;
const BEFORE = 2;
const AFTER = 5;
const ROWS_TIMEOUT_MS = 30_000;

const kafka = await sharedKafka();

interface Row {
  readonly event_id: string;
  readonly virtual_key_id: string;
  readonly source: string;
  readonly log_partition: number;
  readonly sequence: string;
}

describe.skipIf(kafka.skipped !== undefined)(`growing from ${BEFORE} to ${AFTER} partitions`, () => {
  const prefix = ownPrefix('growth');
  const counts = { writer: 1, pricer: 1 };
  // Nothing is counted: an event that waits for its count is numbered after those that do not.
  const env = { TOKENLEDGER_INGRESS_COUNTING_THREADS: '0' };
  const ledger = ledgerOnSimulator(clusterOn(kafka, 'growth', { prefix, partitions: BEFORE, counts, env })) as () => RunningCluster;
  const resources = new AsyncDisposableStack();
  const secrets: string[] = [];
  /** Ids of events in the order in which they were asked for, by key. */
  const sent = new Map<string, string[]>();
  let admin: Admin;

  beforeAll(async () => {
    admin = new Kafka({ brokers: [...requireBrokers(kafka)], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    resources.defer(() => admin.disconnect());
    for (let index = 0; index < KEYS; index += 1) {
      const made = await ledger().cli('keys', 'create', keyId(index), '--tenant', 'acme', '--owner', 'ada', '--project', 'chat', '--json');
      secrets.push((JSON.parse(made.stdout) as { secret: string }).secret);
    }
  });
  afterAll(() => resources.disposeAsync());

  async function sendForEachKey(): Promise<void> {
    await Promise.all(
      secrets.map(async (secret, index) => {
        const ids = await sendRequests(ledger().url, REQUESTS_PER_KEY, secret);
        sent.set(keyId(index), [...(sent.get(keyId(index)) ?? []), ...ids]);
      }),
    );
  }
  async function partitionCounts(): Promise<readonly number[]> {
    const { topics } = await admin.fetchTopicMetadata({ topics: usageTopics });
    return topics.map(({ partitions }) => partitions.length);
  }
  const usageTopics = ['usage.events', 'usage.priced', 'usage.reconciled', 'usage.dead-letter'].map((name) => `${prefix}${name}`);
  const grow = (partitions: number, waitS: number) =>
    ledger().cli('topics', 'grow', '--partitions', String(partitions), '--wait', String(waitS), '--quiet', '1');
  async function each(role: ClusterRole, action: 'start' | 'stop'): Promise<readonly (number | null)[]> {
    const exits = await Promise.all(
      ledger()
        .of(role)
        .map((process) => process[action]()),
    );
    return exits.flatMap((exit) => (exit === undefined ? [] : exit.code));
  }

  test('is refused while ingresses write, and changes nothing', async () => {
    let writing = true;
    const load = (async () => {
      while (writing) await sendForEachKey();
    })();
    const refused = await grow(AFTER, 3);
    writing = false;
    await load;
    expect({ code: refused.code, text: refused.stderr }).toEqual({ code: 1, text: expect.stringContaining('nothing was grown') });
    expect(await partitionCounts()).toEqual([BEFORE, BEFORE, BEFORE, BEFORE]);
  });

  test('is done once the ingresses have left and everything is read', async () => {
    expect(await each('ingress', 'stop')).toEqual([0, 0]);
    const grown = await grow(AFTER, 60);
    expect({ code: grown.code, text: grown.stderr }).toEqual({ code: 0, text: '' });
    expect(await partitionCounts()).toEqual([AFTER, AFTER, AFTER, AFTER]);
    expect((await grow(AFTER, 0)).stdout).toContain(`Every usage topic has ${AFTER} partitions already.`);
    expect((await grow(BEFORE, 0)).stderr).toContain('a topic cannot shrink');
    const shown = await ledger().cli('topics', 'list');
    expect(shown.stdout).toMatch(new RegExp(`usage\\.events +${AFTER} +time`));
    const examined = await ledger().cli('doctor', '--ingress-port', '0', '--admin-port', '0', '--registry-port', '0');
    expect(examined.stdout).toMatch(
      new RegExp(`ok    event log .*: the usage topics have ${AFTER} partitions, log\\.partitions is ${BEFORE}, one copy`),
    );
  });

  test('after it the ledger goes on: no number is missing, and the events of a key stay together and in order', async () => {
    expect([...(await each('pricer', 'stop')), ...(await each('writer', 'stop'))]).toEqual([0, 0]);
    for (const role of ['writer', 'pricer', 'ingress'] as const) await each(role, 'start');
    const rowsBefore = [...sent.values()].flat().length;
    await sendForEachKey();
    const total = [...sent.values()].flat().length;
    await ledger().rows(total, ROWS_TIMEOUT_MS);
    const gaps = 'SELECT source FROM completeness WHERE missing != 0 OR repeats != 0';
    expect(await ledger().clickhouse.query(gaps)).toEqual([]);

    const rows = await ledger().clickhouse.query<Row>(
      'SELECT event_id, virtual_key_id, source, log_partition, toString(sequence) AS sequence FROM usage_events',
    );
    const after = new Set<number>();
    for (const [key, ids] of sent) {
      const byId = new Map(rows.filter((row) => row.virtual_key_id === key).map((row) => [row.event_id, row]));
      const inOrder = ids.map((id) => byId.get(id));
      expect(
        inOrder.every((row) => row !== undefined),
        `${key} has its rows`,
      ).toBe(true);
      const late = inOrder.slice(ids.length - REQUESTS_PER_KEY);
      const early = inOrder.slice(0, ids.length - REQUESTS_PER_KEY);
      expect(partitionsOf(early).size, `${key} before`).toBe(1);
      expect(partitionsOf(late).size, `${key} after`).toBe(1);
      for (const partition of partitionsOf(late)) after.add(partition);
      for (const half of [early, late]) expect(isInOrderPerSource(half), `${key} is in order`).toBe(true);
    }
    expect(rowsBefore).toBeGreaterThan(0);
    expect(Math.max(...after), 'new partitions are used').toBeGreaterThanOrEqual(BEFORE);
  });

  test('a start with unequal counts is refused, naming them and the way out, which works', async () => {
    await admin.createPartitions({ topicPartitions: [{ topic: `${prefix}usage.priced`, count: AFTER + 1 }] });
    const refused = await ledger().cli('run', '--roles', 'pricer', '--admin-port', '0');
    expect({ code: refused.code, text: refused.stderr }).toEqual({
      code: 1,
      text: expect.stringMatching(/usage\.priced 6, .*usage\.events 5.*`tokenledger topics grow --partitions 6`/),
    });
    expect(await each('ingress', 'stop')).toEqual([0, 0]);
    expect((await grow(AFTER + 1, 60)).code).toBe(0);
    expect(await partitionCounts()).toEqual([AFTER + 1, AFTER + 1, AFTER + 1, AFTER + 1]);
  });
});

function keyId(index: number): string {
  return `growth-${index}`;
}

function partitionsOf(rows: readonly (Row | undefined)[]): ReadonlySet<number> {
  return new Set(rows.map((row) => row?.log_partition ?? -1));
}

/** Two ingresses number for themselves: within each, what was asked for later has a higher number. */
function isInOrderPerSource(rows: readonly (Row | undefined)[]): boolean {
  const last = new Map<string, number>();
  return rows.every((row) => {
    const sequence = Number(row?.sequence);
    const before = last.get(row?.source ?? '') ?? 0;
    last.set(row?.source ?? '', sequence);
    return sequence > before;
  });
}
