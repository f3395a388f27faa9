/** Groups: who owns a partition, what is committed, and what a former owner may not do. */
import assert from 'node:assert/strict';
import type { EventLog, JoinOptions, LogRecord, Membership, OwnedPartition } from '@tokenledger/event-log';
import type { Check } from '../check.ts';
import { deafLog } from '../support/deaf-log.ts';
import { eventually } from '../support/eventually.ts';
import { counted, numbered, numberedFrom, POLL, rejectsWith, send, texts } from '../support/records.ts';

/** A member that keeps what it owns in view and does nothing by itself. */
interface Member {
  /** Partitions owned now. */
  readonly owned: Map<number, OwnedPartition>;
  readonly errors: unknown[];
  close(): Promise<void>;
}

async function member(log: EventLog, group: string, topic: string): Promise<Member> {
  const owned = new Map<number, OwnedPartition>();
  const errors: unknown[] = [];
  const run: JoinOptions['run'] = (partition) =>
    new Promise((resolve) => {
      owned.set(partition.partition, partition);
      const lost = (): void => {
        owned.delete(partition.partition);
        resolve();
      };
      partition.signal.addEventListener('abort', lost, { once: true });
    });
  const membership: Membership = await log.join({ group, topics: [topic], run, onError: (error) => errors.push(error) });
  return { owned, errors, close: () => membership.close() };
}

function one(owned: ReadonlyMap<number, OwnedPartition>): OwnedPartition {
  const [partition] = owned.values();
  assert.ok(partition, 'a partition is owned');
  return partition;
}

