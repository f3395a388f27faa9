// Amounts computed again in SQL, by the queries of docs/amounts.md, from usage and from the tables of prices and agreements that the writer keeps.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ControlDocument, watchControl } from '@tokenledger/control';
import { isRejected, type PricedEvent, type UsageEvent } from '@tokenledger/domain';
import { type EventLog, lags, openEmbeddedLog, topicNames, topicSpecs } from '@tokenledger/event-log';
import { agreedPrices, agreementsOf, createPricer, pricerConfig } from '@tokenledger/pricer';
import { parsePriceBook, type PriceBook, SHIPPED_PRICE_BOOK } from '@tokenledger/pricing';
import { monthThrough, postVolumes } from '@tokenledger/rerating';
import { createRegistry, type Role, silentLogger } from '@tokenledger/runtime';
import { encodeUsageEvent, identityHeaders } from '@tokenledger/schemas';
import { createWriter, writerConfig } from '@tokenledger/writer';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sampleEvents } from '../../bench/support/sample-events.ts';
import { type ControlTopic, controlTopic } from '../../support/control-topic.ts';
import { repositoryRoot } from '../../support/repository.ts';
import { makeTempDir } from '../../support/temp-dir.ts';
import { waitFor } from '../../support/wait-for.ts';
import { batchOf, type Ledger, openLedger, openStore, owner } from '../writer/ledger.ts';
import { correction } from '../writer/priced-events.ts';

const EVENTS = 400;
const TIMEOUT_MS = 60_000;
const STOP_MS = 10_000;
/** Half of the events come before it. */
const AGREED_AT = '2026-03-05T00:00:00.000Z';
const STEP_MS = 60_000;
const topics = topicNames('test.');

const shipped = parsePriceBook(readFileSync(SHIPPED_PRICE_BOOK, 'utf8'));
if (isRejected(shipped)) throw new Error(shipped.message);
const book: PriceBook = shipped;

const NEGOTIATED = `
sources: { page: { url: 'https://example.com', date: 2026-01-01 } }
blocks:
  - { provider: openai, source: page, effective_from: 2020-01-01, prefixes: [gpt], prices: { standard: { cache_read: ['0.01 up to 100', 0.003], output: 7 } } }
`;
const from = { effective_from: AGREED_AT };
const TIERS = [
  {
    measure: 'usd' as const,
    applies_to: 'beyond' as const,
    tiers: [
      { above: '0.01', factor: '0.9' },
      { above: '0.02', factor: '0.333333' },
    ],
  },
];
const documents: readonly ControlDocument[] = [
  { kind: 'tenant', id: 'tenant-0', name: 'Tenant' },
  {
    kind: 'contract',
    id: 'openai',
    provider: 'openai',
    ...from,
    prices: NEGOTIATED,
    discounts: [{ factor: '0.333333', classes: ['uncached_input'] }, { factor: '0.9' }],
  },
  {
    kind: 'contract',
    id: 'anthropic',
    provider: 'anthropic',
    ...from,
    discounts: [{ factor: '0.777777', models: ['Claude'] }],
    volume_tiers: TIERS,
  },
  { kind: 'rate_card', id: 'euros', tenant: 'tenant-0', ...from, basis: 'list', markup: '1.1', currency: 'EUR' },
  { kind: 'rate_card', id: 'all', ...from, basis: 'cost', markup: '1.234567', currency: 'USD' },
  { kind: 'fx_rate', id: 'eur', currency: 'EUR', per_usd: '0.876543210987', ...from, source: 'a bank' },
];

let ledger: Ledger;
let control: ControlTopic;
let log: EventLog;
const roles: Role[] = [];
const resources = new AsyncDisposableStack();

