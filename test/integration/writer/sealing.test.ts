import type { ClickHouse } from '@tokenledger/clickhouse';
import { AppError, type PricedEvent } from '@tokenledger/domain';
import { createRegistry } from '@tokenledger/runtime';
import { type Sealed, sealDays, sealedDays, writerMetrics } from '@tokenledger/writer';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { batchOf, type Ledger, openLedger, openStore, owner } from './ledger.ts';
import { pricedEvent, SOURCE } from './priced-events.ts';

let ledger: Ledger;
beforeAll(async () => {
  ledger = await openLedger();
});
afterAll(() => ledger[Symbol.asyncDispose]());
beforeEach(async () => {
  await ledger.empty();
  await ledger.clickhouse.command('TRUNCATE TABLE usage_sealed');
  for (const { name } of await rows(`SELECT name FROM system.tables WHERE startsWith(name, 'usage_sealed_staging')`))
    await ledger.clickhouse.command(`DROP TABLE ${String(name)} SYNC`);
});

/** By their numbers, events fall on four days, 2025-11-01 to 2025-11-04; the last one is not over. */
const DAYS = ['2025-11-01', '2025-11-02', '2025-11-03'] as const;
const EVENTS = [...range(1, 60), ...range(300, 380), ...range(2600, 2640), ...range(4900, 4905)];
/** Some twenty steps, each with two owners and what people read in between. */
const STEPS_TIMEOUT_MS = 300_000;
const NOW_MS = Date.parse('2026-06-01T00:00:00Z');
const metrics = writerMetrics(createRegistry({ processMetrics: false }));

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

async function write(events: readonly PricedEvent[], epoch = 1, partition = 0) {
  const { store } = openStore(ledger.clickhouse);
  await store.takeOver(owner(epoch, partition));
  return store.write(owner(epoch, partition), batchOf(events));
}

interface SealOptions {
  readonly clickhouse?: ClickHouse;
  readonly epoch?: number;
  readonly retentionDays?: number;
  readonly byTenant?: Readonly<Record<string, number>>;
  readonly behind?: readonly number[];
}

async function seal(options: SealOptions = {}): Promise<Sealed> {
  const { clickhouse = ledger.clickhouse, epoch = 1, retentionDays = 0, byTenant = {}, behind = [] } = options;
  const days = sealedDays({ node: clickhouse, database: clickhouse.database, shards: [[clickhouse]] });
  return sealDays(
    {
      days,
      behind: async () => behind,
      retention: { days: retentionDays, byTenant: new Map(Object.entries(byTenant)) },
      allowedLatenessMs: 0,
      now: () => NOW_MS,
      metrics,
    },
    owner(epoch),
    new AbortController().signal,
  );
}

const rows = (sql: string) => ledger.clickhouse.query<Record<string, unknown>>(sql);
const SUMS = `sum(events), sum(events_usage_unknown), sum(events_usage_estimated), sum(events_unpriced), sum(events_not_forwarded), sum(attempts_usage_unknown),
  sum(attempts_unpriced), sum(cost_usd), sum(list_cost_usd), sum(billable_usd), sum(saved_usd), sum(billable_amount), sum(events_list_unpriced), sum(events_billable_unpriced), sum(input_tokens), sum(output_tokens), sum(total_tokens), sum(uncached_input_tokens), sum(cache_read_tokens),
  sum(visible_output_tokens), sum(reasoning_tokens), sum(characters)`;
const daysOf = (view: string, where = '1') =>
  rows(`SELECT day, tenant_id, project_id, served_model, outcome, currency, ${SUMS} FROM ${view} WHERE ${where} GROUP BY ALL ORDER BY ALL`);
const completeness = () =>
  rows(
    'SELECT source, log_partition, first_sequence, last_sequence, rows, distinct_sequences, missing, repeats FROM completeness ORDER BY ALL',
  );
const rawRows = (where = '1') => ledger.value(`SELECT count() FROM usage_events WHERE ${where}`);
const staged = () => ledger.value(`SELECT count() FROM system.tables WHERE startsWith(name, 'usage_sealed_staging')`);

