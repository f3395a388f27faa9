/** Table: complete before anybody may ask, then watched. */
import assert from 'node:assert/strict';
import type { LogRecord, Table } from '@tokenledger/event-log';
import { openTable } from '@tokenledger/event-log';
import type { Check, EventLogHarness } from '../check.ts';
import { eventually } from '../support/eventually.ts';
import { rejectsWith, send } from '../support/records.ts';
import { observed, smallBatches } from '../support/shape-run.ts';

const put = (key: string | null, value: string | null) => ({ key, value: value === null ? null : Buffer.from(value) });

function contents(table: Table<string>): string[] {
  return [...table.entries()].map(([key, value]) => `${key}=${value}`).toSorted();
}

async function open(
  h: EventLogHarness,
  topic: string,
  onChange?: (key: string, value: string | undefined) => void,
): Promise<Table<string>> {
  const { retry, pacing } = smallBatches(h);
  const decode = (_key: string, value: Uint8Array): string | undefined => {
    const decoded = Buffer.from(value).toString();
    return decoded === 'undecodable' ? undefined : decoded;
  };
  return openTable({ log: h.log, topic, decode, retry, pacing, ...(onChange === undefined ? {} : { onChange }) });
}

export const tableChecks: readonly Check[] = [
  {
    name: 'a table is complete when it opens, over all partitions',
    run: async (h) => {
      const topic = await h.createTopic('full', { partitions: 3, cleanup: 'compact' });
      for (let index = 0; index < 300; index += 1) await send(h.log, topic, index % 3, [put(`k${index}`, `v${index}`)]);
      await send(h.log, topic, 0, [put('k0', 'newer'), put('k3', null)]);
      const table = await open(h, topic);
      assert.equal(table.size, 299);
      assert.equal(table.get('k0'), 'newer');
      assert.equal(table.get('k3'), undefined);
      assert.equal(table.get('k299'), 'v299');
      await table.close();
    },
  },
  {
    // Kafka takes such a record into a topic that is not compacted only.
    name: 'a table passes over a record without a key',
    run: async (h) => {
      const topic = await h.createTopic('keyless');
      await send(h.log, topic, 0, [put('a', 'a1'), put(null, 'no key'), put('b', 'b1')]);
      const table = await open(h, topic);
      assert.deepEqual(contents(table), ['a=a1', 'b=b1']);
      await table.close();
    },
  },
  {
    name: 'a table tells of every record with its offset, in order, whether or not it is a value, and how old what it knows may be',
    run: async (h) => {
      const topic = await h.createTopic('told', { partitions: 1, cleanup: 'compact' });
      await send(h.log, topic, 0, [put('a', 'a1'), put('b', null)]);
      const told: string[] = [];
      const { retry, pacing } = smallBatches(h);
      const onRecord = ({ offset, key }: LogRecord): unknown => told.push(`${offset} ${key}`);
      const table = await openTable<never>({ log: h.log, topic, decode: () => undefined, onRecord, retry, pacing });
      assert.deepEqual(told, ['0 a', '1 b']);
      await send(h.log, topic, 0, [put('c', 'undecodable')]);
      await eventually(h, 'the last record', () => told.length === 3);
      assert.deepEqual([told[2], table.size], ['2 c', 0]);
      await eventually(h, 'the end of the topic', () => table.behindMs() < 60_000);
      await table.close();
    },
  },
  {
    name: 'an open table follows the topic: new values, newer ones, tombstones',
    run: async (h) => {
      const topic = await h.createTopic('watched', { partitions: 2, cleanup: 'compact' });
      await send(h.log, topic, 1, [put('a', 'a1')]);
      const changes: string[] = [];
      const table = await open(h, topic, (key, value) => changes.push(`${key}=${value ?? 'gone'}`));
      await send(h.log, topic, 1, [put('a', 'a2'), put('b', 'b1'), put('never', null)]);
      await send(h.log, topic, 1, [put('b', 'undecodable'), put('a', null), put('c', 'c1')]);
      await eventually(h, 'the last change', () => table.get('c') === 'c1');
      assert.deepEqual(contents(table), ['b=b1', 'c=c1']);
      assert.deepEqual(changes, ['a=a1', 'a=a2', 'b=b1', 'a=gone', 'c=c1']);
      await table.close();
      await send(h.log, topic, 1, [put('d', 'd1')]);
      await h.pacing.wait(20);
      assert.equal(table.get('d'), undefined, 'a closed table follows no more');
    },
  },
  {
    name: 'a table reads the same from a compacted topic',
    run: async (h) => {
      const topic = await h.createTopic('compacted', { cleanup: 'compact' });
      for (let round = 0; round < 20; round += 1)
        await send(h.log, topic, 0, [put('a', `a${round}`), put('b', `b${round}`), put(`once-${round}`, round % 2 === 0 ? null : 'x')]);
      const before = await open(h, topic);
      await h.compact(topic);
      const after = await open(h, topic);
      assert.deepEqual(contents(after), contents(before));
      await send(h.log, topic, 0, [put('a', 'last')]);
      await eventually(h, 'the change in both', () => before.get('a') === 'last' && after.get('a') === 'last');
      await before.close();
      await after.close();
    },
  },
  {
    name: 'a table of a topic without records opens at once, empty, and of a missing topic not at all',
    run: async (h) => {
      const topic = await h.createTopic('empty', { partitions: 2, cleanup: 'compact' });
      const table = await open(h, topic);
      assert.equal(table.size, 0);
      await table.close();
      await rejectsWith('TOPIC_MISSING', open(h, `${topic}-not`));
    },
  },
  {
    name: 'a table whose topic goes says so, and keeps what it has',
    run: async (h) => {
      const topic = await h.createTopic('gone', { cleanup: 'compact' });
      await send(h.log, topic, 0, [put('a', 'a1')]);
      const seen = observed();
      const table = await openTable({
        ...smallBatches(h),
        log: h.log,
        topic,
        decode: (_key, value) => Buffer.from(value).toString(),
        observer: seen.observer,
      });
      await h.deleteTopic(topic);
      await rejectsWith('TOPIC_MISSING', table.failed);
      assert.deepEqual(seen.stopped, ['0 TOPIC_MISSING']);
      assert.equal(table.get('a'), 'a1');
      await table.close();
    },
  },
];