export const groupChecks: readonly Check[] = [
  {
    name: 'every partition has one owner, and members share them evenly',
    run: async (h) => {
      const topic = await h.createTopic('shared', { partitions: 5 });
      const a = await member(h.log, 'g', topic);
      await eventually(h, 'all partitions', () => a.owned.size === 5);
      const b = await member(h.log, 'g', topic);
      await eventually(h, 'a fair share', () => a.owned.size + b.owned.size === 5 && Math.abs(a.owned.size - b.owned.size) === 1);
      assert.deepEqual(
        [...a.owned.keys(), ...b.owned.keys()].toSorted((x, y) => x - y),
        [0, 1, 2, 3, 4],
      );
      await a.close();
      assert.equal(a.owned.size, 0);
      await eventually(h, 'all partitions again', () => b.owned.size === 5);
      await b.close();
    },
  },
  {
    name: 'a committed offset and its metadata come back to the next owner, for each group its own',
    run: async (h) => {
      const topic = await h.createTopic('committed', { partitions: 2 });
      await send(h.log, topic, 1, numberedFrom(1, 10));
      const metadata = JSON.stringify({ text: 'ä – 漢字 – "quoted"', long: 'x'.repeat(3_000) });
      const a = await member(h.log, 'g', topic);
      await eventually(h, 'ownership', () => a.owned.size === 2);
      assert.equal(a.owned.get(1)?.committed, null);
      await a.owned.get(1)?.commit({ offset: 3, metadata: 'first' });
      await a.owned.get(1)?.commit({ offset: 7, metadata });
      await a.close();

      const b = await member(h.log, 'g', topic);
      const other = await member(h.log, 'other', topic);
      await eventually(h, 'ownership', () => b.owned.size === 2 && other.owned.size === 2);
      assert.deepEqual(b.owned.get(1)?.committed, { offset: 7, metadata });
      assert.equal(b.owned.get(0)?.committed, null);
      assert.equal(other.owned.get(1)?.committed, null);
      assert.deepEqual(texts((await b.owned.get(1)?.poll(POLL)) ?? []), ['8', '9', '10'], 'reading goes on at the committed offset');
      await b.close();
      await other.close();
    },
  },
  {
    name: 'a committed offset and its metadata are there after a restart of the log',
    run: async (h) => {
      const topic = await h.createTopic('restarted');
      await send(h.log, topic, 0, numberedFrom(1, 3));
      const a = await member(h.log, 'g', topic);
      await eventually(h, 'ownership', () => a.owned.size === 1);
      await one(a.owned).commit({ offset: 2, metadata: 'm' });
      await a.close();
      await h.restart();
      const b = await member(h.log, 'g', topic);
      await eventually(h, 'ownership', () => b.owned.size === 1);
      assert.deepEqual(one(b.owned).committed, { offset: 2, metadata: 'm' });
      await b.close();
    },
  },
  {
    name: 'polls go through a partition without gap or repeat, and a seek moves on from there',
    run: async (h) => {
      const topic = await h.createTopic('polls');
      await send(h.log, topic, 0, numberedFrom(1, 25));
      const a = await member(h.log, 'g', topic);
      await eventually(h, 'ownership', () => a.owned.size === 1);
      const owned = one(a.owned);
      assert.deepEqual(await owned.range(), { start: 0, end: 25 });
      const seen: LogRecord[] = [];
      while (seen.length < 25) seen.push(...(await owned.poll({ ...POLL, recordsMax: 4 })));
      assert.deepEqual(texts(seen), counted(25));
      owned.seek(20);
      assert.deepEqual(texts(await owned.poll(POLL)), ['21', '22', '23', '24', '25']);
      await a.close();
    },
  },
  {
    name: 'an owner that pauses keeps its partition and goes on where it was',
    run: async (h) => {
      const topic = await h.createTopic('pauses');
      await send(h.log, topic, 0, numberedFrom(1, 6));
      const a = await member(h.log, 'g', topic);
      await eventually(h, 'ownership', () => a.owned.size === 1);
      const owned = one(a.owned);
      assert.deepEqual(texts(await owned.poll({ ...POLL, recordsMax: 3 })), ['1', '2', '3']);
      await h.pacing.wait(300);
      await send(h.log, topic, 0, [numbered(7)]);
      assert.equal(owned.signal.aborted, false);
      assert.deepEqual(texts(await owned.poll(POLL)).slice(0, 3), ['4', '5', '6']);
      await owned.commit({ offset: 6, metadata: '' });
      await a.close();
    },
  },
  {
    name: 'when a partition changes its owner while a batch is in hand, the old owner hears of it and cannot commit',
    run: async (h) => {
      const topic = await h.createTopic('handover', { partitions: 2 });
      for (const partition of [0, 1]) await send(h.log, topic, partition, numberedFrom(1, 3));
      const a = await member(h.log, 'g', topic);
      await eventually(h, 'ownership', () => a.owned.size === 2);
      const held = [...a.owned.values()];
      const batches = await Promise.all(held.map((owned) => owned.poll(POLL)));
      assert.deepEqual(batches.map(texts), [counted(3), counted(3)]);

      const b = await member(h.log, 'g', topic);
      await eventually(h, 'the handover', () => b.owned.size === 1);
      const taken = one(b.owned);
      const old = held.find((owned) => owned.partition === taken.partition);
      const kept = held.find((owned) => owned.partition !== taken.partition);
      assert.equal(old?.signal.aborted, true);
      await rejectsWith('OWNERSHIP_LOST', old.commit({ offset: 3, metadata: 'old' }));
      assert.deepEqual(await old.poll({ ...POLL, waitMs: 0 }), [], 'nothing comes to who has lost it');
      await kept?.commit({ offset: 3, metadata: '' });
      assert.equal(taken.committed, null, 'what was in hand is not committed');
      assert.deepEqual(texts(await taken.poll(POLL)), counted(3), 'and comes to the new owner');
      await a.close();
      await b.close();
    },
  },
  {
    name: 'a former owner that has not noticed cannot commit, and spoils nothing for the new one',
    run: async (h) => {
      const topic = await h.createTopic('zombie', { partitions: 2 });
      for (const partition of [0, 1]) await send(h.log, topic, partition, numberedFrom(1, 5));
      const deaf = deafLog(h.log);
      const a = await member(deaf, 'g', topic);
      await eventually(h, 'ownership', () => a.owned.size === 2);
      const held = [...a.owned.values()];
      const b = await member(h.log, 'g', topic);
      await eventually(h, 'the handover', () => b.owned.size === 1 && deaf.lost === 1);
      const taken = one(b.owned);
      const old = held.find((owned) => owned.partition === taken.partition);
      assert.equal(old?.signal.aborted, false, 'it has not noticed');
      await taken.commit({ offset: 2, metadata: 'new' });
      await rejectsWith('OWNERSHIP_LOST', old.commit({ offset: 5, metadata: 'old' }));
      deaf.hear();
      await a.close();
      await b.close();
      const c = await member(h.log, 'g', topic);
      await eventually(h, 'ownership', () => c.owned.size === 2);
      assert.deepEqual(c.owned.get(taken.partition)?.committed, { offset: 2, metadata: 'new' });
      await c.close();
    },
  },
  {
    name: 'a commit while the log is away fails as retryable, and succeeds once it is back',
    run: async (h) => {
      const topic = await h.createTopic('away');
      await send(h.log, topic, 0, numberedFrom(1, 5));
      const a = await member(h.log, 'g', topic);
      await eventually(h, 'ownership', () => a.owned.size === 1);
      await h.goAway();
      const error = await rejectsWith('LOG_UNAVAILABLE', one(a.owned).commit({ offset: 4, metadata: 'm' }));
      assert.equal(error.retryable, true);
      await h.comeBack();
      await one(a.owned).commit({ offset: 5, metadata: 'n' });
      await a.close();
      const b = await member(h.log, 'g', topic);
      await eventually(h, 'ownership', () => b.owned.size === 1);
      assert.deepEqual(one(b.owned).committed, { offset: 5, metadata: 'n' });
      await b.close();
    },
  },
  {
    name: 'an owner whose position has expired is told so, again and again',
    run: async (h) => {
      const topic = await h.createTopic('expired');
      await send(h.log, topic, 0, numberedFrom(1, 10));
      const a = await member(h.log, 'g', topic);
      await eventually(h, 'ownership', () => a.owned.size === 1);
      await h.deleteRecords(topic, 0, 6);
      await rejectsWith('OFFSET_OUT_OF_RANGE', one(a.owned).poll(POLL));
      await rejectsWith('OFFSET_OUT_OF_RANGE', one(a.owned).poll(POLL));
      one(a.owned).seek(6);
      assert.deepEqual(texts(await one(a.owned).poll(POLL)), ['7', '8', '9', '10']);
      await a.close();
    },
  },
  {
    name: 'what a run throws reaches onError with its partition, and the other partitions go on',
    run: async (h) => {
      const topic = await h.createTopic('throws', { partitions: 2 });
      const errors: string[] = [];
      const running = new Set<number>();
      const membership = await h.log.join({
        group: 'g',
        topics: [topic],
        run: async (owned) => {
          if (owned.partition === 0) throw new Error('broken');
          running.add(owned.partition);
          await new Promise<void>((resolve) => owned.signal.addEventListener('abort', () => resolve(), { once: true }));
          running.delete(owned.partition);
        },
        onError: (error, owned) => errors.push(`${owned.partition} ${String(error)}`),
      });
      await eventually(h, 'the error and the other run', () => errors.length === 1 && running.size === 1);
      assert.deepEqual(errors, ['0 Error: broken']);
      await membership.close();
      assert.equal(running.size, 0, 'leaving waits for the runs to end');
    },
  },
  {
    name: 'whoever joins after a topic has grown gets its new partitions too',
    run: async (h) => {
      const topic = await h.createTopic('grown-group', { partitions: 2 });
      const before = await member(h.log, 'g', topic);
      await eventually(h, 'ownership', () => before.owned.size === 2);
      await before.close();
      await h.log.growTopic(topic, 5);
      const a = await member(h.log, 'g', topic);
      const b = await member(h.log, 'g', topic);
      await eventually(h, 'all partitions', () => a.owned.size + b.owned.size === 5 && Math.abs(a.owned.size - b.owned.size) === 1);
      await a.close();
      await b.close();
    },
  },
  {
    name: 'what a group has committed can be seen from outside, for the partitions that it has committed',
    run: async (h) => {
      const topic = await h.createTopic('seen', { partitions: 3 });
      await send(h.log, topic, 1, numberedFrom(1, 10));
      assert.deepEqual(await h.log.committedOffsets('g', topic), new Map());
      const a = await member(h.log, 'g', topic);
      await eventually(h, 'ownership', () => a.owned.size === 3);
      await a.owned.get(1)?.commit({ offset: 7, metadata: 'seven' });
      assert.deepEqual(await h.log.committedOffsets('g', topic), new Map([[1, { offset: 7, metadata: 'seven' }]]));
      assert.deepEqual(await h.log.committedOffsets('other', topic), new Map());
      assert.equal(a.owned.size, 3, 'looking takes nothing away');
      await a.close();
      assert.deepEqual(await h.log.committedOffsets('g', topic), new Map([[1, { offset: 7, metadata: 'seven' }]]));
      await rejectsWith('TOPIC_MISSING', h.log.committedOffsets('g', `${topic}-not`));
    },
  },
  {
    name: 'an operator sets the offset of a group that has no members, and of no other',
    run: async (h) => {
      const topic = await h.createTopic('set', { partitions: 2 });
      await send(h.log, topic, 0, numberedFrom(1, 10));
      const a = await member(h.log, 'g', topic);
      await eventually(h, 'ownership', () => a.owned.size === 2);
      await a.owned.get(0)?.commit({ offset: 9, metadata: 'its own' });
      await rejectsWith('GROUP_ACTIVE', h.log.setCommittedOffset('g', topic, 0, { offset: 4, metadata: 'set' }));
      assert.deepEqual(await h.log.committedOffsets('g', topic), new Map([[0, { offset: 9, metadata: 'its own' }]]));
      await a.close();
      await h.log.setCommittedOffset('g', topic, 0, { offset: 4, metadata: 'set' });
      await rejectsWith('PARTITION_MISSING', h.log.setCommittedOffset('g', topic, 2, { offset: 0, metadata: '' }));
      await rejectsWith('TOPIC_MISSING', h.log.setCommittedOffset('g', `${topic}-not`, 0, { offset: 0, metadata: '' }));
      const b = await member(h.log, 'g', topic);
      await eventually(h, 'ownership', () => b.owned.size === 2);
      assert.deepEqual(b.owned.get(0)?.committed, { offset: 4, metadata: 'set' });
      assert.deepEqual(texts((await b.owned.get(0)?.poll(POLL)) ?? []), ['5', '6', '7', '8', '9', '10']);
      await b.close();
    },
  },
];
