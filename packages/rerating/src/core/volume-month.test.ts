import { checkUsageEvent, ONE, parseUsd, type PicoUsd, type PricedEvent } from '@tokenledger/domain';
import {
  type Agreements,
  agreedSchedule,
  type Contract,
  type PriceBook,
  type RateCard,
  rateEvent,
  type VolumeTerm,
} from '@tokenledger/pricing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { adjustment, corrections } from './adjustment.ts';
import { FIRST_BOOK, sampleEvent, SECOND_BOOK } from './sample-books.ts';
import { rowOf } from './sample-rows.ts';
import { volumeMonth, type VolumeReached } from './volume-month.ts';
import { volumeEvents, type VolumeRow } from './volume-rows.ts';

const ALWAYS = { effectiveFromMs: 0, effectiveToMs: null, activatesAtMs: 0 } as const;
const contractOf = (...volumeTerms: readonly VolumeTerm[]): Contract => ({
  ...ALWAYS,
  id: 'acme-2026',
  provider: 'acme',
  channels: null,
  prices: null,
  discounts: [{ models: ['mid'], classes: [], factor: usd('0.75') }],
  volumeTerms,
});
const cardOf = (change: Partial<RateCard>): RateCard => ({
  ...ALWAYS,
  id: 'card',
  tenant: '',
  prices: null,
  basis: 'list',
  factor: usd('1.5'),
  currency: 'USD',
  volumeTerms: [],
  ...change,
});
const term = (change: Partial<VolumeTerm>): VolumeTerm => ({
  models: [],
  classes: [],
  measure: 'tokens',
  appliesTo: 'beyond',
  steps: [],
  ...change,
});
const agreements = (change: Partial<Agreements>): Agreements => ({ contracts: [], rateCards: [], fxRates: [], ...change });

function usd(text: string): bigint {
  const amount = parseUsd(text);
  if (typeof amount !== 'bigint') throw new Error(amount.message);
  return amount;
}

interface Sample {
  readonly number: number;
  readonly model: 'small' | 'mid' | 'nobody';
  readonly input: number;
  readonly output: number;
}

/** The rows of a ledger, and what is done to it. */
class Ledger {
  readonly rows: VolumeRow[] = [];
  readonly agreed: Agreements;
  #statements = 0;

  constructor(agreed: Agreements) {
    this.agreed = agreed;
  }

  /** Events are rated as they stream: without what depends on volumes. */
  add(samples: readonly Sample[], book: PriceBook = FIRST_BOOK): this {
    for (const { number, model, input, output } of samples) {
      const event = sampleEvent(number, [{ model, tokens: { input, cached: 0, output } }]);
      this.#push(rateEvent(event, book, agreedSchedule(this.agreed)), false);
    }
    return this;
  }

  /** Gives how many corrections were posted. */
  post(throughNumber = Infinity): number {
    this.#statements += 1;
    const found = this.#owed(throughNumber).changes;
    for (const [index, { rated, change }] of found.entries()) {
      const identity = { source: `volume/${this.#statements}`, sequence: index + 1, recordedAtMs: 2e12 + this.#statements };
      const priced = adjustment(rated, change, identity);
      const refused = checkUsageEvent(priced.event);
      if (refused !== null) throw new Error(refused.message);
      this.#push(priced, true);
    }
    return found.length;
  }

  rerate(book: PriceBook): void {
    this.#statements += 1;
    for (const { rated } of this.#events()) {
      for (const change of corrections(rated, rateEvent(rated.event, book, agreedSchedule(this.agreed)))) {
        const identity = { source: `rerate/${this.#statements}`, sequence: 1, recordedAtMs: 2e12 + this.#statements };
        this.#push(adjustment(rated, change, identity), false);
      }
    }
  }

  reached(): readonly VolumeReached[] {
    return this.#owed(Infinity).reached;
  }

  /** What was posted for volumes, by event. */
  posted(): ReadonlyMap<string, Readonly<Record<'cost' | 'billable' | 'billed', bigint>>> {
    return new Map(
      this.#events().flatMap(({ rated, posted }) => {
        const sum = (name: 'cost' | 'billable'): bigint =>
          posted.attempts.reduce((total, { amounts }) => total + (amounts[name] ?? 0n), 0n);
        const amounts = { cost: sum('cost'), billable: sum('billable'), billed: [...posted.billed.values()].reduce((a, b) => a + b, 0n) };
        return amounts.cost === 0n && amounts.billable === 0n ? [] : [[rated.event.eventId, amounts] as const];
      }),
    );
  }

