/** Fold: former owners that do not know that they are. */
import assert from 'node:assert/strict';
import type { EventLog } from '@tokenledger/event-log';
import type { Check } from '../check.ts';
import type { DeafLog } from '../support/deaf-log.ts';
import { deafLog } from '../support/deaf-log.ts';
import { eventually } from '../support/eventually.ts';
import { setting, sourceOf, start } from '../support/fold-run.ts';
import { Fuse, mortalLog, NEVER } from '../support/mortal-log.ts';
import { numberedFrom, readAll, send } from '../support/records.ts';
import { expectedTally, tallyOutputs } from '../support/tally-fold.ts';

export const foldOwnerChecks: readonly Check[] = [
  {
    name: 'a former owner that goes on writing checkpoints spoils nothing',
    run: async (h) => {
      const at = await setting(h, 'zombie', 2);
      for (const partition of [0, 1]) await send(h.log, at.input, partition, numberedFrom(1, 4));
      const deaf = deafLog(h.log);
      const zombieLog = mortalLog(deaf, new Fuse(NEVER));
      // Its next checkpoint is due only at the sixth record: it holds four in hand.
      const zombie = await start(h, at, { log: zombieLog, checkpointRecords: 6, checkpointIntervalMs: 3_600_000 });
      await eventually(h, 'records in hand', () => zombieLog.polled === 8);
      const log = mortalLog(h.log, new Fuse(NEVER));
      const successor = await start(h, at, { log });
      const done = (offset: number): number | undefined =>
        [0, 1].find((partition) => log.commits.get(`${at.input}/${partition}`)?.offset === offset);
      await eventually(h, 'the new owner to catch up', () => done(4) !== undefined);
      const partition = done(4) ?? 0;
      const before = (await readAll(h.log, at.checkpoints, 0)).length;
      await send(h.log, at.input, partition, numberedFrom(5, 7));
      await eventually(h, 'the new owner to go on', () => done(7) === partition);
      await eventually(h, 'a checkpoint of the old owner', async () =>
        isWrittenByTwo(await readAll(h.log, at.checkpoints, 0), `g/${at.input}/${partition}/`, before),
      );
      deaf.hear();
      await zombie.close();
      await successor.close();
      await h.compact(at.checkpoints);

      await send(h.log, at.input, partition, numberedFrom(8, 20));
      const third = mortalLog(h.log, new Fuse(NEVER));
      const running = await start(h, at, { log: third });
      await eventually(h, 'a third owner', () => third.commits.get(`${at.input}/${partition}`)?.offset === 20);
      await running.close();
      assert.deepEqual(await tallyOutputs(h, at.output, sourceOf(at, partition)), expectedTally(20));
    },
  },
  {
    name: 'a claim that a former owner makes too late writes no checkpoint',
    run: async (h) => {
      const at = await setting(h, 'claims', 2);
      for (const partition of [0, 1]) await send(h.log, at.input, partition, numberedFrom(1, 4));
      const claiming = holdingSends(deafLog(h.log));
      const late = await start(h, at, { log: claiming });
      await eventually(h, 'both claims to be on their way', () => claiming.held === 2);
      const log = mortalLog(h.log, new Fuse(NEVER));
      const successor = await start(h, at, { log });
      await eventually(h, 'the new owner to be done', () =>
        [0, 1].some((partition) => log.commits.get(`${at.input}/${partition}`)?.offset === 4),
      );
      const partition = [0, 1].find((one) => log.commits.get(`${at.input}/${one}`)?.offset === 4) ?? 0;
      const manifests = async (): Promise<Set<string | null>> =>
        new Set(
          (await readAll(h.log, at.checkpoints, 0))
            .map((record) => record.key)
            .filter((key) => key?.startsWith(`g/${at.input}/${partition}/`) && key.endsWith('/manifest')),
        );
      const claims = async (): Promise<number> =>
        (await readAll(h.log, at.checkpoints, 0)).filter((record) => record.key?.endsWith('/claim')).length;
      const before = await manifests();
      const claimsBefore = await claims();
      claiming.release();
      await eventually(h, 'the late claims', async () => (await claims()) === claimsBefore + 2);
      await send(h.log, at.input, partition, numberedFrom(5, 10));
      await eventually(h, 'the new owner to go on', () => log.commits.get(`${at.input}/${partition}`)?.offset === 10);
      await h.pacing.wait(100);
      assert.deepEqual(await manifests(), before, 'only the owner has written checkpoints');
      claiming.hear();
      await late.close();
      await successor.close();
      assert.deepEqual(await tallyOutputs(h, at.output, sourceOf(at, partition)), expectedTally(10));
    },
  },
];

/** Whether manifests of two epochs came after the `before`th record. */
function isWrittenByTwo(
  records: readonly { readonly key: string | null; readonly value: Uint8Array | null; readonly offset: number }[],
  prefix: string,
  before: number,
): boolean {
  const manifests = records
    .slice(before)
    .filter((record) => record.value !== null && record.key?.startsWith(prefix) === true && record.key.endsWith('/manifest'));
  return new Set(manifests.map((record) => record.key)).size === 2;
}

interface HoldingLog extends EventLog {
  /** Sends that wait. */
  readonly held: number;
  release(): void;
  hear(): void;
}

/** Holds every send back until `release`. */
function holdingSends(log: DeafLog): HoldingLog {
  const released = Promise.withResolvers<void>();
  let held = 0;
  return {
    get held() {
      return held;
    },
    release: () => released.resolve(),
    hear: () => log.hear(),
    createTopics: (specs) => log.createTopics(specs),
    describeTopic: (topic) => log.describeTopic(topic),
    growTopic: (topic, partitions) => log.growTopic(topic, partitions),
    ranges: (topic) => log.ranges(topic),
    committedOffsets: (group, topic) => log.committedOffsets(group, topic),
    setCommittedOffset: (group, topic, partition, committed) => log.setCommittedOffset(group, topic, partition, committed),
    join: (options) => log.join(options),
    reader: (options) => log.reader(options),
    close: () => log.close(),
    producer: async () => {
      const producer = await log.producer();
      return {
        close: () => producer.close(),
        send: async (topic, partition, records) => {
          held += 1;
          await released.promise;
          return producer.send(topic, partition, records);
        },
      };
    },
  };
}
