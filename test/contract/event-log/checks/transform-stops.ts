/** Where a Transform must stop: nothing is skipped and nothing resets by itself. */
import assert from 'node:assert/strict';
import { AppError } from '@tokenledger/domain';
import type { Appended, CommittedOffset, EventLog, TransformOptions } from '@tokenledger/event-log';
import { runTransform } from '@tokenledger/event-log';
import type { Check, EventLogHarness } from '../check.ts';
import { eventually } from '../support/eventually.ts';
import { Fuse, mortalLog, NEVER } from '../support/mortal-log.ts';
import { counted, numberedFrom, readAll, rejectsWith, send, texts } from '../support/records.ts';
import { commitAs, observed, smallBatches } from '../support/shape-run.ts';
import { copyTo } from './transform.ts';

interface Line {
  readonly input: string;
  readonly output: string;
}

async function line(h: EventLogHarness, name: string, partitions = 1): Promise<Line> {
  return { input: await h.createTopic(`${name}-in`, { partitions }), output: await h.createTopic(`${name}-out`, { partitions }) };
}

/** Runs until `offset` is committed. Returns that. */
async function transformTo(h: EventLogHarness, { input, output }: Line, offset: number): Promise<CommittedOffset> {
  const log = mortalLog(h.log, new Fuse(NEVER));
  const running = await runTransform({ ...smallBatches(h), log, group: 'g', topic: input, decide: copyTo(output) });
  await eventually(h, `a commit of ${offset}`, () => log.commits.get(`${input}/0`)?.offset === offset);
  await running.close();
  const committed = log.commits.get(`${input}/0`);
  assert.ok(committed);
  return committed;
}

/** Runs until the partition stops. Returns what the observer saw. */
async function stopsWith(h: EventLogHarness, { input, output }: Line, more: Partial<TransformOptions> = {}): Promise<string[]> {
  const seen = observed();
  const running = await runTransform({
    ...smallBatches(h),
    log: h.log,
    group: 'g',
    topic: input,
    decide: copyTo(output),
    observer: seen.observer,
    ...more,
  });
  await eventually(h, 'the partition to stop', () => seen.stopped.length > 0);
  await running.close();
  return seen.stopped;
}

/** A log whose sends store everything and name `appended` instead of where. */
function answering(log: EventLog, appended: (real: Appended) => Appended, times: number): EventLog {
  let left = times;
  return {
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
          const real = await producer.send(topic, partition, records);
          left -= 1;
          return left >= 0 ? appended(real) : real;
        },
      };
    },
  };
}

