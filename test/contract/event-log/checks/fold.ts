/** Fold: the same state and the same outputs, under the same numbers, however the log is cut and whenever it is killed. */
import assert from 'node:assert/strict';
import type { EventLog, FoldOptions, Running } from '@tokenledger/event-log';
import { runFold } from '@tokenledger/event-log';
import type { Check, EventLogHarness } from '../check.ts';
import type { DeafLog } from '../support/deaf-log.ts';
import { deafLog } from '../support/deaf-log.ts';
import { eventually } from '../support/eventually.ts';
import type { MortalLog } from '../support/mortal-log.ts';
import { Fuse, mortalLog, NEVER } from '../support/mortal-log.ts';
import { numbered, numberedFrom, readAll, rejectsWith, send } from '../support/records.ts';
import { commitAs, dieAtEveryStep, observed, smallBatches } from '../support/shape-run.ts';
import type { Tally } from '../support/tally-fold.ts';
import { expectedTally, OUTPUT_PARTITIONS, tallyFold, tallyOutputs } from '../support/tally-fold.ts';

interface Setting {
  readonly input: string;
  readonly output: string;
  readonly checkpoints: string;
}

async function setting(h: EventLogHarness, name: string, partitions = 1): Promise<Setting> {
  return {
    input: await h.createTopic(`${name}-in`, { partitions }),
    output: await h.createTopic(`${name}-out`, { partitions: OUTPUT_PARTITIONS }),
    checkpoints: await h.createTopic(`${name}-checkpoints`, { cleanup: 'compact' }),
  };
}

function start(h: EventLogHarness, { input, output, checkpoints }: Setting, more: Partial<FoldOptions<Tally>> = {}): Promise<Running> {
  return runFold({
    ...smallBatches(h),
    log: h.log,
    group: 'g',
    topic: input,
    checkpointTopic: checkpoints,
    checkpointRecords: 3,
    checkpointIntervalMs: 20,
    ...tallyFold(output),
    ...more,
  });
}

function isAt(log: MortalLog, { input }: Setting, offset: number): boolean {
  return log.commits.get(`${input}/0`)?.offset === offset;
}

/** Folds until `offset` is committed. */
async function foldTo(h: EventLogHarness, at: Setting, offset: number, more: Partial<FoldOptions<Tally>> = {}): Promise<void> {
  const log = mortalLog(h.log, new Fuse(NEVER));
  const running = await start(h, at, { log, ...more });
  await eventually(h, `a commit of ${offset}`, () => isAt(log, at, offset));
  await running.close();
}

/** Runs until the partition stops. Returns what the observer saw. */
async function stopsWith(h: EventLogHarness, at: Setting): Promise<string[]> {
  const seen = observed();
  const running = await start(h, at, { observer: seen.observer });
  await eventually(h, 'the partition to stop', () => seen.stopped.length > 0);
  await running.close();
  return seen.stopped;
}

function sourceOf({ input }: Setting, partition = 0): string {
  return `fold/g/${input}/${partition}`;
}

async function outputsAre(h: EventLogHarness, at: Setting, count: number): Promise<void> {
  assert.deepEqual(await tallyOutputs(h, at.output, sourceOf(at)), expectedTally(count));
}

/** Keys with values in the checkpoint topic, less the claims. */
async function checkpointKeys(h: EventLogHarness, { checkpoints }: Setting): Promise<string[]> {
  const last = new Map((await readAll(h.log, checkpoints, 0)).map((record) => [record.key ?? '', record.value]));
  return [...last].filter(([key, value]) => value !== null && !key.endsWith('/claim')).map(([key]) => key);
}

