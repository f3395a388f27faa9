/** Transform: one output for each input, in order, whatever happens in between. */
import assert from 'node:assert/strict';
import { AppError } from '@tokenledger/domain';
import type { LogRecord, TransformOptions, TransformOutput } from '@tokenledger/event-log';
import { runTransform } from '@tokenledger/event-log';
import type { Check, EventLogHarness } from '../check.ts';
import { deafLog } from '../support/deaf-log.ts';
import { eventually } from '../support/eventually.ts';
import { Fuse, mortalLog, NEVER } from '../support/mortal-log.ts';
import { counted, numberedFrom, readAll, send, text, texts, withoutRepeats } from '../support/records.ts';
import { dieAtEveryStep, observed, smallBatches } from '../support/shape-run.ts';

/** Copies each record to `topic`. */
export function copyTo(topic: string): (records: readonly LogRecord[]) => TransformOutput[] {
  return (records) => records.map(({ key, value, headers }) => ({ topic, record: { key, value, headers } }));
}

async function topics(h: EventLogHarness, name: string, partitions = 1): Promise<{ readonly input: string; readonly output: string }> {
  return { input: await h.createTopic(`${name}-in`, { partitions }), output: await h.createTopic(`${name}-out`, { partitions }) };
}

async function outputsInOrder(h: EventLogHarness, topic: string, partition: number, count: number): Promise<void> {
  assert.deepEqual(withoutRepeats(texts(await readAll(h.log, topic, partition))), counted(count));
}