beforeAll(async () => {
  ledger = resources.use(await openLedger());
  const directory = resources.use(await makeTempDir('recomputed'));
  const opened = openEmbeddedLog({ directory: directory.path });
  log = opened;
  resources.defer(() => opened.close());
  await log.createTopics(topicSpecs(topics, { partitions: 1, retentionMs: 3_600_000 }));
  control = await controlTopic(log, topics.control, Buffer.alloc(32, 1));
  await control.put(...documents);
  const shared = () => ({ log, topics, logger: silentLogger(), metrics: createRegistry({ processMetrics: false }), priceBook: book });
  roles.push(
    createWriter({ ...shared(), config: writerConfig.parse({ flush_interval_ms: 20 }), clickhouse: ledger.clickhouse }),
    createPricer({ ...shared(), config: pricerConfig.parse({}) }),
  );
  for (const role of roles) await role.start();
  const producer = await log.producer();
  await producer.send(
    topics.usageEvents,
    0,
    events().map((event) => ({ key: 'k', value: encodeUsageEvent(event), headers: identityHeaders(event) })),
  );
  await producer.close();
  const settled = async (): Promise<boolean> => (await lags(log, topics)).every(({ records }) => records === 0);
  await waitFor(async () => (await settled()) && (await settled()), { timeoutMs: TIMEOUT_MS, describe: 'every event to be written' });
  const kept = async (): Promise<boolean> => (await ledger.value('SELECT count() FROM fx_rates')) === '1';
  await waitFor(kept, { timeoutMs: TIMEOUT_MS, describe: 'the tables of prices to be kept' });
}, TIMEOUT_MS * 2);
afterAll(async () => {
  for (const role of roles) await role.stop(STOP_MS);
  await resources.disposeAsync();
});

/** Some of two attempts, some of a model without a price, with every class that these providers bill. */
function events(): readonly UsageEvent[] {
  return sampleEvents(EVENTS).map((event, index) => {
    const [attempt] = event.attempts;
    const again =
      attempt === undefined
        ? []
        : [{ ...attempt, attemptId: `first-${index}`, ...(index % 14 === 0 ? { servedModel: 'nobody-knows' } : {}) }];
    return {
      ...event,
      source: 'ingress/one',
      sequence: index + 1,
      occurredAtMs: Date.parse(AGREED_AT) + (index - EVENTS / 2) * STEP_MS,
      attempts: index % 7 === 0 ? [...again, ...event.attempts] : event.attempts,
    };
  });
}

const page = readFileSync(join(repositoryRoot, 'docs', 'amounts.md'), 'utf8');
/** The query that begins with this comment. */
function query(name: string): string {
  const found = [...page.matchAll(/```sql\n([\s\S]*?)```/g)].map(([, sql]) => sql ?? '').find((sql) => sql.startsWith(`-- ${name}\n`));
  if (found === undefined) throw new Error(`docs/amounts.md has no query '${name}'`);
  return found;
}
const rows = (sql: string): Promise<readonly Record<string, unknown>[]> => ledger.clickhouse.query<Record<string, unknown>>(sql);

describe('the data', () => {
  test('has rows by the list alone and rows by agreements, discounted and negotiated lines, and amounts in two currencies', async () => {
    const [counts] = await rows(`
      SELECT countIf(list_cost_usd = cost_usd) > 100 AS listed, countIf(list_cost_usd != cost_usd) > 100 AS agreed, countIf(currency = 'EUR') > 10 AS euros,
        countIf(attempts_unpriced > 0 AND cost_usd IS NOT NULL) > 5 AS partly, countIf(billable_usd != cost_usd) > 100 AS billed,
        countIf(arrayExists(f -> f NOT IN (1), line_items.factor)) > 100 AS discounted,
        countIf(arrayExists(v -> v != price_version, line_items.price_version)) > 50 AS negotiated,
        uniqExactArray(line_items.part_of) > 3 AS parts
      FROM usage_events`);
    expect(counts).toEqual({ listed: 1, agreed: 1, euros: 1, partly: 1, billed: 1, discounted: 1, negotiated: 1, parts: 1 });
  });

  test('sums over lines are the amounts', async () => {
    const sum = (part: string): string =>
      `arraySum(arrayFilter((amount, part, attempt) -> position(part, '${part}') > 0 AND attempts.unpriced_reason[attempt] = '', line_items.amount_usd, line_items.part_of, line_items.attempt))`;
    const [row] = await rows(
      `SELECT countIf(cost_usd IS NOT NULL) > 300 AS known, countIf(cost_usd != ${sum('cost')} OR billable_usd != ${sum('billable')} OR list_cost_usd != ${sum('list')}) AS different FROM usage_events`,
    );
    expect(row).toEqual({ known: 1, different: '0' });
  });
});

