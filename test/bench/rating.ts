/** CPU per rated event, with a book of 3,000 prices and with the one that ships. `npm run bench:rating`; fails above 10 µs. `--json` prints the last line alone. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Attempt, isRejected, UNKNOWN_USAGE, type UsageEvent } from '@tokenledger/domain';
import { parsePriceBook, type PriceBook, rateEvent, SHIPPED_PRICE_BOOK } from '@tokenledger/pricing';
import { median, rounded } from './support/statistics.ts';

const ROUNDS = 5;
const EVENTS_PER_ROUND = 100_000;
const MICROSECONDS_MAX = 10;
const ENTRIES = 3_000;
const ENTRIES_PER_MODEL = 6;
const AT_MS = Date.parse('2026-11-21T12:00:00Z');

const { values: options } = parseArgs({ options: { json: { type: 'boolean', default: false } } });

const attempt: Attempt = {
  attemptId: 'a',
  channelId: 'c',
  provider: 'p',
  requestedModel: '',
  servedModel: '',
  serviceTier: 'default',
  region: 'eu',
  startedAtMs: AT_MS,
  completedAtMs: AT_MS,
  timeToFirstByteMs: 1,
  httpStatus: 200,
  errorClass: '',
  upstreamRequestId: '',
  usage: { ...UNKNOWN_USAGE, uncached_input: 1_234, cache_read: 5_678, visible_output: 321, reasoning: 99, web_search_requests: 1 },
  usageSource: 'reported',
  usageBasis: '',
  usageReason: '',
  usageFlags: [],
  rawUsage: '',
};

function bookOf(text: string): PriceBook {
  const book = parsePriceBook(text);
  if (isRejected(book)) throw new Error(book.message);
  return book;
}

function madeBook(): PriceBook {
  const prices = { standard: { input: '3', cache_read: '0.3', output: '15', web_search_requests: '10 per 1000' } };
  const blocks = Array.from({ length: ENTRIES / ENTRIES_PER_MODEL }, (_, index) => ({
    provider: 'p',
    dated: [`model-${index}`],
    effective_from: '2026-01-01',
    source: 'page',
    prices,
  }));
  return bookOf(JSON.stringify({ sources: { page: { url: 'https://example.com', date: '2026-01-01' } }, blocks }));
}

/** Microseconds of CPU per event: the median of all rounds. */
function measured(book: PriceBook, models: readonly (readonly [provider: string, model: string])[]): number {
  const events = models.map(
    ([provider, servedModel]) =>
      ({ occurredAtMs: AT_MS, attempts: [{ ...attempt, provider, servedModel }], avoidedUsage: null }) as unknown as UsageEvent,
  );
  const rounds = Array.from({ length: ROUNDS }, () => {
    const before = process.cpuUsage();
    for (let index = 0; index < EVENTS_PER_ROUND; index += 1) rateEvent(events[index % events.length] as UsageEvent, book);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / EVENTS_PER_ROUND;
  });
  return median(rounds);
}

const made = madeBook();
const shipped = bookOf(readFileSync(SHIPPED_PRICE_BOOK, 'utf8'));
const results = [
  {
    book: 'made',
    entries: made.entries.length,
    us: measured(
      made,
      [0, 250, 499].map((index) => ['p', `model-${index}-2026-05-05`]),
    ),
  },
  {
    book: 'shipped',
    entries: shipped.entries.length,
    us: measured(shipped, [
      ['openai', 'gpt-5.4-2026-03-05'],
      ['anthropic', 'claude-sonnet-4-5-20250929'],
      ['google', 'gemini-2.5-flash'],
      ['azure', 'gpt-4o-2024-08-06'],
      ['openrouter', 'x-ai/grok-4'],
      ['aws', 'us.anthropic.claude-sonnet-4-20250514-v1:0'],
    ]),
  },
];
if (!options.json) {
  for (const { book, entries, us } of results) console.log(`${book} book, ${entries} prices: ${us.toFixed(2)} µs of CPU per event`);
}
console.log(
  JSON.stringify({ rating: results.map(({ book, entries, us }) => ({ book, entries, us: rounded(us) })), us_max: MICROSECONDS_MAX }),
);
if (results.some(({ us }) => !(us <= MICROSECONDS_MAX))) process.exitCode = 1;