export const foldChecks: readonly Check[] = [
  {
    name: 'a fold makes the same outputs under the same numbers, however the log is cut into batches and checkpoints',
    run: async (h) => {
      for (const [batchRecordsMax, checkpointRecords] of [
        [1, 1],
        [3, 5],
        [7, 7],
        [100, 1_000],
      ] as const) {
        const at = await setting(h, `cut-${batchRecordsMax}`);
        await send(h.log, at.input, 0, numberedFrom(1, 30));
        await foldTo(h, at, 30, { batchRecordsMax, checkpointRecords });
        await outputsAre(h, at, 30);
      }
    },
  },
  {
    name: 'a fold goes on from its checkpoint, also over a compacted checkpoint topic',
    run: async (h) => {
      const at = await setting(h, 'again');
      for (const to of [5, 11, 12, 26]) {
        const { end } = await rangeOf(h, at.input);
        await send(h.log, at.input, 0, numberedFrom(end + 1, to));
        await foldTo(h, at, to);
        await h.compact(at.checkpoints);
      }
      await outputsAre(h, at, 26);
    },
  },
  {
    name: 'outputs leave only once a checkpoint holds them',
    run: async (h) => {
      const at = await setting(h, 'held');
      await send(h.log, at.input, 0, numberedFrom(1, 5));
      const log = mortalLog(h.log, new Fuse(NEVER));
      const running = await start(h, at, { log, checkpointRecords: 6, checkpointIntervalMs: 3_600_000 });
      await eventually(h, 'the records to be folded', () => log.polled === 5);
      await h.pacing.wait(30);
      assert.deepEqual((await tallyOutputs(h, at.output, sourceOf(at))).flat(), []);
      await send(h.log, at.input, 0, numberedFrom(6, 6));
      await eventually(h, 'the checkpoint', () => isAt(log, at, 6));
      await running.close();
      await outputsAre(h, at, 6);
    },
  },
  {
    name: 'a fold killed at any step makes every output, under its number, and no other',
    run: (h) =>
      dieAtEveryStep(h, async (attempt) => {
        const at = await setting(h, `killed-${attempt}`);
        // Seven keys: the second checkpoint writes scopes that the first one holds.
        await send(h.log, at.input, 0, numberedFrom(1, 16));
        return {
          start: (log) => start(h, at, { log, batchRecordsMax: 4, checkpointRecords: 8 }),
          done: (log) => isAt(log, at, 16),
          verify: () => outputsAre(h, at, 16),
        };
      }),
  },
  {
    name: 'a fold killed at any step after a change of owner makes every output, under its number, and no other',
    run: (h) =>
      dieAtEveryStep(h, async (attempt) => {
        const at = await setting(h, `second-${attempt}`);
        await send(h.log, at.input, 0, numberedFrom(1, 4));
        await foldTo(h, at, 4, { checkpointRecords: 2 });
        await send(h.log, at.input, 0, numberedFrom(5, 9));
        return {
          start: (log) => start(h, at, { log, batchRecordsMax: 5, checkpointRecords: 5 }),
          done: (log) => isAt(log, at, 9),
          verify: () => outputsAre(h, at, 9),
        };
      }),
  },
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
  {
    name: 'what an older epoch left behind, and a scope that is gone, leave the checkpoint topic',
    run: async (h) => {
      const at = await setting(h, 'tidy');
      await send(h.log, at.input, 0, numberedFrom(1, 10));
      await foldTo(h, at, 10);
      await send(h.log, at.input, 0, numberedFrom(11, 21));
      await foldTo(h, at, 21);
      // At 21 each of the seven keys has been met three times: no scope is left.
      const keys = await checkpointKeys(h, at);
      const epochs = new Set(keys.map((key) => key.split('/')[3]));
      assert.equal(epochs.size, 1, keys.join(' '));
      assert.deepEqual(
        keys.filter((key) => key.includes('/scope/')),
        [],
      );
    },
  },
  {
    name: 'a fold that has committed and finds no checkpoint stops; with rebuild it makes the same outputs again',
    run: async (h) => {
      const at = await setting(h, 'missing');
      await send(h.log, at.input, 0, numberedFrom(1, 6));
      await foldTo(h, at, 6);
      const emptied = { ...at, checkpoints: await h.createTopic('missing-checkpoints-again', { cleanup: 'compact' }) };
      assert.deepEqual(await stopsWith(h, emptied), ['0 CHECKPOINT_MISSING']);
      assert.deepEqual(await stopsWith(h, emptied), ['0 CHECKPOINT_MISSING']);
      await send(h.log, at.input, 0, numberedFrom(7, 9));
      await foldTo(h, emptied, 9, { rebuild: true });
      await outputsAre(h, at, 9);
      await send(h.log, at.input, 0, numberedFrom(10, 12));
      await foldTo(h, emptied, 12);
      await outputsAre(h, at, 12);
    },
  },
  {
    name: 'a fold rebuilt from a log that has lost its beginning numbers its outputs under another source',
    run: async (h) => {
      const at = await setting(h, 'rebuilt');
      await send(h.log, at.input, 0, numberedFrom(1, 6));
      await foldTo(h, at, 6);
      await h.deleteRecords(at.input, 0, 4);
      const emptied = { ...at, checkpoints: await h.createTopic('rebuilt-checkpoints-again', { cleanup: 'compact' }) };
      await send(h.log, at.input, 0, numberedFrom(7, 8));
      await foldTo(h, emptied, 8, { rebuild: true });
      await outputsAre(h, at, 6);
      const sources = new Set((await readAll(h.log, at.output, 0)).map((record) => record.headers['tl-source']));
      assert.equal(sources.size, 2);
    },
  },
  {
    name: 'a fold whose newest checkpoint is older than its committed offset stops',
    run: async (h) => {
      const at = await setting(h, 'stale');
      await send(h.log, at.input, 0, numberedFrom(1, 9));
      const log = mortalLog(h.log, new Fuse(NEVER));
      const running = await start(h, at, { log });
      await eventually(h, 'the end', () => isAt(log, at, 9));
      await running.close();
      await commitAs(h, 'g', at.input, 0, { offset: 9, metadata: log.commits.get(`${at.input}/0`)?.metadata ?? '' });
      // A copy of the checkpoint topic that was taken too early.
      const copy = await h.createTopic('stale-checkpoints-copy', { cleanup: 'compact' });
      const manifests = await readAll(h.log, at.checkpoints, 0);
      const second = manifests.filter((record) => record.key?.endsWith('/manifest')).at(1)?.offset ?? 0;
      await send(
        h.log,
        copy,
        0,
        manifests.filter((record) => record.offset < second),
      );
      assert.deepEqual(await stopsWith(h, { ...at, checkpoints: copy }), ['0 CHECKPOINT_MISSING']);
    },
  },
  {
    name: 'a part that arrives after what replaced it makes its checkpoint incomplete, not wrong',
    run: async (h) => {
      const at = await setting(h, 'late');
      const sameKey = [1, 2, 3].map((sequence) => ({ ...numbered(sequence), key: 'key' }));
      await send(h.log, at.input, 0, sameKey);
      await foldTo(h, at, 3, { batchRecordsMax: 1, checkpointRecords: 1 });
      const part = (await readAll(h.log, at.checkpoints, 0)).find((record) => record.key?.includes('/scope/') === true);
      assert.ok(part);
      await send(h.log, at.checkpoints, 0, [part]);
      assert.deepEqual(await stopsWith(h, at), ['0 CHECKPOINT_MISSING']);
    },
  },
  {
    name: 'an offset that an operator sets moves a fold on with the state that it has',
    run: async (h) => {
      const at = await setting(h, 'moved');
      await send(h.log, at.input, 0, numberedFrom(1, 4));
      await foldTo(h, at, 4);
      await send(h.log, at.input, 0, numberedFrom(5, 14));
      await h.deleteRecords(at.input, 0, 7);
      assert.deepEqual(await stopsWith(h, at), ['0 OFFSET_OUT_OF_RANGE']);
      await commitAs(h, 'g', at.input, 0, { offset: 7, metadata: '' });
      await foldTo(h, at, 14);
      const outputs = await tallyOutputs(h, at.output, sourceOf(at));
      // 8 has the key of 1, which counts once so far; 5 to 7 were never folded.
      assert.ok(outputs.flat().includes('8: key-1 2'));
      assert.equal(outputs.flat().length, 4 + 7);
    },
  },
  {
    name: 'a fold stops when the record before its checkpoint is another one',
    run: async (h) => {
      const at = await setting(h, 'mismatch');
      await send(h.log, at.input, 0, numberedFrom(1, 4));
      await foldTo(h, at, 4);
      await h.deleteTopic(at.input);
      await h.createTopic('mismatch-in', { partitions: 1 });
      await send(h.log, at.input, 0, numberedFrom(1, 9, 'another-source'));
      assert.deepEqual(await stopsWith(h, at), ['0 LOG_MISMATCH']);
    },
  },
  {
    name: 'a fold goes on by itself after the log was away',
    run: async (h) => {
      const at = await setting(h, 'away');
      const seen = observed();
      const log = mortalLog(h.log, new Fuse(NEVER));
      await send(h.log, at.input, 0, numberedFrom(1, 20));
      const running = await start(h, at, { log, observer: seen.observer });
      await eventually(h, 'the first checkpoint', () => (log.commits.get(`${at.input}/0`)?.offset ?? 0) > 0);
      await h.goAway();
      await eventually(h, 'attempts', () => seen.retried.length >= 3);
      await h.comeBack();
      await eventually(h, 'the end', () => isAt(log, at, 20));
      await running.close();
      await outputsAre(h, at, 20);
      assert.deepEqual(seen.stopped, []);
    },
  },
  {
    name: 'a fold without its checkpoint topic is refused at start',
    run: async (h) => {
      const at = await setting(h, 'start');
      await rejectsWith('TOPIC_MISSING', start(h, { ...at, checkpoints: `${at.checkpoints}-not` }));
    },
  },
];

async function rangeOf(h: EventLogHarness, topic: string): Promise<{ readonly end: number }> {
  const reader = await h.log.reader({ topic, partition: 0, from: 'start' });
  const range = await reader.range();
  await reader.close();
  return range;
}

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
