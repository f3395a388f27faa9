import { request } from 'node:http';
import { AppError } from '@tokenledger/domain';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { waitFor } from '../../support/wait-for.ts';
import { batchOf, batchOfRecords, crash, type Faults, type Ledger, openLedger, openStore, owner, TOPIC, withFaults } from './ledger.ts';
import { logRecord, pricedEvent, SOURCE } from './priced-events.ts';

let ledger: Ledger;
beforeAll(async () => {
  ledger = await openLedger();
});
afterAll(() => ledger[Symbol.asyncDispose]());
beforeEach(() => ledger.empty());

const numbers = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const events = (from: number, to: number) => numbers(from, to).map((sequence) => pricedEvent(sequence));
const sequences = async (): Promise<string> => ledger.value(`SELECT toString(arraySort(groupArray(sequence))) FROM usage_events`);
const all = (from: number, to: number): string => `[${numbers(from, to).join(',')}]`;

describe('the fence', () => {
  test('an insert of an older epoch is refused, whoever sends it', async () => {
    const { store } = openStore(ledger.clickhouse);
    await store.takeOver(owner(7));
    const columns = ['event_id', 'source', 'sequence', 'log_topic', 'log_partition', 'epoch', 'kind', 'occurred_at', 'recorded_at'];
    const row = (sequence: number, epoch: number) =>
      ['019a3f5e-2c7b-7abc-8def-0123456789ab', 's', sequence, TOPIC, 0, epoch, 'usage', '1762000000.123', '1762000000.123'] as const;
    await expect(ledger.clickhouse.insertRows('usage_events', columns, [row(1, 7), row(2, 6)])).rejects.toMatchObject({ code: 'FENCED' });
    expect(await ledger.value('SELECT count() FROM usage_events')).toBe('0');
    await ledger.clickhouse.insertRows('usage_events', columns, [row(1, 7)]);
    expect(await sequences()).toBe('[1]');
  });

  test('an owner that was overtaken cannot write any more', async () => {
    const older = openStore(ledger.clickhouse).store;
    const newer = openStore(ledger.clickhouse).store;
    await older.takeOver(owner(7));
    await older.write(owner(7), batchOf(events(1, 5)));
    await newer.takeOver(owner(8));
    await expect(older.write(owner(7), batchOf(events(6, 9)))).rejects.toMatchObject({ code: 'FENCED', retryable: false });
    expect(await sequences()).toBe(all(1, 5));
    await newer.write(owner(8), batchOf(events(1, 9)));
    expect(await sequences()).toBe(all(1, 9));
  });

  test('an owner that was overtaken in the same process cannot write any more, and does not disturb the newer one', async () => {
    const { store } = openStore(ledger.clickhouse);
    await store.takeOver(owner(7));
    await store.takeOver(owner(8));
    await expect(store.write(owner(7), batchOf(events(1, 3)))).rejects.toMatchObject({ code: 'FENCED' });
    store.release(owner(7));
    await expect(store.write(owner(8), batchOf(events(1, 3)))).resolves.toMatchObject({ inserted: 3 });
  });

  test('an older epoch cannot take over, and partitions are fenced by themselves', async () => {
    const { store } = openStore(ledger.clickhouse);
    await store.takeOver(owner(9));
    await expect(openStore(ledger.clickhouse).store.takeOver(owner(8))).rejects.toMatchObject({ code: 'FENCED', retryable: false });
    await store.takeOver(owner(3, 1));
    await expect(store.write(owner(9), batchOf(events(1, 2)))).resolves.toEqual({ inserted: 2, repeats: 0, rejected: 0 });
  });

  test('an insert that was still being sent when the next owner took over does not take effect', async () => {
    const older = openStore(ledger.clickhouse).store;
    await older.takeOver(owner(7));
    const late = slowInsert(`${TOPIC}/0/7/0-3/usage_events`, 7);
    await waitFor(
      async () => (await ledger.value(`SELECT count() FROM system.processes WHERE startsWith(query_id, '${TOPIC}/0/7/')`)) === '1',
      {
        timeoutMs: 5_000,
        describe: 'the insert of the older owner',
      },
    );
    const newer = openStore(ledger.clickhouse).store;
    await newer.takeOver(owner(8));
    await newer.write(owner(8), batchOf(events(1, 3)));
    expect(await late.finish()).not.toBe(200);
    expect(await sequences()).toBe(all(1, 3));
  });

  test('a raise that something undid is made again, and a fence that never stands stops the take-over', async () => {
    let undone = 0;
    const undoing = (times: number) =>
      openStore(
        withFaults(ledger.clickhouse, {
          afterInsert: async (table) => {
            if (table !== 'fence' || undone === times) return;
            undone += 1;
            await ledger.clickhouse.command('TRUNCATE TABLE fence');
          },
        }),
      ).store;
    await undoing(1).takeOver(owner(5));
    expect(undone).toBe(1);
    expect(await ledger.value(`SELECT joinGet('tokenledger.fence', 'epoch', '${TOPIC}', 0::UInt32)`)).toBe('5');
    await expect(undoing(Number.POSITIVE_INFINITY).takeOver(owner(6))).rejects.toMatchObject({ code: 'FENCE_UNSETTLED', retryable: true });
  });

  test('the fence stands after the server was killed, though it was raised many times', async () => {
    const { store } = openStore(ledger.clickhouse);
    for (const epoch of numbers(1, 40)) await store.takeOver(owner(epoch));
    await restart();
    await expect(openStore(ledger.clickhouse).store.takeOver(owner(39))).rejects.toMatchObject({ code: 'FENCED' });
    await expect(store.write(owner(40), batchOf(events(1, 2)))).resolves.toMatchObject({ inserted: 2 });
  });
});

