/** Fold: the same state and the same outputs, under the same numbers, however the log is cut and whenever it is killed. */
import assert from 'node:assert/strict';
import type { Check, EventLogHarness } from '../check.ts';
import { eventually } from '../support/eventually.ts';
import type { Setting } from '../support/fold-run.ts';
import { foldTo, isAt, outputsAre, setting, sourceOf, start } from '../support/fold-run.ts';
import { Fuse, mortalLog, NEVER } from '../support/mortal-log.ts';
import { numberedFrom, readAll, rejectsWith, send } from '../support/records.ts';
import { dieAtEveryStep, observed } from '../support/shape-run.ts';
import { tallyOutputs } from '../support/tally-fold.ts';

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