  total(name: 'cost' | 'billable' | 'billed'): PicoUsd {
    return [...this.posted().values()].reduce((sum, amounts) => sum + amounts[name], 0n);
  }

  #events() {
    const key = ({ event }: VolumeRow): string => (event.kind === 'rerate' ? event.adjustsEventId : event.eventId);
    const ordered = this.rows.toSorted(
      (a, b) => a.event.occurredAtMs - b.event.occurredAtMs || (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0),
    );
    return volumeEvents(ordered);
  }

  #owed(throughNumber: number) {
    const schedule = agreedSchedule(this.agreed, 'effective');
    const inTime = this.#events().filter(({ rated }) => rated.event.sequence <= throughNumber);
    const whole = volumeMonth(schedule);
    for (const { rated, priceVersion } of inTime) whole.owed(rated, priceVersion);
    const month = volumeMonth(schedule, whole.reached());
    const changes = inTime.flatMap(({ rated, posted, priceVersion }) =>
      corrections(posted, month.owed(rated, priceVersion)).map((change) => ({ rated, change })),
    );
    return { changes, reached: month.reached() };
  }

  #push(priced: PricedEvent, isVolume: boolean): void {
    this.rows.push({ ...rowOf(priced), priceVersion: priced.priceVersion, isVolume });
  }
}

const STEPS = [
  { from: 1_000n, factor: usd('0.9') },
  { from: 1_500n, factor: usd('0.5') },
];
const ofTokens = agreements({ contracts: [contractOf(term({ steps: STEPS }))] });
const small = (number: number, input: number, output = 0): Sample => ({ number, model: 'small', input, output });

test('what is beyond a tier costs its part, also within one line', () => {
  const ledger = new Ledger(ofTokens).add([small(1, 900), small(2, 300), small(3, 400)]);
  expect(ledger.post()).toBe(2);
  // 3 USD a million: of the second 200 tokens lie beyond 1,000, of the third 100 beyond 1,500.
  const costs = [...ledger.posted().values()].map(({ cost }) => cost);
  expect(costs).toEqual([-(200n * 3_000_000n) / 10n, -(300n * 3_000_000n) / 10n - (100n * 3_000_000n) / 2n]);
  expect(ledger.total('billable')).toBe(0n);
  expect(ledger.reached()).toEqual([{ kind: 'contract', document: 'acme-2026', tenant: '', term: 0, measure: 'tokens', volume: 1_600n }]);
});

test('a correction says what it takes back and what holds now, and nothing that changes no quantity', () => {
  const ledger = new Ledger(ofTokens).add([small(1, 900), small(2, 300)]);
  ledger.post();
  const lines = ledger.rows
    .at(-1)
    ?.attempts[0]?.lines.map(({ usageClass, quantity, amount, factor, partOf }) => ({ usageClass, quantity, amount, factor, partOf }));
  expect(lines).toEqual([
    { usageClass: 'uncached_input', quantity: -200, amount: -600_000_000n, factor: ONE, partOf: 'cost' },
    { usageClass: 'uncached_input', quantity: 200, amount: 540_000_000n, factor: usd('0.9'), partOf: 'cost' },
  ]);
});

test('an allowance is free for each tenant by itself, and what the tenant pays in its currency follows', () => {
  const fx = { ...ALWAYS, id: 'eur', currency: 'EUR', perUsd: usd('0.5'), source: 'a bank' };
  const included = term({
    steps: [
      { from: 0n, factor: 0n },
      { from: 100n, factor: ONE },
    ],
  });
  const ledger = new Ledger(agreements({ rateCards: [cardOf({ currency: 'EUR', volumeTerms: [included] })], fxRates: [fx] }));
  ledger.add([small(1, 80), small(2, 80), small(3, 50), small(4, 80)]);
  expect(ledger.post()).toBe(3);
  // 4.50 USD a million after the markup: acme has 80 and 20 free, globex 50.
  expect([...ledger.posted().values()]).toEqual(
    [80n, 20n, 50n].map((tokens) => ({ cost: 0n, billable: -tokens * 4_500_000n, billed: -tokens * 2_250_000n })),
  );
  expect(ledger.reached().map(({ tenant, volume }) => [tenant, volume])).toEqual([
    ['acme', 240n],
    ['globex', 50n],
  ]);
});

