// Tiers and allowances by a month's volume, against a real log, a real writer and ClickHouse: the ledger says what the whole month costs by them, however often and
// wherever the run was killed, and whatever came late.
import { formatUsd, ONE, parseUsd } from '@tokenledger/domain';
import { type Agreements, type Contract, type RateCard, rateEvent, type VolumeTerm } from '@tokenledger/pricing';
import { type Agreed, dailyVolumes, volumeDifferences } from '@tokenledger/rerating';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AFTER, BEFORE } from '../../support/rerating-events.ts';
import { waitFor } from '../../support/wait-for.ts';
import { type Ledger, openLedger } from '../writer/ledger.ts';
import { Killed, openWorld, type World } from './world.ts';

let ledger: Ledger;
beforeAll(async () => {
  ledger = await openLedger();
});
afterAll(() => ledger[Symbol.asyncDispose]());

/** So that some hundreds fall into one minute. */
const STEP_MS = 100;
/** So that a page ends within a minute, and within the rows of an event. */
const PAGE_ROWS_MAX = 10;
const ALWAYS = { effectiveFromMs: 0, effectiveToMs: null, activatesAtMs: 0 } as const;
const HALF = ONE / 2n;
const usd = (text: string): bigint => parseUsd(text) as bigint;

function tiers(...steps: VolumeTerm['steps']): Agreements {
  const volumeTerms: readonly VolumeTerm[] = [{ models: [], classes: [], measure: 'usd', appliesTo: 'beyond', steps }];
  const contract: Contract = { ...ALWAYS, id: 'acme-2026', provider: 'acme', channels: null, prices: null, discounts: [], volumeTerms };
  return { contracts: [contract], rateCards: [], fxRates: [] };
}

/** What a month of this cost comes to, from its total alone. */
function byTiers(cost: string, { contracts }: Agreements): bigint {
  const total = usd(cost);
  const steps = contracts[0]?.volumeTerms[0]?.steps ?? [];
  return steps.reduce((sum, { from, factor }, index) => {
    const to = steps[index + 1]?.from ?? total;
    const within = (to < total ? to : total) - from;
    return within > 0n ? sum + (within * factor) / ONE - within : sum;
  }, total);
}

const FIRST = tiers({ from: usd('0.1'), factor: HALF }, { from: usd('0.15'), factor: 0n });
const OTHER = tiers({ from: usd('0.05'), factor: ONE / 4n });

const [SMALL, OTHER_SMALL] = [tiers({ from: usd('0.01'), factor: HALF }), tiers({ from: usd('0.02'), factor: 0n })];

const cost = async (): Promise<bigint> => usd(await ledger.value('SELECT toString(sum(cost_usd)) FROM usage_events'));

async function expectBy(world: World, agreed: Agreements, book = BEFORE): Promise<void> {
  expect(formatUsd(await cost())).toBe(formatUsd(byTiers(world.costAt(book), agreed)));
  const [row] = await ledger.clickhouse.query(
    `SELECT count() - uniqExact(source, log_partition, sequence) AS repeats, sum(unpriced) AS unpriced,
       countIf(arraySum(line_items.amount_usd) != ifNull(cost_usd, 0) AND startsWith(source, 'volume/')) AS unequal
     FROM usage_events`,
  );
  expect(row).toEqual({ repeats: '0', unpriced: String(world.unpricedAt(book)), unequal: '0' });
}

test('a month costs what its tiers say, running it again posts nothing, and what comes late is posted with what it moves', async () => {
  await using world = await openWorld(ledger, { stepMs: STEP_MS });
  await world.fill(44);
  const first = await world.volumes(FIRST, { pageRowsMax: PAGE_ROWS_MAX });
  expect(first).toMatchObject({
    posted: { source: 'volume/1', refused: 0 },
    reached: [{ document: 'acme-2026', volume: usd(world.costAt(BEFORE)) }],
  });
  await expectBy(world, FIRST);
  expect((await world.volumes(FIRST)).posted).toBeNull();

  await world.fill(66);
  expect((await world.volumes(FIRST)).posted).not.toBeNull();
  await expectBy(world, FIRST);
  await world.rerate(AFTER);
  await world.volumes(FIRST, { pageRowsMax: PAGE_ROWS_MAX });
  await expectBy(world, FIRST, AFTER);
  expect((await world.volumes(FIRST)).posted).toBeNull();
  // A re-rating does not take what was posted for volumes for its own.
  expect((await world.rerate(AFTER)).posted).toBeNull();

  const isTold = async (): Promise<boolean> =>
    (await ledger.value(
      `SELECT toString(countIf(statement_kind = 'volume') = countIf(startsWith(source, 'volume/'))) FROM corrections`,
    )) === '1';
  await waitFor(isTold, { timeoutMs: 30_000, describe: 'corrections to name their statements' });
});

