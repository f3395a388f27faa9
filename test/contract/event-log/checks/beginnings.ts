/** The beginning of a group in a partition: by itself the first time, and never again by itself. */
import assert from 'node:assert/strict';
import type { EventLog, Running, ShapeObserver } from '@tokenledger/event-log';
import { runSink, runTransform } from '@tokenledger/event-log';
import type { Check, EventLogHarness } from '../check.ts';
import { eventually } from '../support/eventually.ts';
import { counted, numberedFrom, readAll, send, texts, withoutRepeats } from '../support/records.ts';
import { dieAtEveryStep, observed, smallBatches } from '../support/shape-run.ts';
import type { SinkTwin } from '../support/sink-twin.ts';
import { copyTo } from './transform.ts';

interface Bench {
  readonly input: string;
  start(log: EventLog, observer?: ShapeObserver): Promise<Running>;
  /** Values that came out, in order. */
  out(): Promise<string[]>;
}

async function transformBench(h: EventLogHarness, name: string): Promise<Bench> {
  const input = await h.createTopic(`${name}-in`);
  const output = await h.createTopic(`${name}-out`);
  const checkpointTopic = await h.createTopic(`${name}-checkpoints`, { cleanup: 'compact' });
  return {
    input,
    start: (log, observer = {}) =>
      runTransform({ ...smallBatches(h), log, group: `${name}-g`, topic: input, checkpointTopic, decide: copyTo(output), observer }),
    out: async () => texts(await readAll(h.log, output, 0)),
  };
}

async function sinkBench(h: EventLogHarness, name: string): Promise<Bench> {
  const input = await h.createTopic(`${name}-in`);
  const checkpointTopic = await h.createTopic(`${name}-checkpoints`, { cleanup: 'compact' });
  const store: SinkTwin = h.sinkStore();
  return {
    input,
    start: (log, observer = {}) => runSink({ ...smallBatches(h), log, group: `${name}-g`, topic: input, checkpointTopic, store, observer }),
    out: async () => store.values(input, 0),
  };
}

/** Whichever of the three shows first: what the group had committed is gone, or does not fit what is there now. */
const REFUSALS = ['0 OFFSET_LOST', '0 LOG_MISMATCH', '0 OFFSET_OUT_OF_RANGE'];

function recreationCheck(shape: string, bench: (h: EventLogHarness, name: string) => Promise<Bench>): Check {
  return {
    name: `a ${shape} refuses a topic that was deleted and created again, and goes on where an operator says`,
    run: async (h) => {
      const at = await bench(h, `recreated-${shape}`);
      const group = `recreated-${shape}-g`;
      await send(h.log, at.input, 0, numberedFrom(1, 4));
      const first = await at.start(h.log);
      await eventually(h, 'four records', async () => (await at.out()).length === 4);
      await eventually(h, 'their commit', async () => (await h.log.committedOffsets(group, at.input)).get(0)?.offset === 4);
      await first.close();

      await h.deleteTopic(at.input);
      assert.equal(await h.createTopic(`recreated-${shape}-in`), at.input);
      await send(h.log, at.input, 0, numberedFrom(11, 19, 'another-source'));
      for (let again = 0; again < 2; again += 1) {
        const seen = observed();
        const refused = await at.start(h.log, seen.observer);
        await eventually(h, 'the partition to stop', () => seen.stopped.length > 0);
        await refused.close();
        assert.ok(REFUSALS.includes(seen.stopped[0] ?? ''), `stopped with ${seen.stopped[0]}`);
      }
      assert.deepEqual(await at.out(), counted(4), 'nothing of the new topic was taken');

      await h.log.setCommittedOffset(group, at.input, 0, { offset: 2, metadata: '' });
      const resumed = await at.start(h.log);
      await eventually(h, 'the rest', async () => (await at.out()).length === 11);
      await resumed.close();
      assert.deepEqual(await at.out(), [...counted(4), '13', '14', '15', '16', '17', '18', '19']);
    },
  };
}

export const beginningChecks: readonly Check[] = [
  recreationCheck('transform', transformBench),
  recreationCheck('sink', sinkBench),
  {
    name: 'a transform that marks its beginning, killed at any step, begins again by itself and makes every output',
    run: (h) =>
      dieAtEveryStep(h, async (attempt) => {
        const at = await transformBench(h, `begins-${attempt}`);
        await send(h.log, at.input, 0, numberedFrom(1, 3));
        return {
          start: (log) => at.start(log),
          done: async (log) => (await log.committedOffsets(`begins-${attempt}-g`, at.input)).get(0)?.offset === 3,
          verify: async () => assert.deepEqual(withoutRepeats(await at.out()), counted(3)),
        };
      }),
  },
];