describe('computed again', () => {
  test('the cost of every row is the one on it', async () => {
    expect(await rows(query('rederived costs'))).toEqual([]);
  });

  test('a cost that is a millionth of a millionth off is seen, and so is usage that was not charged', async () => {
    const off = query('rederived costs').replace('exact(e.cost_usd) !=', 'exact(e.cost_usd) + 1 !=');
    expect((await rows(off)).length).toBeGreaterThan(300);
    const less = query('rederived costs').replace('u.units !=', 'u.units + 1 !=');
    expect((await rows(less)).length).toBeGreaterThan(300);
  });

  test('amounts in another currency are those of the rate that the row names', async () => {
    expect(await rows(query('rederived billable amounts'))).toEqual([]);
    const off = query('rederived billable amounts').replace('e.fx_rate != f.per_usd', 'e.fx_rate = f.per_usd');
    expect((await rows(off)).length).toBeGreaterThan(10);
  });
});

describe('the tables', () => {
  test('have each version of prices as a whole', async () => {
    expect(
      await rows(
        `SELECT price_version = '${book.version}' AS shipped, count() AS entries FROM price_book GROUP BY price_version ORDER BY entries`,
      ),
    ).toEqual([
      { shipped: 0, entries: '4' },
      { shipped: 1, entries: String(book.entries.length) },
    ]);
  });

  test('have what was agreed, as it stands in the documents', async () => {
    expect(
      await rows(
        'SELECT contract, provider, discounts, volume_tiers, price_version != $$$$ AS negotiated FROM contracts ORDER BY contract',
      ),
    ).toEqual([
      {
        contract: 'anthropic',
        provider: 'anthropic',
        discounts: [{ factor: '0.777777', models: ['Claude'], classes: [] }],
        volume_tiers: [{ ...TIERS[0], models: [], classes: [] }],
        negotiated: 0,
      },
      {
        contract: 'openai',
        provider: 'openai',
        discounts: [
          { factor: '0.333333', models: [], classes: ['uncached_input'] },
          { factor: '0.9', models: [], classes: [] },
        ],
        volume_tiers: [],
        negotiated: 1,
      },
    ]);
    expect(await rows('SELECT rate_card, tenant_id, basis, markup, currency FROM rate_cards ORDER BY rate_card')).toEqual([
      { rate_card: 'all', tenant_id: '', basis: 'cost', markup: '1.234567', currency: 'USD' },
      { rate_card: 'euros', tenant_id: 'tenant-0', basis: 'list', markup: '1.1', currency: 'EUR' },
    ]);
    expect(await rows('SELECT fx_rate_id, currency, per_usd, effective_from, fx_source FROM fx_rates')).toEqual([
      { fx_rate_id: 'eur', currency: 'EUR', per_usd: '0.876543210987', effective_from: AGREED_AT, fx_source: 'a bank' },
    ]);
  });

  test('follow what is changed and taken back before it holds', async () => {
    const later = {
      kind: 'fx_rate',
      id: 'gbp',
      currency: 'GBP',
      per_usd: '0.7',
      effective_from: '2099-01-01T00:00:00.000Z',
      source: 'x',
    } as const;
    const rate = async (): Promise<string> => ledger.value(`SELECT toString(groupArray(per_usd)) FROM fx_rates WHERE currency = 'GBP'`);
    for (const [change, expected] of [
      [() => control.put(later), '[0.7]'],
      [() => control.put({ ...later, per_usd: '0.8' }), '[0.8]'],
      [() => control.remove('fx_rate', 'gbp'), '[]'],
    ] as const) {
      await change();
      await waitFor(async () => (await rate()) === expected, { timeoutMs: TIMEOUT_MS, describe: `the table to have ${expected}` });
    }
  });
});