export const transformStopChecks: readonly Check[] = [
  {
    name: 'a send that does not name where it landed is taken for failed and made again',
    run: async (h) => {
      const pipe = await line(h, 'unnamed');
      await send(h.log, pipe.input, 0, numberedFrom(1, 2));
      for (const [index, wrong] of [{ partition: 1 }, { topic: 'elsewhere' }, { baseOffset: Number.NaN }].entries()) {
        const seen = observed();
        const log = mortalLog(
          answering(h.log, (real) => ({ ...real, ...wrong }), 2),
          new Fuse(NEVER),
        );
        const running = await runTransform({
          ...smallBatches(h),
          log,
          group: `g-${index}`,
          topic: pipe.input,
          decide: copyTo(pipe.output),
          observer: seen.observer,
        });
        await eventually(h, 'the commit', () => log.commits.get(`${pipe.input}/0`)?.offset === 2);
        await running.close();
        assert.deepEqual(
          seen.retried.map((error) => error instanceof AppError && error.code),
          ['SEND_UNACKNOWLEDGED', 'SEND_UNACKNOWLEDGED'],
        );
      }
    },
  },
  {
    name: 'a transform whose offset has expired stops, and stays stopped',
    run: async (h) => {
      const pipe = await line(h, 'expired');
      await send(h.log, pipe.input, 0, numberedFrom(1, 4));
      await transformTo(h, pipe, 4);
      await send(h.log, pipe.input, 0, numberedFrom(5, 10));
      await h.deleteRecords(pipe.input, 0, 7);
      assert.deepEqual(await stopsWith(h, pipe), ['0 OFFSET_OUT_OF_RANGE']);
      assert.deepEqual(await stopsWith(h, pipe), ['0 OFFSET_OUT_OF_RANGE']);
      assert.deepEqual(texts(await readAll(h.log, pipe.output, 0)), counted(4));
    },
  },
  {
    name: 'a transform goes on when everything up to its offset has expired, exactly',
    run: async (h) => {
      const pipe = await line(h, 'exactly');
      await send(h.log, pipe.input, 0, numberedFrom(1, 4));
      await transformTo(h, pipe, 4);
      await send(h.log, pipe.input, 0, numberedFrom(5, 6));
      await h.deleteRecords(pipe.input, 0, 4);
      await transformTo(h, pipe, 6);
      assert.deepEqual(texts(await readAll(h.log, pipe.output, 0)), counted(6));
    },
  },
  {
    name: 'a transform stops when the record before its offset is another one',
    run: async (h) => {
      const pipe = await line(h, 'before');
      await send(h.log, pipe.input, 0, numberedFrom(1, 4));
      const committed = await transformTo(h, pipe, 4);
      const replaced = await line(h, 'after');
      await send(h.log, replaced.input, 0, numberedFrom(1, 9, 'another-source'));
      await commitAs(h, 'g', replaced.input, 0, committed);
      assert.deepEqual(await stopsWith(h, replaced), ['0 LOG_MISMATCH']);
      assert.deepEqual(await readAll(h.log, replaced.output, 0), []);
    },
  },
  {
    name: 'a new group stops at a log whose beginning has expired, unless it may start at the earliest',
    run: async (h) => {
      const pipe = await line(h, 'new');
      await send(h.log, pipe.input, 0, numberedFrom(1, 5));
      await h.deleteRecords(pipe.input, 0, 2);
      assert.deepEqual(await stopsWith(h, pipe), ['0 OFFSET_UNCOMMITTED']);
      const log = mortalLog(h.log, new Fuse(NEVER));
      const running = await runTransform({
        ...smallBatches(h),
        log,
        group: 'g',
        topic: pipe.input,
        decide: copyTo(pipe.output),
        startAt: 'earliest',
      });
      await eventually(h, 'the commit', () => log.commits.get(`${pipe.input}/0`)?.offset === 5);
      await running.close();
      assert.deepEqual(texts(await readAll(h.log, pipe.output, 0)), ['3', '4', '5']);
    },
  },
  {
    name: 'a failure that cannot pass stops its partition without a commit, and the others go on',
    run: async (h) => {
      const { input, output } = await line(h, 'stops', 2);
      for (const partition of [0, 1]) await send(h.log, input, partition, numberedFrom(1, 6));
      const seen = observed();
      const decide: TransformOptions['decide'] = (records) => {
        if (records[0]?.partition === 0 && records.some((record) => record.offset === 3)) throw new AppError('BROKEN', 'never again');
        return copyTo(output)(records);
      };
      const log = mortalLog(h.log, new Fuse(NEVER));
      const running = await runTransform({ ...smallBatches(h), log, group: 'g', topic: input, decide, observer: seen.observer });
      await eventually(h, 'the stop and the rest', () => seen.stopped.length === 1 && log.commits.get(`${input}/1`)?.offset === 6);
      await running.close();
      assert.deepEqual(seen.stopped, ['0 BROKEN']);
      assert.equal(log.commits.get(`${input}/0`)?.offset, 2);
    },
  },
  {
    name: 'a bug in decide ends the transform, not only the partition',
    run: async (h) => {
      const { input, output } = await line(h, 'bug');
      await send(h.log, input, 0, numberedFrom(1, 2));
      const decide: TransformOptions['decide'] = (records) => copyTo(output)(records).slice(1);
      const running = await runTransform({ ...smallBatches(h), log: h.log, group: 'g', topic: input, decide });
      await assert.rejects(running.failed, /invariant broken/);
      await running.close();
      assert.deepEqual(await readAll(h.log, output, 0), []);
    },
  },
  {
    name: 'an output that is too large stops its partition',
    run: async (h) => {
      const pipe = await line(h, 'large');
      await send(h.log, pipe.input, 0, numberedFrom(1, 1));
      const decide: TransformOptions['decide'] = () => [
        { topic: pipe.output, record: { key: null, value: Buffer.alloc(h.recordBytesMax + 1) } },
      ];
      assert.deepEqual(await stopsWith(h, pipe, { decide }), ['0 RECORD_TOO_LARGE']);
    },
  },
  {
    name: 'a transform is refused at start when a topic is missing, or an output topic has other partitions',
    run: async (h) => {
      const input = await h.createTopic('start-in', { partitions: 3 });
      const output = await h.createTopic('start-out', { partitions: 2 });
      const base = { ...smallBatches(h), log: h.log, group: 'g', decide: copyTo(output) };
      await rejectsWith('TOPIC_MISSING', runTransform({ ...base, topic: `${input}-not` }));
      await rejectsWith('TOPIC_MISSING', runTransform({ ...base, topic: input, outputTopics: [`${output}-not`] }));
      await rejectsWith('TOPIC_MISMATCH', runTransform({ ...base, topic: input, outputTopics: [output] }));
    },
  },
];
