import { type ChargedClass, isRejected, type Rejected } from '@tokenledger/domain';
import { describe, expect, test } from 'vitest';
import type { PriceQuestion } from './model-prices.ts';
import { checkPriceBook, parsePriceBook, type PriceBook } from './price-book.ts';

const DAY_MS = 86_400_000;
const JANUARY_MS = Date.parse('2026-01-01');

const SOURCES = `
sources:
  page: { url: 'https://example.com/prices', date: 2026-01-02 }
`;
const block = (text: string): string => `${SOURCES}blocks:\n  - provider: p\n    source: page\n    effective_from: 2026-01-01\n${text}`;
const SIMPLE = block(`    models: [m]\n    prices: { standard: { input: 3, output: 15 } }\n`);

function bookOf(text: string): PriceBook {
  const book = parsePriceBook(text);
  if (isRejected(book)) throw new Error(book.message);
  return book;
}

const rejection = (text: string): Rejected => {
  const book = parsePriceBook(text);
  if (isRejected(book)) return book;
  throw new Error('the book was accepted');
};

const question: PriceQuestion = { usageClass: 'uncached_input', serviceTier: 'standard', region: '', atMs: JANUARY_MS, inputTokens: 10 };
const priceAt = (book: PriceBook, model: string, change: Partial<PriceQuestion> = {}): bigint | undefined =>
  book.pricesOf('p', model)?.priceOf({ ...question, ...change })?.price;

describe('a price', () => {
  test('is the text that was written, exactly, however a float would round it', () => {
    const book = bookOf(
      block(`    models: [m]\n    prices: { standard: { input: 0.1, output: 0.300, cache_read: 0.000000000001, images: 10 per 1000 } }\n`),
    );
    const prices = book.pricesOf('p', 'm');
    expect(prices?.priceOf(question)).toMatchObject({ price: 100_000_000_000n, perUnits: 1_000_000 });
    expect(prices?.priceOf({ ...question, usageClass: 'visible_output' })?.price).toBe(300_000_000_000n);
    expect(prices?.priceOf({ ...question, usageClass: 'cache_read' })?.price).toBe(1n);
    expect(prices?.priceOf({ ...question, usageClass: 'images' })).toMatchObject({ price: 10_000_000_000_000n, perUnits: 1_000 });
  });

  test('of input and output holds for the classes that share it, unless one is named itself', () => {
    const book = bookOf(block(`    models: [m]\n    prices: { standard: { input: 3, input_image: 4, output: 15 } }\n`));
    const classes = ['uncached_input', 'input_image', 'visible_output', 'reasoning', 'cache_read'] as const;
    expect(classes.map((usageClass) => priceAt(book, 'm', { usageClass }))).toEqual([
      3_000_000_000_000n,
      4_000_000_000_000n,
      15_000_000_000_000n,
      15_000_000_000_000n,
      undefined,
    ]);
  });

  test('can be for other units than a million', () => {
    const book = bookOf(block(`    models: [m]\n    per_units: 1\n    prices: { standard: { characters: 0.00002 } }\n`));
    expect(book.pricesOf('p', 'm')?.priceOf({ ...question, usageClass: 'characters' })).toMatchObject({ price: 20_000_000n, perUnits: 1 });
  });

  test('carries its source and an id of its own', () => {
    const [entry] = bookOf(SIMPLE).entries;
    expect(entry).toMatchObject({ id: 'p/m/uncached_input/2026-01-01', sourceUrl: 'https://example.com/prices', sourceDate: '2026-01-02' });
  });

  test('may also be written as JSON', () => {
    const json = JSON.stringify({
      sources: { page: { url: 'https://example.com/prices', date: '2026-01-02' } },
      blocks: [
        { provider: 'p', models: ['m'], source: 'page', effective_from: '2026-01-01', prices: { standard: { input: '3', output: 15 } } },
      ],
    });
    expect(bookOf(json).version).toBe(bookOf(SIMPLE).version);
  });
});