test('a month that comes to a tier has its price as a whole, also what came before', () => {
  const ledger = new Ledger(agreements({ contracts: [contractOf(term({ appliesTo: 'whole_month', steps: STEPS }))] }));
  ledger.add([small(1, 900), small(2, 100)]);
  expect(ledger.post()).toBe(0);
  ledger.add([small(3, 1)]);
  expect(ledger.post()).toBe(3);
  expect(ledger.total('cost')).toBe(-(1_001n * 3_000_000n) / 10n);
  ledger.add([small(4, 999)]);
  expect(ledger.post()).toBe(4);
  expect(ledger.total('cost')).toBe(-(2_000n * 3_000_000n) / 2n);
});

describe('what is counted', () => {
  const of = (change: Partial<VolumeTerm>) =>
    new Ledger(agreements({ contracts: [contractOf(term({ steps: [{ from: 100n, factor: 0n }], ...change }))] }));
  test.each<readonly [string, Partial<VolumeTerm>, bigint]>([
    ['everything', {}, 400n],
    ['models that begin so', { models: ['SM'] }, 300n],
    ['classes', { classes: ['visible_output'] }, 150n],
    ['models and classes', { models: ['mid'], classes: ['visible_output'] }, 50n],
  ])('is %s', (_, change, volume) => {
    const ledger = of(change).add([small(1, 200, 100), { number: 2, model: 'mid', input: 50, output: 50 }]);
    expect(ledger.reached().map((each) => each.volume)).toEqual([volume]);
  });

  test('is nothing of what has no price, until it has one', () => {
    const ledger = of({}).add([small(1, 200), { number: 2, model: 'nobody', input: 50, output: 50 }]);
    expect(ledger.reached()).toMatchObject([{ volume: 200n }]);
    expect(ledger.post()).toBe(1);
  });

  test('is what it costs, where a term counts USD: the discount before it included', () => {
    const ledger = of({ measure: 'usd' }).add([{ number: 1, model: 'mid', input: 400, output: 0 }]);
    expect(ledger.reached()).toMatchObject([{ volume: 300_000_000n }]);
  });
});

const samples = fc
  .array(
    fc.record({
      model: fc.constantFrom('small' as const, 'mid' as const, 'nobody' as const),
      input: fc.integer({ min: 0, max: 250 }),
      output: fc.integer({ min: 0, max: 250 }),
    }),
    { minLength: 1, maxLength: 14 },
  )
  .map((all) => all.map((sample, index): Sample => ({ ...sample, number: index + 1 })));
const factor = fc.integer({ min: 0, max: 150 }).map((hundredths) => usd((hundredths / 100).toFixed(2)));
const steps = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 400 }), factor), { minLength: 1, maxLength: 4 })
  .map((all) =>
    all.map(([, each], index) => ({ from: BigInt(all.slice(0, index + 1).reduce((sum, [width]) => sum + width, 0)), factor: each })),
  );
/** In terms of USD, one token of `small` in is a step of one. */
const scaled = (all: VolumeTerm['steps']): VolumeTerm['steps'] => all.map((step) => ({ ...step, from: step.from * 3_000_000n }));

test('tokens cost what they cost one by one', () => {
  fc.assert(
    fc.property(samples, steps, (all, tiers) => {
      const ledger = new Ledger(agreements({ contracts: [contractOf(term({ steps: tiers }))] })).add(all);
      ledger.post();
      let [token, owed] = [0n, 0n];
      for (const { model, input, output } of all) {
        if (model === 'nobody') continue;
        const [inPrice, outPrice] = model === 'small' ? [3_000_000n, 15_000_000n] : [750_000n, 1_500_000n];
        for (let count = 0; count < input + output; count += 1) {
          const price = count < input ? inPrice : outPrice;
          const now = tiers.findLast(({ from }) => from <= token)?.factor ?? ONE;
          owed += (price * now) / ONE - price;
          token += 1n;
        }
      }
      expect(ledger.total('cost')).toBe(owed);
    }),
  );
});