test('what tenants have included is posted by tenant, and leaves what we pay as it is', async () => {
  await using world = await openWorld(ledger, { stepMs: STEP_MS });
  await world.fill(44);
  const volumeTerms: readonly VolumeTerm[] = [
    {
      models: [],
      classes: ['visible_output'],
      measure: 'tokens',
      appliesTo: 'beyond',
      steps: [
        { from: 0n, factor: 0n },
        { from: 900n, factor: ONE },
      ],
    },
  ];
  const card: RateCard = { ...ALWAYS, id: 'all', tenant: '', prices: null, basis: 'list', factor: ONE, currency: 'USD', volumeTerms };
  await world.volumes({ contracts: [], rateCards: [card], fxRates: [] });
  const rows = await ledger.clickhouse.query<{ tenant_id: string; cost: string; billable: string }>(
    `SELECT tenant_id, toString(sum(cost_usd)) AS cost, toString(sum(billable_usd)) AS billable FROM usage_events WHERE startsWith(source, 'volume/') GROUP BY tenant_id ORDER BY tenant_id`,
  );
  const free = (tenant: string): bigint => {
    let [left, saved] = [900n, 0n];
    for (const { attribution, attempts } of world.events()) {
      const served = attempts.at(-1);
      if (attribution.tenantId !== tenant || served === undefined || served.usage === null || served.servedModel === 'new') continue;
      const tokens = BigInt(served.usage.visible_output ?? 0);
      const taken = tokens < left ? tokens : left;
      left -= taken;
      saved += taken * (served.servedModel === 'small' ? 15_000_000n : 9_000_000n);
    }
    return saved;
  };
  expect(rows.map(({ tenant_id: tenant, cost: paid, billable }) => [tenant, usd(paid), usd(billable)])).toEqual([
    ['acme', 0n, -free('acme')],
    ['globex', 0n, -free('globex')],
  ]);
});

test('where a tier is of the whole month, all of it has its price once the month comes to it', async () => {
  await using world = await openWorld(ledger, { stepMs: STEP_MS });
  await world.fill(12);
  const volumeTerms = SMALL.contracts[0]?.volumeTerms.map((term): VolumeTerm => ({ ...term, appliesTo: 'whole_month' })) ?? [];
  const whole: Agreements = { ...SMALL, contracts: SMALL.contracts.map((contract) => ({ ...contract, volumeTerms })) };
  await world.volumes(whole);
  expect(await cost()).toBe(usd(world.costAt(BEFORE)) / 2n);
  expect((await world.volumes(whole)).posted).toBeNull();
});

test('results that name what they are of are counted like any event, one by one', async () => {
  await using world = await openWorld(ledger, { stepMs: STEP_MS });
  // Less than any id of an event: their corrections come behind them, and not beside.
  const submission = '00000000-0000-7000-8000-000000000000';
  await world.fill(6, (event) => ({ ...event, kind: 'import', adjustsEventId: submission }));
  for (const agreed of [OTHER_SMALL, SMALL, OTHER_SMALL]) {
    await world.volumes(agreed, { pageRowsMax: 1 });
    await expectBy(world, agreed);
  }
});

// To be killed before a send is to be killed after the one before.
test('killed after any of its sends, the next run makes it whole', { timeout: 60_000 }, async () => {
  await using world = await openWorld(ledger, { stepMs: STEP_MS });
  await world.fill(12);
  let dead = true;
  for (let send = 1; dead; send += 1) {
    const agreed = send % 2 === 1 ? SMALL : OTHER_SMALL;
    dead = await world.volumes(agreed, { dies: { send } }).then(
      () => false,
      (error: unknown) => {
        if (error instanceof Killed) return true;
        throw error;
      },
    );
    const unfinished: string[] = [];
    const again = await world.volumes(agreed, { onUnfinished: ({ source }) => unfinished.push(source) });
    if (unfinished.length > 0) expect({ send, posted: again.posted }).toEqual({ send, posted: null });
    await expectBy(world, agreed);
  }
});

test('what was fixed is posted though the agreements have become others', async () => {
  await using world = await openWorld(ledger, { stepMs: STEP_MS });
  await world.fill(44);
  // Claim, lines of both partitions, and what fixes them: then it is killed.
  await expect(world.volumes(FIRST, { dies: { send: 4 } })).rejects.toThrow(Killed);
  const before = await cost();
  const unfinished: string[] = [];
  await expect(
    world.volumes(OTHER, {
      onUnfinished: ({ source }) => unfinished.push(source),
      onDifferences: () => {
        throw new Error('stopped');
      },
    }),
  ).rejects.toThrow('stopped');
  expect(unfinished).toEqual(['volume/1']);
  expect(await cost()).not.toBe(before);
  await expectBy(world, FIRST);
  await world.volumes(OTHER);
  await expectBy(world, OTHER);
});