describe('a day that is over', () => {
  test('is sealed with the sums of its rows, and the one that is not over stays open', async () => {
    await write(EVENTS.map((number) => pricedEvent(number)));
    expect(await seal()).toEqual({ sealed: [...DAYS], unsettled: [] });
    const over = `day <= '${DAYS[2]}'`;
    expect(await daysOf('usage_daily')).toEqual(await daysOf('usage_by_day', over));
    expect(await ledger.value('SELECT sum(base_rows) FROM usage_daily')).toBe(await rawRows(over));
    expect(await staged()).toBe('0');
    expect(await seal()).toEqual({ sealed: [], unsettled: [] });
  });

  test('is sealed anew when an event comes late', async () => {
    await write(EVENTS.map((number) => pricedEvent(number)));
    await seal();
    await write([pricedEvent(61), pricedEvent(62)]);
    expect(await seal()).toEqual({ sealed: [DAYS[0]], unsettled: [] });
    expect(await daysOf('usage_daily')).toEqual(await daysOf('usage_by_day', `day <= '${DAYS[2]}'`));
  });

  test('waits for a partition that is behind', async () => {
    await write(EVENTS.map((number) => pricedEvent(number)));
    await write(
      range(1, 20).map((number) => pricedEvent(number, 'ingress/two')),
      1,
      1,
    );
    expect(await seal({ behind: [1] })).toEqual({ sealed: [], unsettled: [] });
    expect(await seal({ behind: [0] })).toMatchObject({ sealed: [...DAYS] });
  });
});

describe('raw rows', () => {
  test('leave once their day is sealed and their time is over; sums by day, completeness and repeats stay as they were', async () => {
    await write(EVENTS.map((number) => pricedEvent(number)));
    await write(
      range(1, 40).map((number) => pricedEvent(number, 'ingress/two')),
      1,
      1,
    );
    const [before, complete] = [await daysOf('usage_by_day'), await completeness()];
    await seal({ retentionDays: 1 });
    expect(await rawRows(`day <= '${DAYS[1]}'`)).toBe('0');
    expect(await rawRows()).toBe(await rawRows(`day > '${DAYS[1]}'`));
    expect(await daysOf('usage_by_day')).toEqual(before);
    expect(await completeness()).toEqual(complete);
    expect(
      await write(
        EVENTS.map((number) => pricedEvent(number)),
        2,
      ),
    ).toMatchObject({ inserted: 0, repeats: EVENTS.length });
    expect(
      await write(
        range(1, 40).map((number) => pricedEvent(number, 'ingress/two')),
        2,
        1,
      ),
    ).toMatchObject({ inserted: 0 });
    expect(await daysOf('usage_by_day')).toEqual(before);
    expect(await seal({ epoch: 2, retentionDays: 1 })).toEqual({ sealed: [], unsettled: [] });
  });

  test('that come when those of their day have left are added by their identity, and leave too', async () => {
    await write(EVENTS.map((number) => pricedEvent(number)));
    await seal({ retentionDays: 1 });
    const late = [pricedEvent(61), pricedEvent(381), pricedEvent(5)];
    expect(await write(late, 2)).toMatchObject({ inserted: 2, repeats: 1 });
    expect(await seal({ epoch: 2, retentionDays: 1 })).toEqual({ sealed: [DAYS[0], DAYS[1]], unsettled: [] });
    expect(await rawRows(`day <= '${DAYS[1]}'`)).toBe('0');
    const found = await daysOf('usage_by_day');
    expect(await completeness()).toMatchObject([{ source: SOURCE, rows: String(EVENTS.length + 2), repeats: '0' }]);

    await ledger.empty();
    await ledger.clickhouse.command('TRUNCATE TABLE usage_sealed');
    await write([...EVENTS, 61, 381].map((number) => pricedEvent(number)));
    expect(found).toEqual(await daysOf('usage_by_day'));
  });

  test('of a tenant stay for as long as it wants', async () => {
    await write(EVENTS.map((number) => pricedEvent(number)));
    const before = await daysOf('usage_by_day');
    await seal({ retentionDays: 1, byTenant: { globex: 0 } });
    expect(await rows(`SELECT DISTINCT tenant_id FROM usage_events WHERE day <= '${DAYS[1]}'`)).toEqual([{ tenant_id: 'globex' }]);
    expect(await daysOf('usage_by_day')).toEqual(before);
  });

  test('of a day with a row that is there twice stay, and other days go on', async () => {
    await write(EVENTS.map((number) => pricedEvent(number)));
    await ledger.clickhouse.command(`INSERT INTO usage_events SELECT * FROM usage_events WHERE sequence = 300`);
    await expect(seal({ retentionDays: 1 })).rejects.toMatchObject({ code: 'SEAL_DISAGREES' });
    expect(await rawRows(`day = '${DAYS[0]}'`)).toBe('0');
    expect(await rawRows(`day = '${DAYS[1]}'`)).toBe('82');
  });
});