const focus = readFileSync(join(repositoryRoot, 'docs', 'focus.md'), 'utf8');
const [charges = ''] = [...focus.matchAll(/```sql\n(-- focus charges of providers\n[\s\S]*?)```/g)].map(([, sql]) => sql ?? '');

describe('charges as FOCUS wants them', () => {
  test('add up to what the ledger says, and each to its quantity at its price', async () => {
    const [ours] = await rows(`SELECT sum(cost_usd) AS paid, sum(list_cost_usd) AS listed FROM usage_events`);
    const [theirs] = await rows(
      `SELECT sum(BilledCost) AS paid, sum(ListCost) AS listed, countIf(abs(toFloat64(ContractedCost) - PricingQuantity * toFloat64(ContractedUnitPrice)) > 1e-9) AS wrong, countIf(ContractedUnitPrice IS NOT NULL) > 100 AS priced FROM (${charges})`,
    );
    expect(theirs).toEqual({ ...ours, wrong: '0', priced: 1 });
  });

  test('mark what corrects a month that is over, and nothing else', async () => {
    const { store } = openStore(ledger.clickhouse);
    await store.takeOver(owner(1));
    const monthLater = (priced: PricedEvent): PricedEvent => ({
      ...priced,
      event: { ...priced.event, recordedAtMs: priced.event.occurredAtMs + 31 * 86_400_000, sequence: priced.event.sequence + 1_000 },
    });
    await store.write(owner(1), batchOf([correction(1), monthLater(correction(2))]));
    const found = await rows(
      `SELECT ChargeClass, toString(toDate(BillingPeriodStart)) AS billed, toString(toDate(ChargePeriodStart)) AS charged, BilledCost FROM (${charges}) WHERE BilledCost < 0 ORDER BY billed`,
    );
    expect(found).toEqual([
      { ChargeClass: null, billed: '2025-11-01', charged: '2025-11-01', BilledCost: '-0.005' },
      { ChargeClass: 'Correction', billed: '2025-12-01', charged: '2025-11-01', BilledCost: '-0.005' },
    ]);
  });
});

describe('a month by its volume', () => {
  test('comes to what the tiers of the contract make of its total, is no correction of an invoice, and adds up in FOCUS', async () => {
    const watch = await watchControl({ log, topic: topics.control });
    const agreements = agreementsOf(watch.documents(), agreedPrices());
    await watch.close();
    const producer = await log.producer();
    const settled = async (): Promise<boolean> => (await lags(log, topics)).every(({ records }) => records === 0);
    const { posted } = await postVolumes({
      log,
      topics,
      clickhouse: ledger.clickhouse,
      producer,
      agreements,
      period: monthThrough('2026-03-05') as { fromMs: number; toMs: number },
      source: 'volume/1',
      nowMs: Date.parse('2026-04-01T01:00:00Z'),
      facts: { by: 'ann', note: '', reopen: '' },
      closedPeriods: [],
      instance: 'host/1',
      written: async () => void (await waitFor(settled, { timeoutMs: TIMEOUT_MS, describe: 'every correction to be written' })),
      onUnfinished: () => {},
      onDifferences: () => {},
    });
    await producer.close();
    const lines = posted?.lines ?? 0;
    expect(lines).toBeGreaterThan(20);
    const [sum] = await rows(
      `SELECT contract, posted_usd < 0 AS lowers, abs(toDecimal256(posted_usd, 24) - owed_usd) < ${lines * 4} * toDecimal256('0.000000000001', 24) AS exact FROM (${query('tiers by volume')})`,
    );
    expect(sum).toEqual({ contract: 'anthropic', lowers: 1, exact: 1 });
    const [ours] = await rows(`SELECT sum(cost_usd) AS paid FROM usage_events`);
    const [theirs] = await rows(
      `SELECT sum(BilledCost) AS paid, countIf(ChargeClass = 'Correction' AND x_ContractId = 'anthropic') AS marked FROM (${charges})`,
    );
    expect(theirs).toEqual({ ...ours, marked: '0' });
  });
});