test('a closed period is refused where it would be corrected, unless it is opened with a reason', async () => {
  await using world = await openWorld(ledger, { stepMs: STEP_MS });
  await world.fill(44);
  const { fromMs, toMs } = world.period;
  const middle = Math.round((fromMs + toMs) / 2);
  await world.volumes(FIRST);
  // Nothing in it is to be corrected any more.
  const closedPeriods = [{ id: 'first-half', tenant: '', fromMs, toMs: middle }];
  await world.fill(66);
  expect((await world.volumes(FIRST, { closedPeriods })).posted).not.toBeNull();
  await expect(world.volumes(OTHER, { closedPeriods })).rejects.toThrow(expect.objectContaining({ code: 'PERIOD_CLOSED' }));
  await expectBy(world, FIRST);
  const facts = { by: 'ann', note: '', reopen: 'the contract was amended' };
  expect((await world.volumes(OTHER, { closedPeriods, facts })).posted).not.toBeNull();
  await expectBy(world, OTHER);
});

test('a month that raw rows have left of is not counted', async () => {
  await using world = await openWorld(ledger, { stepMs: STEP_MS });
  await world.fill(12);
  await ledger.clickhouse.command(
    `INSERT INTO usage_sealed (day, row_kind, tenant_id, retired) SELECT toDate('2026-10-01'), 'sums', 'acme', true`,
  );
  const { clickhouse } = ledger;
  const looking = volumeDifferences({ clickhouse, period: world.period, agreements: FIRST });
  await expect(looking).rejects.toThrow(expect.objectContaining({ code: 'VOLUME_UNKNOWN' }));
  await ledger.clickhouse.command('TRUNCATE TABLE usage_sealed');
});

test(
  'days that are over are posted by the writer that seals them, and what comes for one of them later is too',
  { timeout: 60_000 },
  async () => {
    await using world = await openWorld(ledger, { stepMs: 3_600_000, agreed: { agreements: OTHER, closedPeriods: [] } });
    const ratedThrough = (day: number, book: typeof BEFORE): string => {
      const rated = world.events().filter(({ occurredAtMs }) => new Date(occurredAtMs).getUTCDate() <= day);
      const costs = rated.flatMap((event) => rateEvent(event, book).ratings.map(({ cost: each }) => each ?? 0n));
      return formatUsd(costs.reduce((sum, each) => sum + each, 0n));
    };
    const costThrough = async (day: number): Promise<bigint> =>
      usd(await ledger.value(`SELECT toString(sum(cost_usd)) FROM usage_events WHERE day <= '2026-10-0${day}'`));
    const posted = (day: number, book = BEFORE) =>
      waitFor(async () => (await costThrough(day)) === byTiers(ratedThrough(day, book), OTHER), {
        timeoutMs: 30_000,
        describe: `what the tiers say of the month through day ${day}`,
      });
    await world.fill(30);
    await posted(1);
    expect(await costThrough(1)).not.toBe(usd(ratedThrough(1, BEFORE)));
    await world.fill(60);
    await posted(2);
    expect(await ledger.value(`SELECT count() FROM corrections WHERE day > '2026-10-02'`)).toBe('0');
    await world.rerate(AFTER);
    await posted(2, AFTER);
  },
);

test('a month that is closed is held, said once, and posted when it is not any more', async () => {
  await using world = await openWorld(ledger, { stepMs: STEP_MS });
  await world.fill(12);
  await ledger.clickhouse.command(`INSERT INTO usage_sealed (day, row_kind, tenant_id) SELECT toDate('2026-10-01'), 'sums', 'acme'`);
  const closed: Agreed = { agreements: SMALL, closedPeriods: [{ id: 'october', tenant: '', ...world.period }] };
  let agreed = closed;
  const told: string[] = [];
  const volumes = dailyVolumes({
    ...world,
    clickhouse: ledger.clickhouse,
    agreed: async () => agreed,
    instance: 'host/1',
    now: () => world.period.toMs,
    newId: () => String(told.length),
    onPosted: ({ through, lines }) => told.push(`${through}: ${lines > 0}`),
    onHeld: ({ code }, through) => told.push(`${through}: ${code}`),
  });
  const { signal } = new AbortController();
  expect([await volumes.look(signal), await volumes.look(signal)]).toEqual([1, 1]);
  expect(formatUsd(await cost())).toBe(world.costAt(BEFORE));
  agreed = { ...closed, closedPeriods: [] };
  expect([await volumes.look(signal), await volumes.look(signal)]).toEqual([0, 0]);
  expect(told).toEqual(['2026-10-01: PERIOD_CLOSED', '2026-10-01: true']);
  await expectBy(world, SMALL);
  await volumes.close();
  await ledger.clickhouse.command('TRUNCATE TABLE usage_sealed');
});