describe('whoever seals', () => {
  test(
    'is killed at any step: what people read is right all the while, and the next owner completes it',
    { timeout: STEPS_TIMEOUT_MS },
    async () => {
      const events = [...range(1, 12), 5_000].map((number) => pricedEvent(number));
      await write(events);
      const before = await daysOf('usage_by_day');
      const complete = await completeness();
      let epoch = 1;
      for (let step = 1; ; step += 1) {
        await ledger.clickhouse.command('TRUNCATE TABLE usage_sealed');
        await ledger.clickhouse.command('TRUNCATE TABLE usage_events');
        await write(events, (epoch += 1));
        const survived = await seal({ clickhouse: dyingBefore(step), epoch, retentionDays: 1 }).then(
          () => true,
          () => false,
        );
        expect(await daysOf('usage_by_day'), `dead before call ${step}`).toEqual(before);
        expect(await completeness(), `dead before call ${step}`).toEqual(complete);
        if (survived) {
          expect(step).toBeGreaterThan(15);
          break;
        }
        await openStore(ledger.clickhouse).store.takeOver(owner((epoch += 1)));
        await seal({ epoch, retentionDays: 1 });
        expect(await daysOf('usage_by_day'), `taken over from call ${step}`).toEqual(before);
        expect(await completeness(), `taken over from call ${step}`).toEqual(complete);
        expect(await rawRows(`day = '${DAYS[0]}'`)).toBe('0');
        expect(await staged()).toBe('0');
      }
    },
  );

  test('is overtaken before it swaps: what it built is not swapped in any more, and it builds nothing else', async () => {
    await write(
      EVENTS.map((number) => pricedEvent(number)),
      1,
    );
    const before = await daysOf('usage_by_day');
    const overtaking = intercept(ledger.clickhouse, async (sql) => {
      if (!sql.includes('REPLACE PARTITION')) return;
      const { store } = openStore(ledger.clickhouse);
      await store.takeOver(owner(2));
      await seal({ epoch: 2, retentionDays: 1 });
    });
    await expect(seal({ clickhouse: overtaking, epoch: 1 })).rejects.toThrow(/usage_sealed_staging_1_\d+/);
    await expect(seal({ epoch: 1 })).resolves.toEqual({ sealed: [], unsettled: [] });
    await write([pricedEvent(63)], 2);
    await expect(seal({ epoch: 1 })).rejects.toMatchObject({ code: 'FENCED' });
    expect(await rawRows(`day <= '${DAYS[1]}'`)).toBe('1');
    await seal({ epoch: 2, retentionDays: 1 });
    expect(await rawRows(`day <= '${DAYS[1]}'`)).toBe('0');
    expect(await daysOf('usage_by_day', `day > '${DAYS[0]}'`)).toEqual(before.filter(({ day }) => day !== DAYS[0]));
  });
});

/** A client whose owner dies before its nth call, which is after its last one took effect. */
function dyingBefore(step: number): ClickHouse {
  let calls = 0;
  return intercept(ledger.clickhouse, async () => {
    if ((calls += 1) >= step) throw dead();
  });
}

function dead(): AppError {
  return new AppError('CLICKHOUSE_UNAVAILABLE', 'the process is dead', { retryable: true });
}

function intercept(clickhouse: ClickHouse, before: (sql: string) => Promise<void>): ClickHouse {
  return new Proxy(clickhouse, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      if (name !== 'query' && name !== 'command') return member.bind(target);
      return async (sql: string, ...rest: unknown[]): Promise<unknown> => {
        await before(sql);
        return member.call(target, sql, ...rest) as unknown;
      };
    },
  });
}
