/** What has no price shows up by model, since when and how much, until a correction gives it one. */
import { plainRating, type PricedEvent, type UnpricedReason } from '@tokenledger/domain';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { batchOf, type Ledger, openLedger, openStore, owner } from './ledger.ts';
import { pricedEvent } from './priced-events.ts';

/** Not forwarded: every seventh; without usage: every eleventh; tried twice: every fifth; with an estimate only: every seventeenth. */
const NUMBERS = [1, 2, 3, 4, 6];

let ledger: Ledger;
let epoch = 0;
beforeAll(async () => {
  ledger = await openLedger();
});
afterAll(() => ledger[Symbol.asyncDispose]());
beforeEach(() => ledger.empty());

test('one row for each model that has no price', async () => {
  await write(NUMBERS.map((number) => (number === 4 ? pricedEvent(number) : unpricedEvent(number))));
  const rows = await ledger.clickhouse.query(
    'SELECT provider, model, service_tier, region, reason, events, attempts, input_tokens, output_tokens, candidates FROM unpriced ORDER BY provider, model',
  );
  const common = { service_tier: 'default', region: 'eu', reason: 'model_unknown', events: '1', attempts: '1' };
  const candidates = ['anthropic/large'];
  expect(rows).toEqual([
    { ...common, provider: 'anthropic', model: 'large-1', input_tokens: '111', output_tokens: '21', candidates },
    { ...common, provider: 'anthropic', model: 'small-1', input_tokens: '113', output_tokens: '20', candidates },
    { ...common, provider: 'openai', model: 'large-2', input_tokens: '112', output_tokens: '22', candidates },
    { ...common, provider: 'openai', model: 'small-1', input_tokens: '116', output_tokens: '20', candidates },
  ]);
});

test('since when, and how much in all', async () => {
  const events = [1, 13, 19, 31].map((number) => unpricedEvent(number));
  await write(events);
  const [row, ...others] = await ledger.clickhouse.query<Record<string, unknown>>(
    'SELECT model, events, tenants, input_tokens, toUnixTimestamp64Milli(since) AS since, toUnixTimestamp64Milli(until) AS until FROM unpriced',
  );
  expect(others).toEqual([]);
  const times = events.map(({ event }) => String(event.occurredAtMs));
  expect(row).toMatchObject({ model: 'large-1', events: '4', tenants: '1', since: times[0], until: times[3] });
  expect(Number(row?.['input_tokens'])).toBe(4 * 110 + 1 + 13 + 19 + 31);
});

test('what is priced later leaves, and is back when that is taken away again', async () => {
  const models = async (): Promise<readonly string[]> =>
    (await ledger.clickhouse.query<{ model: string }>('SELECT model FROM unpriced ORDER BY model')).map(({ model }) => model);
  await write([unpricedEvent(1), unpricedEvent(2)]);
  expect(await models()).toEqual(['large-1', 'large-2']);
  await write([correctionOf(unpricedEvent(1), 1, 5_000n, 'repriced')]);
  expect(await models()).toEqual(['large-2']);
  await write([correctionOf(unpricedEvent(1), 2, -5_000n, 'price_missing')]);
  expect(await models()).toEqual(['large-1', 'large-2']);
  expect(await ledger.value(`SELECT reason FROM unpriced WHERE model = 'large-1'`)).toBe('price_missing');
});

test('what has no usage, or was never forwarded, wants no price', async () => {
  await write([pricedEvent(7), pricedEvent(11), pricedEvent(10)]);
  expect(await ledger.value('SELECT count() FROM unpriced')).toBe('0');
});

async function write(events: readonly PricedEvent[]): Promise<void> {
  const { store } = openStore(ledger.clickhouse);
  const owned = owner((epoch += 1));
  await store.takeOver(owned);
  await store.write(owned, batchOf(events));
}

function unpricedEvent(number: number): PricedEvent {
  const priced = pricedEvent(number);
  const rating = plainRating({ cost: null, unpricedReason: 'model_unknown', lineItems: [], candidates: ['anthropic/large'] });
  return { ...priced, billing: null, ratings: priced.ratings.map(() => rating) };
}

function correctionOf({ event, priceVersion }: PricedEvent, sequence: number, cost: bigint, unpricedReason: string): PricedEvent {
  const adjustment = {
    ...event,
    eventId: `00000000-0000-7000-8000-00000000000${sequence}`,
    source: 'rerate/1',
    sequence,
    kind: 'rerate',
    adjustsEventId: event.eventId,
    recordedAtMs: event.recordedAtMs + sequence * 1000,
  } as const;
  const rating = plainRating({ cost, unpricedReason: unpricedReason as UnpricedReason, lineItems: [] });
  return { event: adjustment, priceVersion, ratings: event.attempts.map(() => rating), avoidedCost: null, billing: null };
}