describe('a batch in doubt', () => {
  test('its insert took effect and the answer was lost: the next owner finds every row there', async () => {
    const { store } = openStore(withFaults(ledger.clickhouse, { afterInsert: onceFor('usage_events', crash) }));
    await store.takeOver(owner(1));
    await expect(store.write(owner(1), batchOf(events(1, 20)))).rejects.toMatchObject({ retryable: true });
    await store.takeOver(owner(2));
    expect(await store.write(owner(2), batchOf(events(1, 20)))).toEqual({ inserted: 0, repeats: 20, rejected: 0 });
    expect(await sequences()).toBe(all(1, 20));
  });

  test('its insert never arrived: the next owner inserts all of it', async () => {
    const { store } = openStore(withFaults(ledger.clickhouse, { beforeInsert: onceFor('usage_events', crash) }));
    await store.takeOver(owner(1));
    await expect(store.write(owner(1), batchOf(events(1, 20)))).rejects.toMatchObject({ retryable: true });
    await store.takeOver(owner(2));
    expect(await store.write(owner(2), batchOf(events(1, 20)))).toEqual({ inserted: 20, repeats: 0, rejected: 0 });
    expect(await sequences()).toBe(all(1, 20));
  });

  test('a part of it is there: only the rest is inserted', async () => {
    const first = openStore(ledger.clickhouse).store;
    await first.takeOver(owner(1));
    await first.write(owner(1), batchOf([2, 3, 7, 9].map((sequence) => pricedEvent(sequence))));
    const next = openStore(ledger.clickhouse).store;
    await next.takeOver(owner(2));
    expect(await next.write(owner(2), batchOf(events(1, 10)))).toEqual({ inserted: 6, repeats: 4, rejected: 0 });
    expect(await sequences()).toBe(all(1, 10));
  });

  test('a server that takes fewer rows than it was sent leaves the batch in doubt, and the lost row is inserted', async () => {
    const faults: Faults = { dropsRowOf: 'usage_events' };
    const { store } = openStore(withFaults(ledger.clickhouse, faults));
    await store.takeOver(owner(1));
    await expect(store.write(owner(1), batchOf(events(1, 5)))).rejects.toMatchObject({ code: 'INSERT_SHORT', retryable: true });
    delete faults.dropsRowOf;
    await store.takeOver(owner(2));
    expect(await store.write(owner(2), batchOf(events(1, 5)))).toEqual({ inserted: 1, repeats: 4, rejected: 0 });
    expect(await sequences()).toBe(all(1, 5));
  });

  test('a store that failed writes nothing before it has taken over again', async () => {
    const { store } = openStore(withFaults(ledger.clickhouse, { beforeInsert: onceFor('usage_events', crash) }));
    await store.takeOver(owner(1));
    await expect(store.write(owner(1), batchOf(events(1, 2)))).rejects.toBeInstanceOf(AppError);
    await expect(store.write(owner(1), batchOf(events(1, 2)))).rejects.toThrow('invariant broken');
  });
});

test('a batch with events of very many months is written, and not refused for ever', async () => {
  const { store } = openStore(ledger.clickhouse);
  await store.takeOver(owner(1));
  const scattered = events(1, 102).map(({ event, ...rest }) => ({
    ...rest,
    event: { ...event, occurredAtMs: 1_100_000_000_000 + event.sequence * 2_678_400_000 },
  }));
  expect(await store.write(owner(1), batchOf(scattered))).toMatchObject({ inserted: 102 });
});

