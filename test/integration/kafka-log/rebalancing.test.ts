/** Members of a group come, leave, fall off the network and come back, in processes' own logs, while records keep coming. */
import { AppError } from '@tokenledger/domain';
import { type CommittedOffset, type EventLog, openKafkaLog, type OwnedPartition, seededRandom } from '@tokenledger/event-log';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CuttableNetwork, cuttableNetwork } from '../../support/cuttable-network.ts';
import { ownPrefix, requireBrokers, sharedKafka } from '../../support/kafka/index.ts';
import { waitFor } from '../../support/wait-for.ts';

const PARTITIONS = 6;
const MEMBERS_MAX = 4;
const TURNS = 30;
const TURN_MS_MAX = 500;
const SETTLE_MS_MAX = 20_000;
const QUICK = { timeoutMs: 5_000, heartbeatMs: 100, sessionTimeoutMs: 1_500, handoverWaitMs: 500, fetchPauseMs: 2 } as const;

interface Member {
  readonly network: CuttableNetwork;
  readonly owned: Set<number>;
  close(): Promise<void>;
}

const kafka = await sharedKafka();

describe.skipIf(kafka.skipped !== undefined)('a group on Kafka', () => {
  const prefix = ownPrefix('rebalancing');
  const topic = `${prefix}records`;
  let log: EventLog;

  beforeAll(async () => {
    log = openKafkaLog({ brokers: requireBrokers(kafka), ...QUICK });
    await log.createTopics([{ topic, partitions: PARTITIONS, cleanup: 'time', retentionMs: 3_600_000 }]);
  });
  afterAll(() => log.close());

  test(
    'never lets two owners commit, misses no record, and settles evenly, whoever comes, leaves or falls silent',
    { timeout: 90_000 },
    async () => {
      const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
      const random = seededRandom(seed);
      const seen = Array.from({ length: PARTITIONS }, () => new Set<number>());
      const commits = Array.from({ length: PARTITIONS }, (): CommittedOffset[] => []);
      const stopped: unknown[] = [];

      const work = async (owned: OwnedPartition): Promise<void> => {
        while (!owned.signal.aborted) {
          const records = await retrying(owned, () => owned.poll({ recordsMax: 50, bytesMax: 1_000_000, waitMs: 200 }));
          const last = records.at(-1);
          if (last === undefined) continue;
          for (const { offset } of records) seen[owned.partition]?.add(offset);
          const committed = { offset: last.offset + 1, metadata: String(records[0]?.offset) };
          await retrying(owned, () => owned.commit(committed));
          commits[owned.partition]?.push(committed);
        }
      };
      const join = async (): Promise<Member> => {
        const network = cuttableNetwork();
        const own = openKafkaLog({ brokers: requireBrokers(kafka), ...QUICK, connect: network.connect });
        const owned = new Set<number>();
        const membership = await own.join({
          group: topic,
          topics: [topic],
          run: async (partition) => {
            owned.add(partition.partition);
            await work(partition).finally(() => owned.delete(partition.partition));
          },
          onError: (error) => {
            if (!(error instanceof AppError && error.code === 'OWNERSHIP_LOST')) stopped.push(error);
          },
        });
        return {
          network,
          owned,
          close: async () => {
            network.mend();
            await membership.close();
            await own.close();
          },
        };
      };

      const members: Member[] = [await join()];
      const silent: Member[] = [];
      const leaving: Promise<void>[] = [];
      const one = (of: Member[]): Member | undefined => of.splice(Math.floor(random() * of.length), 1)[0];
      const producer = await log.producer();
      let sent = 0;
      for (let turn = 0; turn < TURNS; turn += 1) {
        const dice = random();
        if (members.length < MEMBERS_MAX && dice < 0.4) members.push(await join());
        else if (members.length > 1 && dice < 0.65) leaving.push(one(members)?.close() ?? Promise.resolve());
        else if (members.length > 1 && dice < 0.8) {
          const cut = one(members);
          cut?.network.cut();
          if (cut !== undefined) silent.push(cut);
        } else {
          const back = one(silent);
          back?.network.mend();
          if (back !== undefined) members.push(back);
        }
        const records = Array.from({ length: 20 }, (_, index) => ({ key: null, value: Buffer.from(String(sent + index)) }));
        await Promise.all(Array.from({ length: PARTITIONS }, (_, partition) => producer.send(topic, partition, records)));
        sent += records.length;
        await new Promise((resolve) => setTimeout(resolve, random() * TURN_MS_MAX));
      }

      const settled = async (): Promise<boolean> => {
        const shares = members.map(({ owned }) => owned.size);
        const committed = await log.committedOffsets(topic, topic);
        const even = shares.reduce((sum, share) => sum + share, 0) === PARTITIONS && Math.max(...shares) - Math.min(...shares) <= 1;
        return even && committed.size === PARTITIONS && [...committed.values()].every(({ offset }) => offset === sent);
      };
      await waitFor(settled, {
        timeoutMs: SETTLE_MS_MAX,
        intervalMs: 50,
        describe: `an even share and all records committed (seed ${seed})`,
      });
      await Promise.all([...leaving, ...members.map((member) => member.close()), ...silent.map((member) => member.close())]);

      expect(stopped, `seed ${seed}`).toEqual([]);
      expect(
        seen.map((offsets) => offsets.size),
        `seed ${seed}`,
      ).toEqual(Array.from({ length: PARTITIONS }, () => sent));
      for (const [partition, made] of commits.entries()) {
        const offsets = made.map(({ offset }) => offset);
        // Two owners at a time would commit the same stretch, or one behind the other.
        expect(offsets, `partition ${partition}, seed ${seed}`).toEqual([...new Set(offsets)].toSorted((a, b) => a - b));
      }
    },
  );
});

/** Tries again what can pass, as the shapes do. */
async function retrying<Result>(owned: OwnedPartition, step: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await step();
    } catch (error) {
      if (!(error instanceof AppError && error.retryable) || owned.signal.aborted) throw error;
    }
  }
}