describe('the model', () => {
  const book = bookOf(`${SOURCES}blocks:
  - { provider: p, source: page, effective_from: 2026-01-01, models: [m-large], prices: { standard: { input: 1 } } }
  - { provider: p, source: page, effective_from: 2026-01-01, prefixes: [m-], prices: { standard: { input: 2 } } }
  - { provider: p, source: page, effective_from: 2026-01-01, prefixes: [m-large-], prices: { standard: { input: 3 } } }
  - { provider: q, source: page, effective_from: 2026-01-01, models: [m-small], prices: { standard: { input: 4 } } }
`);

  test.each([
    ['m-large', 1_000_000_000_000n],
    ['M-Large', 1_000_000_000_000n],
    ['m-small', 2_000_000_000_000n],
    ['m-large-2026-01-01', 3_000_000_000_000n],
    ['m-large2', 2_000_000_000_000n],
  ])('%s is found by its exact name, else by the longest prefix', (model, price) => {
    expect(priceAt(book, model)).toBe(price);
  });

  test.each(['n', '', '__proto__', 'constructor'])('%j is unknown', (model) => {
    expect(book.pricesOf('p', model)).toBeUndefined();
  });

  test('is known for its provider only', () => {
    expect(book.pricesOf('q', 'm-small')).toBeDefined();
    expect(book.pricesOf('q', 'm-large')).toBeUndefined();
    expect(book.pricesOf('r', 'm-large')).toBeUndefined();
  });
});

describe('a model by other names', () => {
  const book = bookOf(`${SOURCES}providers:
  p: { also: [p-cloud] }
  q: { else: [p] }
  seller: { resells: listed }
blocks:
  - { provider: p, source: page, effective_from: 2026-01-01, dated: [m], prices: { standard: { input: 1 } } }
  - { provider: p, source: page, effective_from: 2026-01-01, models: [m-2026-05-05], prices: { standard: { input: 2 } } }
  - { provider: p, source: page, effective_from: 2026-01-01, prefixes: [m-], prices: { standard: { input: 3 } } }
  - { provider: p, source: page, effective_from: 2026-01-01, endings: [.large, x.large], prices: { standard: { input: 4 } } }
  - { provider: p, source: page, effective_from: 2026-01-01, containing: [part], prices: { standard: { input: 5 } } }
  - { provider: q, source: page, effective_from: 2026-01-01, models: [own], prices: { standard: { input: 6 } } }
  - { provider: seller, source: page, effective_from: 2026-01-01, models: [p/m-cheap], prices: { standard: { input: 7 } } }
`);
  const usd = (provider: string, model: string): number =>
    Number((book.pricesOf(provider, model)?.priceOf(question)?.price ?? 0n) / 1_000_000_000_000n);

  test.each([
    ['m', 1],
    ['m-2026-01-31', 1],
    ['m-20260131', 1],
    ['m@20260131', 1],
    ['m-0131', 1],
    ['m-2026-05-05', 2],
    ['m-2026', 3],
    ['m-mini', 3],
    ['eu.large', 4],
    ['eu.larger', 0],
    ['some-part-of-it', 5],
    ['m-part', 3],
    ['n', 0],
  ])('%s: exactly, with a date, by its beginning, ending or a part, in this order', (model, price) => {
    expect(usd('p', model)).toBe(price);
  });

  test('of its provider', () => {
    expect(usd('p-cloud', 'm')).toBe(1);
  });

  test('at whoever makes it, where the seller has no price', () => {
    expect([usd('q', 'own'), usd('q', 'm'), usd('p', 'own')]).toEqual([6, 1, 0]);
    expect([usd('seller', 'p/m'), usd('seller', 'p-cloud/m'), usd('seller', 'p/m-cheap'), usd('seller', 'm')]).toEqual([1, 1, 7, 0]);
  });

  test('is suggested where it is not known', () => {
    expect(book.candidates('seller', 'p/m-chap', 1)).toEqual(['seller/p/m-cheap']);
    expect(book.candidates('p', 'zzz')).toEqual([]);
  });
});

