// Price books that control activates: each event by the book of its own time, and no event while activations may be unknown.
import { readFileSync } from 'node:fs';
import { AppError, isRejected, type PricedEvent, type UsageEvent } from '@tokenledger/domain';
import { type EventLog, openEmbeddedLog, type Reader, topicNames, topicSpecs } from '@tokenledger/event-log';
import { createPricer, pricerConfig } from '@tokenledger/pricer';
import { parsePriceBook, SHIPPED_PRICE_BOOK } from '@tokenledger/pricing';
import { createRegistry, type Role, silentLogger } from '@tokenledger/runtime';
import { decodeRecord, encodeUsageEvent, identityHeaders } from '@tokenledger/schemas';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sampleEvents } from '../../bench/support/sample-events.ts';
import { controlTopic } from '../../support/control-topic.ts';
import { makeTempDir, type TempDir } from '../../support/temp-dir.ts';
import { waitFor } from '../../support/wait-for.ts';

const TIMEOUT_MS = 60_000;
const STOP_MS = 5_000;
const ACTIVATES_AT = '2026-12-01T00:00:00.000Z';
const ACTIVATES_MS = Date.parse(ACTIVATES_AT);
const topics = topicNames('test.');
const shipped = readFileSync(SHIPPED_PRICE_BOOK, 'utf8');
const winter = shipped.replaceAll('input: 3,', 'input: 6,');

function bookOf(text: string) {
  const book = parsePriceBook(text);
  if (isRejected(book)) throw new Error(book.message);
  return book;
}
const [first, second] = [bookOf(shipped), bookOf(winter)];
const [sample] = sampleEvents(1);

let directory: TempDir;
let log: EventLog;
beforeEach(async () => {
  directory = await makeTempDir('price-books');
  log = openEmbeddedLog({ directory: directory.path });
  await log.createTopics(topicSpecs(topics, { partitions: 1, retentionMs: 3_600_000 }));
});
afterEach(async () => {
  await log.close();
  await directory[Symbol.asyncDispose]();
});

const pricerOn = (given: EventLog, metrics = createRegistry({ processMetrics: false })): Role =>
  createPricer({
    log: given,
    topics,
    config: pricerConfig.parse({ prices_behind_ms_max: 1000 }),
    priceBook: first,
    logger: silentLogger(),
    metrics,
  });

/** Events that were served at these times, numbered from `from`. */
async function publish(from: number, times: readonly number[]): Promise<void> {
  const producer = await log.producer();
  const events = times.map((occurredAtMs, index): UsageEvent => ({ ...(sample as UsageEvent), sequence: from + index, occurredAtMs }));
  await producer.send(
    topics.usageEvents,
    0,
    events.map((event) => ({ key: 'k', value: encodeUsageEvent(event), headers: identityHeaders(event) })),
  );
  await producer.close();
}

/** Versions by which the first `count` events were priced. */
async function versions(count: number): Promise<readonly string[]> {
  return (await pricedEvents(count)).map(({ priceVersion }) => priceVersion);
}

async function pricedEvents(count: number): Promise<readonly PricedEvent[]> {
  const reader = await log.reader({ topic: topics.usagePriced, partition: 0, from: 'start' });
  const found: PricedEvent[] = [];
  try {
    await waitFor(
      async () => {
        for (const { value } of await reader.poll({ recordsMax: 100, bytesMax: 1_000_000, waitMs: 20 })) {
          const decoded = decodeRecord(value ?? new Uint8Array(0));
          if (isRejected(decoded) || decoded.kind !== 'priced') throw new Error('an event was not priced');
          found.push(decoded.priced);
        }
        return found.length >= count;
      },
      { timeoutMs: TIMEOUT_MS, describe: () => `${count} priced events; there are ${found.length}` },
    );
  } finally {
    await reader.close();
  }
  return found;
}

test('an event is priced by the book that was in force when it was served, whether the activation came before the start or after', async () => {
  const control = await controlTopic(log, topics.control, Buffer.alloc(32, 1));
  const role = pricerOn(log);
  await role.start();
  await publish(1, [ACTIVATES_MS, ACTIVATES_MS - 1]);
  expect(await versions(2)).toEqual([first.version, first.version]);
  await control.put(
    { kind: 'price_book', id: 'winter', text: winter },
    { kind: 'price_book_activation', id: 'december', price_book: 'winter', activates_at: ACTIVATES_AT },
  );
  await role.stop(STOP_MS);

  const again = pricerOn(log);
  await again.start();
  await publish(3, [ACTIVATES_MS - 1, ACTIVATES_MS, ACTIVATES_MS + 1, ACTIVATES_MS - 1]);
  expect((await versions(6)).slice(2)).toEqual([first.version, second.version, second.version, first.version]);
  await control.put({ kind: 'price_book_activation', id: 'january', price_book: 'winter', activates_at: '2026-11-30T00:00:00.000Z' });
  const sent = await waitFor(
    async () => {
      const count = (await versions(6)).length;
      await publish(count + 1, [ACTIVATES_MS - 1]);
      const seen = await versions(count + 1);
      return seen.at(-1) === second.version ? seen.length : 0;
    },
    { timeoutMs: TIMEOUT_MS, describe: 'an activation that came while the pricer ran' },
  );
  expect(sent).toBeGreaterThan(6);
  await again.stop(STOP_MS);
});

