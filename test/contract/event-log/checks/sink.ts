/** Sink: every record is in the store exactly once, whatever happens to the sink, its inserts or its ownership. */
import assert from 'node:assert/strict';
import { AppError } from '@tokenledger/domain';
import type { SinkStore } from '@tokenledger/event-log';
import { decodeOffsetMetadata, runSink } from '@tokenledger/event-log';
import type { Check, EventLogHarness } from '../check.ts';
import { deafLog } from '../support/deaf-log.ts';
import { eventually } from '../support/eventually.ts';
import { Fuse, mortalLog, mortalStore, NEVER } from '../support/mortal-log.ts';
import { counted, numberedFrom, readAll, rejectsWith, send } from '../support/records.ts';
import { dieAtEveryStep, observed, smallBatches } from '../support/shape-run.ts';
import type { InsertFate, SinkTwin } from '../support/sink-twin.ts';

interface Pipe {
  readonly input: string;
  readonly checkpoints: string;
}

async function pipe(h: EventLogHarness, name: string, partitions = 1): Promise<Pipe> {
  return {
    input: await h.createTopic(`${name}-in`, { partitions }),
    checkpoints: await h.createTopic(`${name}-checkpoints`, { partitions, cleanup: 'compact' }),
  };
}

function isRising(epochs: readonly number[]): boolean {
  return epochs.every((epoch, index) => epoch >= 1 && epoch > (epochs[index - 1] ?? 0));
}

/** Runs a sink until it has committed `offset` in partition 0. */
async function sinkTo(h: EventLogHarness, { input, checkpoints }: Pipe, store: SinkStore, offset: number): Promise<void> {
  const log = mortalLog(h.log, new Fuse(NEVER));
  const running = await runSink({ ...smallBatches(h), log, group: 'g', topic: input, checkpointTopic: checkpoints, store });
  await eventually(h, `a commit of ${offset}`, () => log.commits.get(`${input}/0`)?.offset === offset);
  await running.close();
}

/** Whatever is committed with a batch in hand goes back to it; here only the committed offset counts. */
function isDone(
  log: { readonly commits: ReadonlyMap<string, { readonly offset: number; readonly metadata: string }> },
  input: string,
  partition: number,
  offset: number,
): boolean {
  return log.commits.get(`${input}/${partition}`)?.offset === offset;
}