describe('what a price is for', () => {
  const book = bookOf(`
sources:
  page: { url: 'https://example.com/prices', date: 2026-01-02 }
  collection: { url: 'https://example.com/all', date: 2026-01-02, unlisted: as_containing }
blocks:
  - provider: p
    source: page
    effective_from: 2026-01-01
    models: [m]
    prices: { standard: { input: ['3 up to 1000', '2 up to 5000', 1], cache_read: 0.3, requests: 5 per 1K, audio_seconds: 0.36 per hour } }
  - { provider: p, source: page, effective_from: 2026-01-01, daily: '22:00-02:00', models: [m], prices: { standard: { cache_read: 0.1 } } }
  - { provider: p, source: collection, effective_from: 2026-01-01, models: [c], prices: { standard: { input: 3, cache_write_5m: 4, output: 9 } } }
  - { provider: p, source: page, effective_from: 2026-01-01, models: [c], prices: { standard: { output_image: 30 } } }
`);
  const entry = (model: string, usageClass: ChargedClass, atMs = JANUARY_MS + DAY_MS / 2) =>
    book.pricesOf('p', model)?.priceOf({ ...question, usageClass, atMs });

  test('can be units of time, or named numbers', () => {
    expect(entry('m', 'audio_seconds')).toMatchObject({ price: 360_000_000_000n, perUnits: 3_600 });
    expect(entry('m', 'requests')).toMatchObject({ price: 5_000_000_000_000n, perUnits: 1_000 });
  });

  test('can be the units after others', () => {
    const bands = book.pricesOf('p', 'm')?.sheet('standard', '').pricesAt('uncached_input', JANUARY_MS, 1) ?? [];
    expect(bands.map(({ id, aboveUnits, upToUnits }) => [id, aboveUnits, upToUnits])).toEqual([
      ['p/m/uncached_input/2026-01-01', 0, 1_000],
      ['p/m/uncached_input+1000/2026-01-01', 1_000, 5_000],
      ['p/m/uncached_input+5000/2026-01-01', 5_000, null],
    ]);
  });

  test.each([
    ['21:59', 300_000_000_000n],
    ['22:00', 100_000_000_000n],
    ['01:59', 100_000_000_000n],
    ['02:00', 300_000_000_000n],
  ])('can be some hours of the day: %s', (time, price) => {
    expect(entry('m', 'cache_read', Date.parse(`2026-03-03T${time}:30Z`))?.price).toBe(price);
  });

  test('is what contains it, where the source says so', () => {
    const priced = (model: string, classes: readonly ChargedClass[]) => classes.map((name) => entry(model, name)?.usageClass);
    const classes = ['cache_read', 'cached_image', 'input_audio', 'output_audio', 'output_image', 'cache_write_1h'] as const;
    expect(priced('c', classes)).toEqual(['uncached_input', 'input_image', 'uncached_input', 'visible_output', 'output_image', undefined]);
    expect(priced('m', classes)).toEqual(['cache_read', 'cache_read', undefined, undefined, undefined, undefined]);
  });
});

describe('the time', () => {
  const book = bookOf(`${SOURCES}blocks:
  - { provider: p, source: page, models: [m], effective_from: 2026-01-01, effective_to: 2026-02-01, prices: { standard: { input: 1 } } }
  - { provider: p, source: page, models: [m], effective_from: 2026-02-01, effective_to: '2026-02-01T12:00:00Z', unknown: the page was not read }
  - { provider: p, source: page, models: [m], effective_from: '2026-02-01T12:00:00Z', prices: { standard: { input: 2 } } }
`);
  const FEBRUARY_MS = JANUARY_MS + 31 * DAY_MS;
  test.each([
    ['just before the first price', JANUARY_MS - 1, undefined],
    ['at its first moment', JANUARY_MS, 1_000_000_000_000n],
    ['at its last', FEBRUARY_MS - 1, 1_000_000_000_000n],
    ['while it is stated to be unknown', FEBRUARY_MS, undefined],
    ['from noon on', FEBRUARY_MS + DAY_MS / 2, 2_000_000_000_000n],
    ['long after', FEBRUARY_MS + 10_000 * DAY_MS, 2_000_000_000_000n],
  ])('%s', (_, atMs, price) => {
    expect(priceAt(book, 'm', { atMs })).toBe(price);
  });
});