test('what was agreed holds from its own instant on: the contract with the provider, the rate card of the tenant, the rate of exchange', async () => {
  const control = await controlTopic(log, topics.control, Buffer.alloc(32, 1));
  const { provider } = (sample as UsageEvent).attempts[0] as UsageEvent['attempts'][number];
  const { tenantId } = (sample as UsageEvent).attribution;
  await control.put(
    { kind: 'tenant', id: tenantId, name: 'Tenant' },
    { kind: 'contract', id: 'half', provider, effective_from: ACTIVATES_AT, discounts: [{ factor: '0.5' }] },
    { kind: 'rate_card', id: 'card', tenant: tenantId, effective_from: ACTIVATES_AT, basis: 'list', markup: '1.2', currency: 'EUR' },
    { kind: 'fx_rate', id: 'eur', currency: 'EUR', per_usd: '0.5', effective_from: ACTIVATES_AT, source: 'a bank' },
  );
  const role = pricerOn(log);
  await role.start();
  await publish(1, [ACTIVATES_MS - 1, ACTIVATES_MS]);
  const [before, after] = (await pricedEvents(2)) as [PricedEvent, PricedEvent];
  await role.stop(STOP_MS);
  const list = before.ratings.reduce((sum, { cost }) => sum + (cost ?? 0n), 0n);
  expect(list).toBeGreaterThan(0n);
  expect(before).toMatchObject({ billing: null, ratings: before.ratings.map(() => ({ agreed: null })) });
  expect(after.ratings.map(({ agreed }) => [agreed?.contract, agreed?.list])).toEqual(before.ratings.map(({ cost }) => ['half', cost]));
  expect(after.billing).toMatchObject({ rateCard: 'card', currency: 'EUR', fxRateId: 'eur', fxSource: 'a bank' });
  // Lines are rounded one by one.
  const near = (amount: bigint, exact: bigint): boolean => (amount - exact) ** 2n <= 400n;
  const [cost, billable] = [after.ratings.map(({ cost: paid }) => paid), after.ratings.map(({ agreed }) => agreed?.billable)].map(
    (amounts) => amounts.reduce<bigint>((sum, amount) => sum + (amount ?? 0n), 0n),
  ) as [bigint, bigint];
  expect([near(cost, list / 2n), near(billable, (list * 6n) / 5n)]).toEqual([true, true]);
  expect((after.billing?.amount ?? 0n) * 2n - billable).toBeLessThanOrEqual(1n);
});

test('while the control topic cannot be read no event is priced, /readyz says why, and it goes on by itself', async () => {
  await controlTopic(log, topics.control, Buffer.alloc(32, 1));
  const away = { now: false };
  const metrics = createRegistry({ processMetrics: false });
  const role = pricerOn(withoutControl(log, away), metrics);
  await role.start();
  away.now = true;
  await waitFor(() => role.state().status === 'degraded', { timeoutMs: TIMEOUT_MS, describe: 'the pricer to say that it waits' });
  expect(role.state().detail).toContain('the control topic was last read to its end');
  await publish(1, [ACTIVATES_MS]);
  const refused = async (): Promise<boolean> => /\ntokenledger_pricer_retries_total [1-9]/.test(await metrics.metrics());
  await waitFor(refused, { timeoutMs: TIMEOUT_MS, describe: 'the event to be refused for now' });
  const priced = await log.reader({ topic: topics.usagePriced, partition: 0, from: 'start' });
  expect((await priced.range()).end).toBe(0);
  await priced.close();
  away.now = false;
  expect(await versions(1)).toEqual([first.version]);
  await waitFor(() => role.state().status === 'ready', { timeoutMs: TIMEOUT_MS, describe: 'the pricer to be ready again' });
  await role.stop(STOP_MS);
});

/** The log, with a control topic that cannot be read while `away.now`. */
function withoutControl(given: EventLog, away: { readonly now: boolean }): EventLog {
  const reader = async (options: Parameters<EventLog['reader']>[0]): Promise<Reader> => {
    const real = await given.reader(options);
    if (options.topic !== topics.control) return real;
    return {
      range: () => real.range(),
      close: () => real.close(),
      poll: (limits) =>
        away.now ? Promise.reject(new AppError('LOG_UNAVAILABLE', 'the log is away', { retryable: true })) : real.poll(limits),
    };
  };
  return new Proxy(given, { get: (target, name) => (name === 'reader' ? reader : Reflect.get(target, name)) });
}
