import { join } from 'node:path';
import { createMissingTopics, GROUPS, openKafkaLog, topicNames, withGroupPrefix } from '@tokenledger/event-log';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Ledger, openLedger } from '../../integration/writer/ledger.ts';
import { outgoing } from '../../integration/writer/priced-events.ts';
import { startChild } from '../../support/child.ts';
import { ownPrefix, requireBrokers, sharedKafka } from '../../support/kafka/index.ts';
import { waitFor } from '../../support/wait-for.ts';
import { startInsertProxy } from '../insert-proxy.ts';
import { judged, kinds, numberedEvents } from './numbered-events.ts';
import type { WriterProcessOptions } from './writer-process.ts';

const EVENTS = numberedEvents(60);
const WAIT_MS = 60_000;

const kafka = await sharedKafka();

describe.skipIf(kafka.skipped !== undefined)('a writer that is killed while its insert is on its way', () => {
  let ledger: Ledger;
  beforeEach(async () => {
    ledger = await openLedger();
  });
  afterEach(() => ledger[Symbol.asyncDispose]());

  async function killInInsert(commits: WriterProcessOptions['commits']): Promise<void> {
    const prefix = ownPrefix('commit');
    const brokers = requireBrokers(kafka);
    const log = withGroupPrefix(openKafkaLog({ brokers }), prefix);
    const topics = topicNames(prefix);
    await createMissingTopics(log, topics, { partitions: 1, retentionMs: 3_600_000 });
    const producer = await log.producer();
    const { hostname, port } = new URL(ledger.clickhouse.url);
    await using proxy = await startInsertProxy({ host: hostname, port: Number(port) }, 'usage_events');
    const start = () =>
      startChild(process.execPath, [
        join(import.meta.dirname, 'writer-process.ts'),
        JSON.stringify({ brokers: brokers[0] ?? '', prefix, clickhouse: proxy.url, commits } satisfies WriterProcessOptions),
      ]);
    const ownedBeyond = (epoch: number): Promise<number> =>
      waitFor(
        async () => {
          const now = Number(await ledger.value(`SELECT joinGet('tokenledger.fence', 'epoch', '${topics.usagePriced}', toUInt32(0))`));
          return now > epoch && now;
        },
        { timeoutMs: WAIT_MS, intervalMs: 100, describe: 'the partition to be taken over' },
      );
    let before = 0;
    {
      await using first = start();
      await first.waitForOutput(/running/, WAIT_MS);
      before = await ownedBeyond(0);
      proxy.decide('hold');
      await producer.send(topics.usagePriced, 0, EVENTS.map(outgoing));
      await waitFor(() => proxy.held() > 0, { timeoutMs: WAIT_MS, describe: 'an insert on its way' });
    }
    // It never arrives.
    proxy.decide('cut');
    proxy.decide('pass');
    await using second = start();
    await second.waitForOutput(/running/, WAIT_MS);
    await ownedBeyond(before);
    await waitFor(
      async () => {
        const [range] = await log.ranges(topics.usagePriced);
        const committed = (await log.committedOffsets(GROUPS.writer, topics.usagePriced)).get(0);
        return committed?.offset === range?.end && !committed?.metadata.includes('in_hand');
      },
      { timeoutMs: WAIT_MS, intervalMs: 200, describe: 'all to be committed' },
    );
    await log.close();
  }

  test('loses nothing', async () => {
    await killInInsert('in_order');
    expect(await judged(ledger.clickhouse, EVENTS)).toEqual([]);
  });

  test('loses the batch when it commits the offset before the insert, and that is found', async () => {
    await killInInsert('early');
    expect(kinds(await judged(ledger.clickhouse, EVENTS))).toEqual(['the attempt is billed and not in the ledger']);
  });
});