test('USD cost by tiers what the whole month costs by tiers', () => {
  fc.assert(
    fc.property(samples, steps, (all, tiers) => {
      const inUsd = scaled(tiers);
      const ledger = new Ledger(agreements({ contracts: [contractOf(term({ measure: 'usd', steps: inUsd }))] })).add(all);
      ledger.post();
      const volume = ledger.reached()[0]?.volume ?? 0n;
      let owed = 0n;
      for (const [index, { from, factor: each }] of inUsd.entries()) {
        const to = inUsd[index + 1]?.from ?? volume;
        const within = (to < volume ? to : volume) - from;
        if (within > 0n) owed += (within * (each - ONE)) / ONE;
      }
      expect(ledger.total('cost')).toBe(owed);
    }),
  );
});

const measured = fc
  .tuple(fc.constantFrom('usd' as const, 'tokens' as const), fc.constantFrom('beyond' as const, 'whole_month' as const), steps)
  .map(([measure, appliesTo, all]) => term({ measure, appliesTo, steps: measure === 'usd' ? scaled(all) : all }));
const agreed = fc
  .tuple(measured, measured)
  .map(([ours, theirs]) => agreements({ contracts: [contractOf(ours)], rateCards: [cardOf({ volumeTerms: [theirs] })] }));

test('days that are split anyhow come to the month at once, and running again posts nothing', () => {
  fc.assert(
    fc.property(samples, agreed, fc.array(fc.nat({ max: 14 }), { maxLength: 4 }), (all, terms, ends) => {
      const [once, daily] = [new Ledger(terms).add(all), new Ledger(terms)];
      once.post();
      let from = 0;
      for (const end of [...ends, all.length].toSorted((a, b) => a - b)) {
        daily.add(all.slice(from, end));
        from = Math.max(from, end);
        daily.post(end);
        expect(daily.post(end)).toBe(0);
      }
      expect(daily.posted()).toEqual(once.posted());
    }),
  );
});

test('late events and new prices correct what was posted to what they would have given at first', () => {
  fc.assert(
    fc.property(samples, agreed, fc.func(fc.boolean()), (all, terms, isLate) => {
      const [once, later] = [new Ledger(terms).add(all), new Ledger(terms).add(all.filter(({ number }) => !isLate(number)))];
      once.rerate(SECOND_BOOK);
      once.post();
      later.post();
      later.add(all.filter(({ number }) => isLate(number)));
      later.post();
      later.rerate(SECOND_BOOK);
      later.post();
      expect(later.posted()).toEqual(once.posted());
      expect(later.post()).toBe(0);
    }),
  );
});

test('every correction sums to its lines, whatever they are cut to', () => {
  // Prices that do not come out even.
  const odd = [
    { from: 7n, factor: usd('0.333333') },
    { from: 11n, factor: usd('0.666667') },
  ];
  fc.assert(
    fc.property(samples, fc.constantFrom('usd' as const, 'tokens' as const), (all, measure) => {
      const terms = agreements({
        contracts: [contractOf(term({ measure, steps: odd }))],
        rateCards: [cardOf({ volumeTerms: [term({ measure, steps: odd })] })],
      });
      const ledger = new Ledger(terms).add(all, SECOND_BOOK);
      ledger.post();
      for (const row of ledger.rows.filter(({ isVolume }) => isVolume)) {
        for (const { amounts, lines } of row.attempts) {
          for (const name of ['list', 'cost', 'billable'] as const) {
            const own = lines.filter(({ partOf }) => partOf.split(',').includes(name));
            expect(own.reduce((sum, { amount }) => sum + amount, 0n)).toBe(amounts[name].value);
            expect(own.reduce((sum, { quantity }) => sum + quantity, 0)).toBe(0);
          }
        }
      }
    }),
  );
});
