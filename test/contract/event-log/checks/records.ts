/** Sending and reading: order, partitions, bytes, limits, waits. */
import assert from 'node:assert/strict';
import type { Check } from '../check.ts';
import { counted, numbered, numberedFrom, POLL, readAll, rejectsWith, send, text, texts } from '../support/records.ts';

export const recordChecks: readonly Check[] = [
  {
    name: 'records of a partition come back in the order in which they were sent, one offset after the other',
    run: async (h) => {
      const topic = await h.createTopic('order', { partitions: 3 });
      const producer = await h.log.producer();
      const sends = Array.from({ length: 60 }, (_, index) => producer.send(topic, index % 3, [numbered(index)]));
      await Promise.all(sends);
      for (let partition = 0; partition < 3; partition += 1) {
        const records = await readAll(h.log, topic, partition);
        assert.deepEqual(
          texts(records),
          Array.from({ length: 20 }, (_, index) => String(index * 3 + partition)),
        );
        assert.deepEqual(
          records.map((record) => record.offset),
          Array.from({ length: 20 }, (_, index) => index),
        );
      }
    },
  },
  {
    name: 'a send lands in the partition that it names, and says where',
    run: async (h) => {
      const topic = await h.createTopic('where', { partitions: 3 });
      assert.deepEqual(await send(h.log, topic, 2, numberedFrom(1, 4)), { topic, partition: 2, baseOffset: 0 });
      assert.deepEqual(await send(h.log, topic, 2, numberedFrom(5, 5)), { topic, partition: 2, baseOffset: 4 });
      assert.deepEqual(await send(h.log, topic, 0, numberedFrom(6, 6)), { topic, partition: 0, baseOffset: 0 });
      assert.deepEqual(await Promise.all([0, 1, 2].map(async (partition) => texts(await readAll(h.log, topic, partition)))), [
        ['6'],
        [],
        counted(5),
      ]);
      const [record] = await readAll(h.log, topic, 2);
      assert.equal(record?.topic, topic);
      assert.equal(record.partition, 2);
      assert.ok(Number.isSafeInteger(Math.trunc(record.timestampMs)) && record.timestampMs > 0);
    },
  },
  {
    name: 'every acknowledged record is there',
    run: async (h) => {
      const topic = await h.createTopic('all', { partitions: 2 });
      const producer = await h.log.producer();
      for (let sequence = 1; sequence <= 1_000; sequence += 10) await producer.send(topic, 1, numberedFrom(sequence, sequence + 9));
      assert.deepEqual(texts(await readAll(h.log, topic, 1)), counted(1_000));
    },
  },
  {
    name: 'keys, headers and values come back as they were sent, absent and empty ones included',
    run: async (h) => {
      const topic = await h.createTopic('bytes');
      const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
      const sent = [
        { key: 'plain', value: bytes, headers: { one: '1', 'tl-source': 'ä – 漢字 – 🙂', empty: '' } },
        { key: null, value: new Uint8Array(), headers: {} },
        { key: 'schlüssel/漢字', value: null },
      ];
      await send(h.log, topic, 0, sent);
      const records = await readAll(h.log, topic, 0);
      assert.deepEqual(
        records.map(({ key, value, headers }) => ({ key, value: value === null ? null : Array.from(value), headers: { ...headers } })),
        sent.map(({ key, value, headers }) => ({ key, value: value === null ? null : Array.from(value), headers: { ...headers } })),
      );
    },
  },
  {
    name: 'the bytes of an acknowledged record do not change with the buffer they were sent from',
    run: async (h) => {
      const topic = await h.createTopic('copies');
      const buffer = Buffer.from('before');
      await send(h.log, topic, 0, [{ key: null, value: buffer }]);
      buffer.fill('x');
      assert.deepEqual(texts(await readAll(h.log, topic, 0)), ['before']);
    },
  },
  {
    name: 'a poll returns at most recordsMax records, and no further one once bytesMax are reached',
    run: async (h) => {
      const topic = await h.createTopic('limits');
      await send(
        h.log,
        topic,
        0,
        Array.from({ length: 20 }, () => ({ key: null, value: Buffer.alloc(1_000) })),
      );
      const reader = await h.log.reader({ topic, partition: 0, from: 'start' });
      assert.equal((await reader.poll({ ...POLL, recordsMax: 7 })).length, 7);
      const byBytes = await reader.poll({ ...POLL, bytesMax: 3_000 });
      assert.ok(byBytes.length >= 1 && byBytes.length <= 4, `${byBytes.length} records of 1,000 bytes for 3,000 bytes`);
      assert.equal((await reader.poll({ ...POLL, bytesMax: 1 })).length, 1, 'a record that is larger than bytesMax still comes');
      await reader.close();
    },
  },
  {
    name: 'a poll waits for a record and returns as soon as one is there',
    run: async (h) => {
      const topic = await h.createTopic('waits');
      const reader = await h.log.reader({ topic, partition: 0, from: 'start' });
      const startedMs = h.pacing.nowMs();
      const polled = reader.poll({ ...POLL, waitMs: 60_000 });
      await h.pacing.wait(30);
      await send(h.log, topic, 0, [numbered(1)]);
      assert.deepEqual(texts(await polled), ['1']);
      assert.ok(h.pacing.nowMs() - startedMs < 10_000);
      await reader.close();
    },
  },
  {
    name: 'a poll without records returns nothing once its wait is over',
    run: async (h) => {
      const topic = await h.createTopic('empty');
      const reader = await h.log.reader({ topic, partition: 0, from: 'start' });
      const startedMs = h.pacing.nowMs();
      assert.deepEqual(await reader.poll({ ...POLL, waitMs: 50 }), []);
      // Timers may fire a little early.
      assert.ok(h.pacing.nowMs() - startedMs >= 45);
      await reader.close();
    },
  },
  {
    name: 'a reader begins at the start, at the end or at an offset',
    run: async (h) => {
      const topic = await h.createTopic('from');
      await send(h.log, topic, 0, numberedFrom(1, 5));
      const from = async (position: 'start' | 'end' | number): Promise<string[]> => {
        const reader = await h.log.reader({ topic, partition: 0, from: position });
        if (position === 'end') await send(h.log, topic, 0, [numbered(6)]);
        const records = await reader.poll(POLL);
        await reader.close();
        return texts(records);
      };
      assert.deepEqual(await from('start'), counted(5));
      assert.deepEqual(await from(3), ['4', '5']);
      assert.deepEqual(await from('end'), ['6']);
    },
  },
  {
    name: 'a record above the limit is refused, and nothing of its send is stored',
    run: async (h) => {
      const topic = await h.createTopic('large');
      const large = { key: 'k', value: Buffer.alloc(h.recordBytesMax + 1) };
      const error = await rejectsWith('RECORD_TOO_LARGE', send(h.log, topic, 0, [numbered(1), large]));
      assert.equal(error.retryable, false);
      await send(h.log, topic, 0, [numbered(2)]);
      assert.deepEqual(texts(await readAll(h.log, topic, 0)), ['2']);
    },
  },
  {
    name: 'while the log is away, sends fail as retryable and store nothing; afterwards all is as before',
    run: async (h) => {
      const topic = await h.createTopic('away');
      const producer = await h.log.producer();
      await producer.send(topic, 0, [numbered(1)]);
      await h.goAway();
      const error = await rejectsWith('LOG_UNAVAILABLE', producer.send(topic, 0, [numbered(2)]));
      assert.equal(error.retryable, true);
      await h.comeBack();
      assert.deepEqual(await producer.send(topic, 0, [numbered(3)]), { topic, partition: 0, baseOffset: 1 });
      assert.deepEqual(texts(await readAll(h.log, topic, 0)), ['1', '3']);
    },
  },
  {
    name: 'what was acknowledged is there after a restart of the log',
    run: async (h) => {
      const topic = await h.createTopic('restart', { partitions: 2 });
      await send(h.log, topic, 1, numberedFrom(1, 50));
      await h.deleteRecords(topic, 1, 10);
      await h.restart();
      const records = await readAll(h.log, topic, 1);
      assert.deepEqual(texts(records), counted(50).slice(10));
      assert.equal(records[0]?.offset, 10);
      assert.equal((await send(h.log, topic, 1, [numbered(51)])).baseOffset, 50);
      assert.equal(text((await readAll(h.log, topic, 1)).at(-1)), '51');
    },
  },
];