export const transformChecks: readonly Check[] = [
  {
    name: 'a transform makes exactly one output for each input, in order and in the same partition',
    run: async (h) => {
      const { input, output } = await topics(h, 'plain', 3);
      for (const partition of [0, 1, 2]) await send(h.log, input, partition, numberedFrom(1, 20 + partition));
      const log = mortalLog(h.log, new Fuse(NEVER));
      const running = await runTransform({
        ...smallBatches(h),
        batchRecordsMax: 7,
        log,
        group: 'g',
        topic: input,
        decide: copyTo(output),
        outputTopics: [output],
      });
      await eventually(h, 'all commits', () =>
        [0, 1, 2].every((partition) => log.commits.get(`${input}/${partition}`)?.offset === 20 + partition),
      );
      await running.close();
      for (const partition of [0, 1, 2]) assert.deepEqual(texts(await readAll(h.log, output, partition)), counted(20 + partition));
    },
  },
  {
    name: 'a transform that is started again makes no output twice for what it had committed',
    run: async (h) => {
      const { input, output } = await topics(h, 'again');
      for (const [from, to] of [
        [1, 5],
        [6, 9],
      ] as const) {
        await send(h.log, input, 0, numberedFrom(from, to));
        const log = mortalLog(h.log, new Fuse(NEVER));
        const running = await runTransform({ ...smallBatches(h), log, group: 'g', topic: input, decide: copyTo(output) });
        await eventually(h, 'all commits', () => log.commits.get(`${input}/0`)?.offset === to);
        await running.close();
      }
      assert.deepEqual(texts(await readAll(h.log, output, 0)), counted(9));
    },
  },
  {
    name: 'a transform killed at any step makes every output once, but for repeats',
    run: (h) =>
      dieAtEveryStep(h, async (attempt) => {
        const { input, output } = await topics(h, `killed-${attempt}`);
        const odd = await h.createTopic(`killed-${attempt}-odd`);
        await send(h.log, input, 0, numberedFrom(1, 6));
        const decide: TransformOptions['decide'] = (records) =>
          records.map((record) => ({ topic: Number(text(record)) % 2 === 0 ? output : odd, record }));
        return {
          start: (log) => runTransform({ ...smallBatches(h), log, group: `g-${attempt}`, topic: input, decide }),
          done: (log) => log.commits.get(`${input}/0`)?.offset === 6,
          verify: async () => {
            assert.deepEqual(withoutRepeats(texts(await readAll(h.log, output, 0))), ['2', '4', '6']);
            assert.deepEqual(withoutRepeats(texts(await readAll(h.log, odd, 0))), ['1', '3', '5']);
          },
        };
      }),
  },
  {
    name: 'a poison record becomes an output like any other, and the partition moves on',
    run: async (h) => {
      const { input, output } = await topics(h, 'poison');
      const letters = await h.createTopic('poison-letters');
      await send(h.log, input, 0, [...numberedFrom(1, 2), { key: 'k', value: Buffer.from([0xff, 0x00]) }, ...numberedFrom(3, 5)]);
      const decide: TransformOptions['decide'] = (records) =>
        records.map((record) => ({
          topic: record.value?.[0] === 0xff ? letters : output,
          record: { key: record.key, value: record.value, headers: { ...record.headers, 'tl-origin-offset': String(record.offset) } },
        }));
      const log = mortalLog(h.log, new Fuse(NEVER));
      const running = await runTransform({ ...smallBatches(h), log, group: 'g', topic: input, decide });
      await eventually(h, 'all commits', () => log.commits.get(`${input}/0`)?.offset === 6);
      await running.close();
      assert.deepEqual(texts(await readAll(h.log, output, 0)), counted(5));
      assert.deepEqual(
        (await readAll(h.log, letters, 0)).map((record) => record.headers['tl-origin-offset']),
        ['2'],
      );
    },
  },
  {
    name: 'while decide fails in a way that can pass, a transform reads no further than its batch, and then loses nothing',
    run: async (h) => {
      const { input, output } = await topics(h, 'pressure');
      await send(h.log, input, 0, numberedFrom(1, 500));
      const seen = observed();
      let failing = true;
      const decide: TransformOptions['decide'] = (records) => {
        if (failing) throw new AppError('PRICES_STALE', 'the prices are too old', { retryable: true });
        return copyTo(output)(records);
      };
      const log = mortalLog(h.log, new Fuse(NEVER));
      const running = await runTransform({
        ...smallBatches(h),
        batchRecordsMax: 10,
        log,
        group: 'g',
        topic: input,
        decide,
        observer: seen.observer,
      });
      await eventually(h, 'some attempts', () => seen.retried.length >= 5);
      assert.ok(log.polled <= 10, `${log.polled} records were read for a batch of 10`);
      assert.equal(log.commits.size, 0);
      failing = false;
      await eventually(h, 'all commits', () => log.commits.get(`${input}/0`)?.offset === 500);
      await running.close();
      assert.deepEqual(texts(await readAll(h.log, output, 0)), counted(500));
      assert.deepEqual(seen.stopped, []);
    },
  },
  {
    name: 'a batch ends at its bytes, too',
    run: async (h) => {
      const { input, output } = await topics(h, 'bytes');
      await send(
        h.log,
        input,
        0,
        Array.from({ length: 12 }, () => ({ key: null, value: Buffer.alloc(10_000) })),
      );
      const sizes: number[] = [];
      const decide: TransformOptions['decide'] = (records) => {
        sizes.push(records.length);
        return copyTo(output)(records);
      };
      const log = mortalLog(h.log, new Fuse(NEVER));
      const running = await runTransform({
        ...smallBatches(h),
        batchRecordsMax: 100,
        batchBytesMax: 30_000,
        lingerMs: 20,
        log,
        group: 'g',
        topic: input,
        decide,
      });
      await eventually(h, 'all commits', () => log.commits.get(`${input}/0`)?.offset === 12);
      await running.close();
      assert.ok(Math.max(...sizes) <= 4, `batches of ${sizes.join(', ')} records of 10,000 bytes for 30,000 bytes`);
    },
  },
  {
    name: 'a transform goes on by itself after the log was away',
    run: async (h) => {
      const { input, output } = await topics(h, 'away');
      const seen = observed();
      const log = mortalLog(h.log, new Fuse(NEVER));
      const running = await runTransform({
        ...smallBatches(h),
        log,
        group: 'g',
        topic: input,
        decide: copyTo(output),
        observer: seen.observer,
      });
      await send(h.log, input, 0, numberedFrom(1, 3));
      await eventually(h, 'the first commits', () => log.commits.get(`${input}/0`)?.offset === 3);
      await send(h.log, input, 0, numberedFrom(4, 30));
      await h.goAway();
      await eventually(h, 'attempts, or the end of what could still be read', () => seen.retried.length >= 3);
      await h.comeBack();
      await eventually(h, 'all commits', () => log.commits.get(`${input}/0`)?.offset === 30);
      await running.close();
      await outputsInOrder(h, output, 0, 30);
      assert.deepEqual(seen.stopped, []);
    },
  },
  {
    name: 'when owners change again and again, every output is there, and first ones are in order',
    run: async (h) => {
      const { input, output } = await topics(h, 'owners', 2);
      const start = () => runTransform({ ...smallBatches(h), log: h.log, group: 'g', topic: input, decide: copyTo(output) });
      const running = [await start()];
      for (let round = 0; round < 6; round += 1) {
        for (const partition of [0, 1]) await send(h.log, input, partition, numberedFrom(round * 10 + 1, round * 10 + 10));
        if (round % 2 === 0) running.push(await start());
        else await running.shift()?.close();
        await h.pacing.wait(5);
      }
      await eventually(h, 'all outputs', async () =>
        (await Promise.all([0, 1].map((partition) => readAll(h.log, output, partition)))).every((records) => text(records.at(-1)) === '60'),
      );
      await Promise.all(running.map((one) => one.close()));
      for (const partition of [0, 1]) await outputsInOrder(h, output, partition, 60);
    },
  },
  {
    name: 'a former owner that goes on sending adds repeats, and nothing else',
    run: async (h) => {
      const { input, output } = await topics(h, 'zombie', 2);
      for (const partition of [0, 1]) await send(h.log, input, partition, numberedFrom(1, 6));
      const deaf = deafLog(h.log);
      const first = observed();
      let away = true;
      const decide: TransformOptions['decide'] = (records) => {
        if (away) throw new AppError('HELD', 'a batch is in hand', { retryable: true });
        return copyTo(output)(records);
      };
      const zombie = await runTransform({ ...smallBatches(h), log: deaf, group: 'g', topic: input, decide, observer: first.observer });
      await eventually(h, 'a batch in hand', () => first.retried.length > 2);
      const log = mortalLog(h.log, new Fuse(NEVER));
      const successor = await runTransform({ ...smallBatches(h), log, group: 'g', topic: input, decide: copyTo(output) });
      await eventually(h, 'the new owner to be done', () => [...log.commits.values()].some((committed) => committed.offset === 6));
      away = false;
      const partition = [0, 1].find((one) => log.commits.get(`${input}/${one}`)?.offset === 6) ?? 0;
      await eventually(h, 'repeats by the old owner', async () => (await readAll(h.log, output, partition)).length > 6);
      deaf.hear();
      await zombie.close();
      await eventually(h, 'all outputs', async () =>
        (await Promise.all([0, 1].map((one) => readAll(h.log, output, one)))).every(
          (records) => withoutRepeats(texts(records)).length === 6,
        ),
      );
      await successor.close();
      for (const one of [0, 1]) await outputsInOrder(h, output, one, 6);
      assert.deepEqual(first.stopped, [], 'a lost partition is no failure');
    },
  },
];