describe('tier, region and length of the request', () => {
  const book = bookOf(`${SOURCES}blocks:
  - provider: p
    source: page
    effective_from: 2026-01-01
    models: [m]
    prices: { standard: { input: 1, output: 9 }, batch: { input: 0.5 } }
    long_context: { above_input_tokens: 1000, prices: { standard: { input: 2 } } }
  - { provider: p, source: page, effective_from: 2026-01-01, models: [m], region: eu, prices: { standard: { output: 10 } } }
  - { provider: p, source: page, effective_from: 2026-01-01, models: [short], up_to_input_tokens: 1000, prices: { standard: { input: 1 } } }
`);

  test.each<readonly [string, Partial<PriceQuestion>, bigint | undefined]>([
    ['a tier with a price', { serviceTier: 'batch' }, 500_000_000_000n],
    ['a tier without one has none', { serviceTier: 'flex' }, undefined],
    ['a request of exactly the limit is short', { inputTokens: 1000 }, 1_000_000_000_000n],
    ['one token more is long', { inputTokens: 1001 }, 2_000_000_000_000n],
    ['a request without input is short', { inputTokens: 0 }, 1_000_000_000_000n],
    ['a correction with less than nothing is short', { inputTokens: -5 }, 1_000_000_000_000n],
    ['an unknown length has no price where the price depends on it', { inputTokens: null }, undefined],
    ['a class that the long price leaves out has none', { inputTokens: 1001, usageClass: 'visible_output' }, undefined],
    ['a tier that the long price leaves out has none', { inputTokens: 1001, serviceTier: 'batch' }, undefined],
    ['a region with its own price', { region: 'eu', usageClass: 'visible_output' }, 10_000_000_000_000n],
    ['any other region takes the common one', { region: 'us', usageClass: 'visible_output' }, 9_000_000_000_000n],
    ['a region takes the common price of a class that it leaves out', { region: 'eu' }, 1_000_000_000_000n],
  ])('%s', (_, change, price) => {
    expect(priceAt(book, 'm', change)).toBe(price);
  });

  test('beyond what a block speaks of there is no price', () => {
    expect(priceAt(book, 'short', { inputTokens: 1000 })).toBe(1_000_000_000_000n);
    expect(priceAt(book, 'short', { inputTokens: 1001 })).toBeUndefined();
  });
});

describe('the version', () => {
  test('is a hash of what the book says, not of how it is written', () => {
    const { version } = bookOf(SIMPLE);
    expect(version).toMatch(/^[0-9a-f]{64}$/);
    expect(bookOf(`# a comment\n${SIMPLE.replace('input: 3', "input:   '3.00'")}`).version).toBe(version);
  });

  test('is the same whoever wrote it, and whatever is noted about it', () => {
    const book = bookOf(`about: { number: 7, author: ann, note: the autumn prices, at: 2026-09-01 }\n${SIMPLE}`);
    expect(book.version).toBe(bookOf(SIMPLE).version);
    expect(book.about).toEqual({ number: 7, author: 'ann', note: 'the autumn prices', at: Date.parse('2026-09-01') });
  });

  test('does not depend on the order of blocks and names', () => {
    const first = '  - { provider: p, source: page, effective_from: 2026-01-01, models: [a, b], prices: { standard: { input: 1 } } }\n';
    const second = '  - { provider: q, source: page, effective_from: 2026-01-01, models: [c], prices: { standard: { input: 1 } } }\n';
    expect(bookOf(`${SOURCES}blocks:\n${first}${second}`).version).toBe(bookOf(`${SOURCES}blocks:\n${second}${first}`).version);
  });

  test.each([
    ['input: 3', 'input: 3.000001'],
    ['2026-01-01', '2026-01-02'],
    ['[m]', '[m, n]'],
    ['standard', 'batch'],
    ['example.com', 'example.org'],
    ['output: 15', 'output: 15 per 1000'],
  ])('changes when %s becomes %s', (from, to) => {
    expect(bookOf(SIMPLE.replace(from, to)).version).not.toBe(bookOf(SIMPLE).version);
  });
});

