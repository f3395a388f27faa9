/** Where a Fold must stop, and how it goes on: a checkpoint that is not there is never an empty start. */
import assert from 'node:assert/strict';
import type { Check } from '../check.ts';
import { eventually } from '../support/eventually.ts';
import { foldTo, isAt, outputsAre, setting, sourceOf, start, stopsWith } from '../support/fold-run.ts';
import { Fuse, mortalLog, NEVER } from '../support/mortal-log.ts';
import { numbered, numberedFrom, readAll, send } from '../support/records.ts';
import { commitAs } from '../support/shape-run.ts';
import { tallyOutputs } from '../support/tally-fold.ts';

export const foldStopChecks: readonly Check[] = [
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
];