export const sinkChecks: readonly Check[] = [
  {
    name: 'a sink writes every record once, in batches that follow each other',
    run: async (h) => {
      const { input, checkpoints } = await pipe(h, 'plain', 2);
      for (const partition of [0, 1]) await send(h.log, input, partition, numberedFrom(1, 11));
      const store = h.sinkStore();
      const log = mortalLog(h.log, new Fuse(NEVER));
      const running = await runSink({
        ...smallBatches(h),
        batchRecordsMax: 4,
        log,
        group: 'g',
        topic: input,
        checkpointTopic: checkpoints,
        store,
      });
      await eventually(h, 'all commits', () => isDone(log, input, 0, 11) && isDone(log, input, 1, 11));
      await running.close();
      for (const partition of [0, 1]) {
        assert.deepEqual(store.values(input, partition), counted(11));
        const batches = store.batches.filter((batch) => batch.records[0]?.partition === partition);
        assert.deepEqual(
          batches.map(({ from, to, records }) => [from, to, records.length]),
          [
            [0, 4, 4],
            [4, 8, 4],
            [8, 11, 3],
          ],
        );
      }
      assert.deepEqual(
        store.released.map((owner) => owner.partition).toSorted((a, b) => a - b),
        [0, 1],
      );
    },
  },
  {
    name: 'a batch waits for its linger and no longer',
    run: async (h) => {
      const { input, checkpoints } = await pipe(h, 'linger');
      const store = h.sinkStore();
      const log = mortalLog(h.log, new Fuse(NEVER));
      const running = await runSink({
        ...smallBatches(h),
        batchRecordsMax: 1_000,
        lingerMs: 400,
        log,
        group: 'g',
        topic: input,
        checkpointTopic: checkpoints,
        store,
      });
      await eventually(h, 'the take-over', () => store.epochs.length === 1);
      for (let sequence = 1; sequence <= 10; sequence += 1) {
        await send(h.log, input, 0, numberedFrom(sequence, sequence));
        await h.pacing.wait(5);
      }
      await eventually(h, 'all commits', () => isDone(log, input, 0, 10));
      await running.close();
      assert.ok(store.batches.length <= 3, `${store.batches.length} batches for records that came within the linger`);
    },
  },
  {
    name: 'the bounds of a batch are committed before it goes out, and its offset after',
    run: async (h) => {
      const { input, checkpoints } = await pipe(h, 'bounds');
      await send(h.log, input, 0, numberedFrom(1, 6));
      const log = mortalLog(h.log, new Fuse(NEVER));
      const twin = h.sinkStore();
      const steps: string[] = [];
      const committed = (): string => {
        const found = log.commits.get(`${input}/0`);
        if (found === undefined) return 'nothing';
        const { inHand, last } = decodeOffsetMetadata(found.metadata);
        return `${found.offset} after ${last?.sequence ?? 'nothing'}, in hand ${inHand === null ? 'nothing' : `${inHand.from} to ${inHand.to}`}`;
      };
      const store: SinkStore = {
        takeOver: (owner) => {
          steps.push(`take over, ${committed()}`);
          return twin.takeOver(owner);
        },
        write: (owner, batch) => {
          steps.push(`write, ${committed()}`);
          return twin.write(owner, batch);
        },
        release: (owner) => twin.release(owner),
      };
      twin.fates = ['done', 'half'];
      const running = await runSink({ ...smallBatches(h), log, group: 'g', topic: input, checkpointTopic: checkpoints, store });
      await eventually(h, 'all commits', () => isDone(log, input, 0, 6));
      await running.close();
      assert.deepEqual(steps, [
        'take over, 0 after nothing, in hand nothing',
        'write, 0 after nothing, in hand 0 to 2',
        'write, 2 after 2, in hand 2 to 4',
        'take over, 2 after 2, in hand 2 to 4',
        'write, 2 after 2, in hand 2 to 4',
        'write, 4 after 4, in hand 4 to 6',
      ]);
      assert.deepEqual(twin.values(input, 0), counted(6));
    },
  },
  {
    name: 'a sink killed at any step has every record in the store exactly once',
    run: (h) =>
      dieAtEveryStep(h, async (attempt) => {
        const { input, checkpoints } = await pipe(h, `killed-${attempt}`);
        await send(h.log, input, 0, numberedFrom(1, 5));
        const store = h.sinkStore();
        return {
          start: (log, fuse) =>
            runSink({
              ...smallBatches(h),
              log,
              group: `g-${attempt}`,
              topic: input,
              checkpointTopic: checkpoints,
              store: mortalStore(store, fuse),
            }),
          done: (log) => isDone(log, input, 0, 5),
          verify: async () => {
            assert.deepEqual(store.values(input, 0).toSorted(), counted(5));
            assert.ok(isRising(store.epochs), `epochs ${store.epochs.join(', ')}`);
          },
        };
      }),
  },
  {
    name: 'a sink killed at any step after an insert that failed half way has every record exactly once',
    run: (h) =>
      dieAtEveryStep(h, async (attempt) => {
        const { input, checkpoints } = await pipe(h, `half-${attempt}`);
        await send(h.log, input, 0, numberedFrom(1, 3));
        const store = h.sinkStore();
        store.fates = ['half', 'unanswered'];
        return {
          start: (log, fuse) =>
            runSink({
              ...smallBatches(h),
              batchRecordsMax: 3,
              log,
              group: `g-${attempt}`,
              topic: input,
              checkpointTopic: checkpoints,
              store: mortalStore(store, fuse),
            }),
          done: (log) => isDone(log, input, 0, 3),
          verify: async () => assert.deepEqual(store.values(input, 0).toSorted(), counted(3)),
        };
      }),
  },
  ...(['nothing', 'half', 'unanswered', 'late'] satisfies InsertFate[]).map((fate): Check => ({
    name: `an insert that ends in "${fate}" leaves every record in the store exactly once`,
    run: async (h) => {
      const line = await pipe(h, fate);
      await send(h.log, line.input, 0, numberedFrom(1, 9));
      const store = h.sinkStore();
      store.fates = ['done', fate, fate, 'done', fate];
      await sinkTo(h, line, store, 9);
      store.deliverLate();
      assert.deepEqual(store.values(line.input, 0).toSorted(), counted(9));
      assert.equal(store.epochs.length, 4, 'each doubt is a new claim');
      assert.ok(isRising(store.epochs), `epochs ${store.epochs.join(', ')}`);
    },
  })),
  {
    name: 'an insert that was held up arrives after its owner was replaced, and is refused',
    run: async (h) => {
      const { input, checkpoints } = await pipe(h, 'late');
      await send(h.log, input, 0, numberedFrom(1, 4));
      const store = h.sinkStore();
      store.fates = ['late'];
      const fuse = new Fuse(NEVER);
      const dying: SinkStore = {
        takeOver: (owner) => store.takeOver(owner),
        release: (owner) => store.release(owner),
        write: (owner, batch) =>
          store.write(owner, batch).catch(() => Promise.reject(new AppError('DIED', 'the process dies with its insert on the way'))),
      };
      const seen = observed();
      const first = await runSink({
        ...smallBatches(h),
        log: mortalLog(h.log, fuse),
        group: 'g',
        topic: input,
        checkpointTopic: checkpoints,
        store: dying,
        observer: seen.observer,
      });
      await eventually(h, 'death', () => seen.stopped.length === 1);
      await first.close();
      await sinkTo(h, { input, checkpoints }, store, 4);
      store.deliverLate();
      assert.deepEqual(store.values(input, 0), counted(4));
    },
  },
  {
    name: 'a former owner that has not noticed stands down at the fence, and nothing counts twice',
    run: async (h) => {
      const { input, checkpoints } = await pipe(h, 'zombie', 2);
      for (const partition of [0, 1]) await send(h.log, input, partition, numberedFrom(1, 6));
      const store = h.sinkStore();
      const held = Promise.withResolvers<void>();
      const writing = new Set<number>();
      const slow: SinkStore = {
        takeOver: (owner) => store.takeOver(owner),
        release: (owner) => store.release(owner),
        write: async (owner, batch) => {
          writing.add(owner.partition);
          await held.promise;
          return store.write(owner, batch);
        },
      };
      const deaf = deafLog(h.log);
      const seen = observed();
      const base = { ...smallBatches(h), group: 'g', topic: input, checkpointTopic: checkpoints };
      const zombie = await runSink({ ...base, log: deaf, store: slow, observer: seen.observer });
      await eventually(h, 'batches in hand', () => writing.size === 2);
      const log = mortalLog(h.log, new Fuse(NEVER));
      const successor = await runSink({ ...base, log, store });
      await eventually(h, 'the new owner to be done', () => [0, 1].some((partition) => isDone(log, input, partition, 6)));
      held.resolve();
      await eventually(h, 'the old owner to stand down', () => seen.stopped.length === 1);
      assert.match(seen.stopped[0] ?? '', /FENCED/);
      deaf.hear();
      await zombie.close();
      await eventually(h, 'all rows', () => [0, 1].every((partition) => store.values(input, partition).length >= 6));
      await successor.close();
      for (const partition of [0, 1]) assert.deepEqual(store.values(input, partition).toSorted(), counted(6));
    },
  },
  {
    name: 'a claim by a former owner raises no fence',
    run: async (h) => {
      const { input, checkpoints } = await pipe(h, 'claims', 2);
      for (const partition of [0, 1]) await send(h.log, input, partition, numberedFrom(1, 2));
      const store = h.sinkStore();
      const held = Promise.withResolvers<void>();
      const writing = new Set<number>();
      const failing: SinkStore = {
        takeOver: (owner) => store.takeOver(owner),
        release: (owner) => store.release(owner),
        write: async (owner) => {
          writing.add(owner.partition);
          await held.promise;
          throw new Error('in doubt');
        },
      };
      const deaf = deafLog(h.log);
      const base = { ...smallBatches(h), group: 'g', topic: input, checkpointTopic: checkpoints };
      const zombie = await runSink({ ...base, log: deaf, store: failing });
      await eventually(h, 'batches in hand', () => writing.size === 2);
      const log = mortalLog(h.log, new Fuse(NEVER));
      const seen = observed();
      const successor = await runSink({ ...base, log, store, observer: seen.observer });
      await eventually(h, 'the new owner to be done', () => [0, 1].some((partition) => isDone(log, input, partition, 2)));
      const partition = [0, 1].find((one) => isDone(log, input, one, 2)) ?? 0;
      const claims = async (): Promise<number> => (await readAll(h.log, checkpoints, partition)).length;
      const before = await claims();
      held.resolve();
      await eventually(h, 'a claim by the old owner', async () => (await claims()) > before);
      await send(h.log, input, partition, numberedFrom(3, 4));
      await eventually(h, 'the new owner to go on', () => isDone(log, input, partition, 4));
      deaf.hear();
      await zombie.close();
      await successor.close();
      assert.deepEqual(seen.stopped, []);
      assert.deepEqual(store.values(input, partition), counted(4));
    },
  },
  {
    name: 'a sink stops where the store says that trying again cannot help, and goes on from there when started anew',
    run: async (h) => {
      const line = await pipe(h, 'stops');
      const { input, checkpoints } = line;
      await send(h.log, input, 0, numberedFrom(1, 4));
      const twin = h.sinkStore();
      const store: SinkStore = {
        takeOver: (owner) => twin.takeOver(owner),
        release: (owner) => twin.release(owner),
        write: () => Promise.reject(new AppError('TABLE_MISSING', 'run `tokenledger migrate`')),
      };
      const seen = observed();
      const running = await runSink({
        ...smallBatches(h),
        log: h.log,
        group: 'g',
        topic: input,
        checkpointTopic: checkpoints,
        store,
        observer: seen.observer,
      });
      await eventually(h, 'the stop', () => seen.stopped.length === 1);
      await running.close();
      assert.deepEqual(seen.stopped, ['0 TABLE_MISSING']);
      await sinkTo(h, line, twin, 4);
      assert.deepEqual(twin.values(input, 0), counted(4));
    },
  },
  {
    name: 'a sink goes on by itself after the log was away',
    run: async (h) => {
      const { input, checkpoints } = await pipe(h, 'away');
      const store: SinkTwin = h.sinkStore();
      const seen = observed();
      const log = mortalLog(h.log, new Fuse(NEVER));
      await send(h.log, input, 0, numberedFrom(1, 20));
      const running = await runSink({
        ...smallBatches(h),
        log,
        group: 'g',
        topic: input,
        checkpointTopic: checkpoints,
        store,
        observer: seen.observer,
      });
      await eventually(h, 'the first rows', () => store.values(input, 0).length > 0);
      await h.goAway();
      await eventually(h, 'attempts', () => seen.retried.length >= 3);
      await h.comeBack();
      await eventually(h, 'all commits', () => isDone(log, input, 0, 20));
      await running.close();
      assert.deepEqual(store.values(input, 0), counted(20));
      assert.deepEqual(seen.stopped, []);
    },
  },
  {
    name: 'a sink without its checkpoint topic is refused at start',
    run: async (h) => {
      const { input, checkpoints } = await pipe(h, 'start');
      await rejectsWith(
        'TOPIC_MISSING',
        runSink({ ...smallBatches(h), log: h.log, group: 'g', topic: input, checkpointTopic: `${checkpoints}-not`, store: h.sinkStore() }),
      );
    },
  },
];