describe('a wrong book is rejected, with the place', () => {
  test.each([
    ['a float of one digit too many', SIMPLE.replace('input: 3', 'input: 0.0000000000001'), 'blocks[0].prices.standard.input: '],
    ['a negative price', SIMPLE.replace('input: 3', 'input: -3'), 'blocks[0].prices.standard.input: '],
    ['an exponent', SIMPLE.replace('input: 3', 'input: 3e-6'), 'blocks[0].prices.standard.input: '],
    ['a price per nothing', SIMPLE.replace('input: 3', 'input: 3 per 0'), 'blocks[0].prices.standard.input: '],
    ['a class that does not exist', SIMPLE.replace('input: 3', 'inputs: 3'), 'blocks[0].prices.standard'],
    ['a field that does not exist', SIMPLE.replace('models:', 'model:'), 'blocks[0]'],
    ['no model', SIMPLE.replace('    models: [m]\n', ''), 'blocks[0]: names no model'],
    ['a day that does not exist', SIMPLE.replace('from: 2026-01-01', 'from: 2026-02-30'), 'blocks[0].effective_from: '],
    ['an end before the beginning', SIMPLE.replace('    models', '    effective_to: 2026-01-01\n    models'), 'blocks[0].effective_to: '],
    ['an unknown source', SIMPLE.replace('source: page', 'source: pages'), "blocks[0].source: 'pages'"],
    ['a source without a day', SOURCES.replace(', date: 2026-01-02', '') + 'blocks: []', 'sources.page.date: '],
    ['a source that is no https URL', SIMPLE.replace('https://', 'http://'), 'sources.page.url: '],
    ['no block', `${SOURCES}blocks: []`, 'blocks: '],
    ['nothing', '', 'the top: '],
    ['no YAML', 'a: [', 'wrong at '],
    ['a key that stands there twice', SIMPLE.replace('input: 3', 'input: 3, input: 4'), 'wrong at '],
    [
      'a limit below the long context',
      SIMPLE.replace('    models', '    up_to_input_tokens: 10\n    long_context: { above_input_tokens: 10, prices: {} }\n    models'),
      'blocks[0].up_to_input_tokens: ',
    ],
  ])('%s', (_, text, place) => {
    expect(rejection(text)).toMatchObject({ code: 'PRICE_BOOK_INVALID', message: expect.stringContaining(place) as unknown });
  });

  test('two prices for one thing at one time', () => {
    const again = SIMPLE.slice(SIMPLE.indexOf('  - provider')).replace('from: 2026-01-01', 'from: 2026-03-01');
    expect(rejection(SIMPLE + again).message).toContain(
      'p/m/uncached_input/2026-01-01 and p/m/uncached_input/2026-03-01 hold at the same time',
    );
  });

  test('two prices of one id', () => {
    const again = SIMPLE.slice(SIMPLE.indexOf('  - provider'));
    expect(rejection(SIMPLE + again).message).toContain('p/m/uncached_input/2026-01-01: stands there twice');
  });

  const later = (text: string): string => SIMPLE + text.replace('blocks:\n', '').slice(SOURCES.length);

  test.each([
    ['a unit that nobody knows', SIMPLE.replace('input: 3', 'input: 3 per dozen'), 'line 9, blocks[0].prices.standard.input: '],
    [
      'an hour of tokens',
      SIMPLE.replace('input: 3', 'input: 3 per hour'),
      'line 9, blocks[0].prices.standard.input: input are not counted in time',
    ],
    [
      'marginal prices that do not rise',
      SIMPLE.replace('input: 3', "input: ['3 up to 9', '2 up to 9', 1]"),
      'line 9, blocks[0].prices.standard.input: ',
    ],
    ['marginal prices that end', SIMPLE.replace('input: 3', "input: ['3 up to 9']"), 'line 9, blocks[0].prices.standard.input: '],
    ['hours of no day', SIMPLE.replace('    models', "    daily: '24:00-01:00'\n    models"), 'line 8, blocks[0].daily: '],
    ['a tier without a price', SIMPLE.replace('input: 3, output: 15', ''), 'line 9, blocks[0].prices.standard: states no price'],
    ['neither prices nor why', SIMPLE.replace(/ {4}prices.*\n/, ''), 'line 5, blocks[0]: has to have either prices'],
    [
      'a gap that is not declared',
      later(block(`    models: [m]\n    prices: { standard: { input: 4 } }\n`)).replace(
        'effective_from: 2026-01-01',
        'effective_from: 2025-01-01\n    effective_to: 2025-12-01',
      ),
      'nothing is said from 2025-12-01T00:00:00.000Z to 2026-01-01T00:00:00.000Z',
    ],
    [
      'a price while it is declared unknown',
      later(block(`    models: [m]\n    unknown: not read\n`)),
      'holds at a time for which prices are unknown',
    ],
    ['a seller of nobody', SIMPLE.replace('blocks:', 'providers: { p: { else: [q] } }\nblocks:'), 'line 4, providers.p.else[0]: '],
    ['a name of two providers', SIMPLE.replace('blocks:', 'providers: { q: { also: [p] } }\nblocks:'), 'line 4, providers.q.also[0]: '],
  ])('%s', (_, text, place) => {
    expect(rejection(text).message).toContain(place);
    expect(checkPriceBook(text).length).toBeGreaterThan(0);
  });

  test('all of them can be listed, by line', () => {
    const problems = checkPriceBook(`${SOURCES}blocks:\n${'  - { provider: p }\n'.repeat(20)}`);
    expect(new Set(problems.map(({ line }) => line)).size).toBe(20);
    expect(checkPriceBook(SIMPLE)).toEqual([]);
  });

  test('every place is named, up to a limit', () => {
    const { message } = rejection(`${SOURCES}blocks:\n${'  - { provider: p }\n'.repeat(20)}`);
    expect(message).toContain('blocks[0].effective_from');
    expect(message).toMatch(/; and \d+ more$/);
  });
});