describe('repeats', () => {
  test('are counted once: in a batch, across batches, across owners', async () => {
    const { store } = openStore(ledger.clickhouse);
    await store.takeOver(owner(1));
    expect(await store.write(owner(1), batchOf([...events(1, 5), ...events(3, 6)]))).toEqual({ inserted: 6, repeats: 3, rejected: 0 });
    expect(await store.write(owner(1), batchOf(events(1, 8), 9))).toEqual({ inserted: 2, repeats: 6, rejected: 0 });
    await store.takeOver(owner(2));
    expect(await store.write(owner(2), batchOf(events(1, 9), 17))).toEqual({ inserted: 1, repeats: 8, rejected: 0 });
    expect(await sequences()).toBe(all(1, 9));
  });

  test('of 10,000 numbers that memory has forgotten are found in one question', async () => {
    const { store } = openStore(ledger.clickhouse, { missingRangesMax: 0 });
    const odd = Array.from({ length: 10_000 }, (_, index) => pricedEvent(2 * index + 1));
    await store.takeOver(owner(1));
    await store.write(owner(1), batchOf(odd));
    expect(await store.write(owner(1), batchOf([...odd, pricedEvent(2)]))).toEqual({ inserted: 1, repeats: 10_000, rejected: 0 });
  });

  test('the same number of another source or partition is no repeat', async () => {
    const { store } = openStore(ledger.clickhouse);
    await store.takeOver(owner(1));
    await store.takeOver(owner(2, 1));
    await store.write(owner(1), batchOf([pricedEvent(1), pricedEvent(1, 'ingress/two')]));
    await store.write(owner(2, 1), batchOfRecords([logRecord(pricedEvent(1), 0, TOPIC, 1)]));
    expect(await ledger.value('SELECT count() FROM usage_events')).toBe('3');
  });

  test('however batches overlap, fail and change hands, every number is there once', async () => {
    const step = fc.record({
      from: fc.integer({ min: 1, max: 30 }),
      length: fc.integer({ min: 1, max: 12 }),
      shuffle: fc.boolean(),
      fault: fc.constantFrom('none', 'none', 'before', 'after'),
    });
    const limits = fc.record({ missingRangesMax: fc.integer({ min: 0, max: 2 }), sourcesMax: fc.integer({ min: 1, max: 2 }) });
    let epoch = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), limits, async (steps, options) => {
        await ledger.clickhouse.command('TRUNCATE TABLE usage_events');
        let fault: (typeof steps)[number]['fault'] = 'none';
        const failing = withFaults(ledger.clickhouse, {
          beforeInsert: (table) => (table === 'usage_events' && fault === 'before' ? crash() : undefined),
          afterInsert: (table) => (table === 'usage_events' && fault === 'after' ? crash() : undefined),
        });
        const { store } = openStore(failing, options);
        const sent = new Set<string>();
        await store.takeOver(owner(++epoch));
        for (const { from, length, shuffle, fault: planned } of steps) {
          const own = numbers(from, from + length - 1);
          if (shuffle) own.reverse();
          const batch = batchOf(own.flatMap((sequence) => [pricedEvent(sequence), pricedEvent(sequence, `other/${sequence % 3}`)]));
          for (const sequence of own) sent.add(`${SOURCE}:${sequence}`).add(`other/${sequence % 3}:${sequence}`);
          fault = planned;
          const failed = await store.write(owner(epoch), batch).then(
            () => false,
            (error: unknown) => error instanceof AppError && error.retryable,
          );
          fault = 'none';
          if (!failed) continue;
          await store.takeOver(owner(++epoch));
          await store.write(owner(epoch), batch);
        }
        const rows = await ledger.clickhouse.query<{ readonly id: string }>(
          `SELECT concat(source, ':', toString(sequence)) AS id FROM usage_events`,
        );
        expect(rows.map((row) => row.id).toSorted()).toEqual([...sent].toSorted());
      }),
      { numRuns: 15 },
    );
  });
});

/** Fails the first insert into a table. */
function onceFor(table: string, fail: () => never): (inserted: string) => void {
  let done = false;
  return (inserted) => {
    if (done || inserted !== table) return;
    done = true;
    fail();
  };
}

async function restart(): Promise<void> {
  const before = ledger.server.state();
  if (before.kind !== 'ready') throw new Error(`the server is ${before.kind}`);
  process.kill(before.pid, 'SIGKILL');
  await waitFor(
    () => {
      const now = ledger.server.state();
      return now.kind === 'ready' && now.pid !== before.pid;
    },
    { timeoutMs: 20_000, describe: 'the server to start again' },
  );
}

/** An insert whose rows arrive one after another; `finish` sends the last one and returns the status of the answer. */
function slowInsert(queryId: string, epoch: number): { finish(): Promise<number> } {
  const query = `INSERT INTO tokenledger.usage_events (event_id, source, sequence, log_topic, log_partition, epoch, kind, occurred_at, recorded_at) FORMAT JSONCompactEachRow`;
  const line = (sequence: number): string =>
    `${JSON.stringify(['019a3f5e-2c7b-7abc-8def-0123456789ab', SOURCE, sequence, TOPIC, 0, epoch, 'usage', '1762000000.123', '1762000000.123'])}\n`;
  const url = new URL(ledger.clickhouse.url);
  url.searchParams.set('query', query);
  url.searchParams.set('query_id', queryId);
  const sending = request(url, { method: 'POST' });
  const status = new Promise<number>((resolve) => {
    sending.on('response', (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sending.on('error', () => resolve(0));
  });
  sending.write(line(1));
  sending.write(line(2));
  return {
    finish() {
      sending.end(line(3));
      return status;
    },
  };
}
