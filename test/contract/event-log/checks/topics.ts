/** Topics: what is missing, what expires, what compaction keeps. */
import assert from 'node:assert/strict';
import type { Check } from '../check.ts';
import { numbered, numberedFrom, POLL, readAll, rejectsWith, send, text, texts } from '../support/records.ts';

export const topicChecks: readonly Check[] = [
  {
    name: 'a topic that does not exist is refused by name, whatever is asked of it',
    run: async (h) => {
      const topic = `${await h.createTopic('there')}-not`;
      assert.equal(await h.log.describeTopic(topic), null);
      await rejectsWith('TOPIC_MISSING', send(h.log, topic, 0, [numbered(1)]));
      await rejectsWith('TOPIC_MISSING', h.log.reader({ topic, partition: 0, from: 'start' }));
      await rejectsWith('TOPIC_MISSING', h.log.join({ group: `${topic}-group`, topics: [topic], run: async () => {}, onError: () => {} }));
    },
  },
  {
    name: 'a partition that does not exist is refused, and stores nothing elsewhere',
    run: async (h) => {
      const topic = await h.createTopic('two', { partitions: 2 });
      const error = await rejectsWith('PARTITION_MISSING', send(h.log, topic, 2, [numbered(1)]));
      assert.equal(error.retryable, false);
      await rejectsWith('PARTITION_MISSING', h.log.reader({ topic, partition: 2, from: 'start' }));
      assert.deepEqual(await readAll(h.log, topic, 0), []);
      assert.deepEqual(await readAll(h.log, topic, 1), []);
    },
  },
  {
    name: 'a topic that is deleted is missing from then on, also for those who have it open',
    run: async (h) => {
      const topic = await h.createTopic('deleted');
      const producer = await h.log.producer();
      await producer.send(topic, 0, [numbered(1)]);
      const reader = await h.log.reader({ topic, partition: 0, from: 'start' });
      await h.deleteTopic(topic);
      await rejectsWith('TOPIC_MISSING', producer.send(topic, 0, [numbered(2)]));
      await rejectsWith('TOPIC_MISSING', reader.poll(POLL));
    },
  },
  {
    name: 'creating a topic again changes nothing, and with other partitions or cleanup is refused',
    run: async (h) => {
      const topic = await h.createTopic('again', { partitions: 2 });
      await send(h.log, topic, 1, [numbered(1)]);
      const spec = { topic, partitions: 2, cleanup: 'time', retentionMs: 86_400_000 } as const;
      await h.log.createTopics([spec]);
      await rejectsWith('TOPIC_MISMATCH', h.log.createTopics([{ ...spec, partitions: 3 }]));
      await rejectsWith('TOPIC_MISMATCH', h.log.createTopics([{ ...spec, cleanup: 'compact' }]));
      assert.deepEqual(await h.log.describeTopic(topic), { topic, partitions: 2, cleanup: 'time' });
      assert.deepEqual(texts(await readAll(h.log, topic, 1)), ['1']);
    },
  },
  {
    name: 'what expires leaves from the front, and offsets stay what they were',
    run: async (h) => {
      const topic = await h.createTopic('expires');
      await send(h.log, topic, 0, numberedFrom(1, 10));
      await h.deleteRecords(topic, 0, 4);
      const records = await readAll(h.log, topic, 0);
      assert.equal(records[0]?.offset, 4);
      assert.deepEqual(texts(records), ['5', '6', '7', '8', '9', '10']);
      await h.deleteRecords(topic, 0, 10);
      assert.deepEqual(await h.log.ranges(topic), [{ start: 10, end: 10 }]);
      const reader = await h.log.reader({ topic, partition: 0, from: 'start' });
      assert.deepEqual(await reader.range(), { start: 10, end: 10 });
      assert.equal((await send(h.log, topic, 0, [numbered(11)])).baseOffset, 10);
      assert.deepEqual(texts(await reader.poll(POLL)), ['11']);
      await reader.close();
    },
  },
  {
    name: 'a position that the log does not keep is refused: nothing resets by itself',
    run: async (h) => {
      const topic = await h.createTopic('range');
      await send(h.log, topic, 0, numberedFrom(1, 10));
      await h.deleteRecords(topic, 0, 4);
      for (const from of [0, 3, 11]) {
        const reader = await h.log.reader({ topic, partition: 0, from });
        await rejectsWith('OFFSET_OUT_OF_RANGE', reader.poll(POLL));
        await rejectsWith('OFFSET_OUT_OF_RANGE', reader.poll(POLL));
        await reader.close();
      }
    },
  },
  {
    name: 'compaction keeps the last value of every key, where it was',
    run: async (h) => {
      const topic = await h.createTopic('compacted', { cleanup: 'compact' });
      const put = (key: string, value: string | null) => ({ key, value: value === null ? null : Buffer.from(value) });
      await send(h.log, topic, 0, [
        put('a', 'a1'),
        put('b', 'b1'),
        put('a', 'a2'),
        put('c', 'c1'),
        put('b', 'b2'),
        put('c', null),
        put('d', 'd1'),
      ]);
      await h.compact(topic);
      const records = await readAll(h.log, topic, 0);
      const kept = records.filter((record) => record.value !== null).map((record) => `${record.offset} ${record.key} ${text(record)}`);
      assert.deepEqual(kept, ['2 a a2', '4 b b2', '6 d d1']);
      // A log that compacts only what is not written to any more needs an append before it does.
      const { baseOffset } = await send(h.log, topic, 0, [put('a', 'a3')]);
      assert.ok(baseOffset >= 7, `offset ${baseOffset} is a new one`);
      await h.compact(topic);
      assert.deepEqual(
        (await readAll(h.log, topic, 0)).filter((record) => record.value !== null).map((record) => `${record.offset} ${text(record)}`),
        ['4 b2', '6 d1', `${baseOffset} a3`],
      );
    },
  },
  {
    name: 'a topic that grows keeps its records and its commits, and its new partitions begin at 0',
    run: async (h) => {
      const topic = await h.createTopic('grows', { partitions: 2 });
      for (const partition of [0, 1]) await send(h.log, topic, partition, numberedFrom(1, 5));
      const producer = await h.log.producer();
      await rejectsWith('PARTITION_MISSING', producer.send(topic, 2, [numbered(1)]));
      await h.log.setCommittedOffset('g', topic, 1, { offset: 3, metadata: 'kept' });
      await h.log.growTopic(topic, 4);
      assert.deepEqual(await h.log.describeTopic(topic), { topic, partitions: 4, cleanup: 'time' });
      assert.deepEqual(texts(await readAll(h.log, topic, 1)), ['1', '2', '3', '4', '5']);
      assert.deepEqual(await h.log.committedOffsets('g', topic), new Map([[1, { offset: 3, metadata: 'kept' }]]));
      await producer.close();
      assert.equal((await send(h.log, topic, 3, [numbered(1)])).baseOffset, 0);
      assert.deepEqual(texts(await readAll(h.log, topic, 3)), ['1']);
      assert.deepEqual(await readAll(h.log, topic, 2), []);
      assert.deepEqual(
        (await h.log.ranges(topic)).map(({ end }) => end),
        [5, 5, 0, 1],
      );
    },
  },
  {
    name: 'growing a topic to what it has changes nothing, to less is refused, and a topic that is missing is refused by name',
    run: async (h) => {
      const topic = await h.createTopic('grown', { partitions: 3 });
      await h.log.growTopic(topic, 3);
      await rejectsWith('TOPIC_MISMATCH', h.log.growTopic(topic, 2));
      assert.deepEqual(await h.log.describeTopic(topic), { topic, partitions: 3, cleanup: 'time' });
      await rejectsWith('TOPIC_MISSING', h.log.growTopic(`${topic}-not`, 4));
      await rejectsWith('TOPIC_MISSING', h.log.ranges(`${topic}-not`));
    },
  },
];
