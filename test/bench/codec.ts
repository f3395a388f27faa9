/** What one usage event costs on its way through the log: written and read as Avro and, for comparison, as JSON; and priced (read, rated, written).
 *
 *  One process, the same events for all, rounds interleaved; the figure is the median round, in microseconds of processor time per event.
 *  `--json` prints the last line alone; `--rounds N` (default 7). */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { isRejected, type UsageEvent } from '@tokenledger/domain';
import { parsePriceBook, rateEvent, SHIPPED_PRICE_BOOK } from '@tokenledger/pricing';
import { decodeUsageEvent, encodePriced, encodeUsageEvent } from '@tokenledger/schemas';
import { sampleEvents } from './support/sample-events.ts';
import { median, rounded } from './support/statistics.ts';

const EVENTS = 1_000;
/** Each contender goes through the events so often before its time counts, and then in each round. */
const WARM_UP_PASSES = 30;
const PASSES = 40;
const ROUNDS_MIN = 5;

const { values: options } = parseArgs({ options: { json: { type: 'boolean', default: false }, rounds: { type: 'string', default: '7' } } });
const rounds = Math.max(ROUNDS_MIN, Number(options.rounds));

const book = parsePriceBook(readFileSync(SHIPPED_PRICE_BOOK, 'utf8'));
if (isRejected(book)) throw new Error(book.message);
const events = sampleEvents(EVENTS);
const avro = events.map(encodeUsageEvent);
const json = events.map(encodeJson);

/** Each goes through all events once and gives a number that depends on the work, so that none of it can be left out. */
const contenders = {
  avro_encode: () => sum(events, (event) => encodeUsageEvent(event).length),
  json_encode: () => sum(events, (event) => encodeJson(event).length),
  avro_decode: () => sum(avro, (bytes) => known(decodeUsageEvent(bytes)).sequence),
  json_decode: () => sum(json, (bytes) => decodeJson(bytes).sequence),
  rate: () => sum(events, (event) => rateEvent(event, book).ratings[0]?.lineItems.length ?? 0),
  price: () => sum(avro, (bytes) => encodePriced(rateEvent(known(decodeUsageEvent(bytes)), book)).length),
} as const;
type Contender = keyof typeof contenders;
const names = Object.keys(contenders) as Contender[];

const times = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Contender, number[]>;
for (const name of names) measure(name, WARM_UP_PASSES);
for (let round = 0; round < rounds; round += 1) {
  for (const name of names) times[name].push(measure(name, PASSES));
}

const us = Object.fromEntries(names.map((name) => [name, rounded(median(times[name]))])) as Record<Contender, number>;
const bytes = { avro: rounded(meanLength(avro), 0), json: rounded(meanLength(json), 0) };
const ratios = {
  encode: rounded(us.avro_encode / us.json_encode),
  decode: rounded(us.avro_decode / us.json_decode),
  both: rounded((us.avro_encode + us.avro_decode) / (us.json_encode + us.json_decode)),
  bytes: rounded(bytes.avro / bytes.json),
};

if (!options.json) {
  const row = (...cells: readonly (string | number)[]): string =>
    cells.map((cell, index) => (index === 0 ? String(cell).padEnd(28) : String(cell).padStart(12))).join('');
  const lines = [
    `${EVENTS} different events, ${rounds} rounds, medians; microseconds per event`,
    '',
    row('', 'Avro', 'JSON', 'Avro / JSON'),
    row('encode', us.avro_encode, us.json_encode, ratios.encode),
    row('decode', us.avro_decode, us.json_decode, ratios.decode),
    row('encode and decode', rounded(us.avro_encode + us.avro_decode), rounded(us.json_encode + us.json_decode), ratios.both),
    row('bytes', bytes.avro, bytes.json, ratios.bytes),
    '',
    row('rate', us.rate),
    row('decode, rate and encode', us.price),
    '',
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
process.stdout.write(`${JSON.stringify({ bench: 'codec', rounds, ratio_to_json: ratios, us_per_event: us, bytes })}\n`);

/** Microseconds of processor time per event. */
function measure(name: Contender, passes: number): number {
  const run = contenders[name];
  const started = process.cpuUsage();
  let check = 0;
  for (let pass = 0; pass < passes; pass += 1) check += run();
  const { user, system } = process.cpuUsage(started);
  if (check <= 0) throw new Error(`${name} did nothing`);
  return (user + system) / (passes * EVENTS);
}

function encodeJson(event: UsageEvent): Buffer {
  return Buffer.from(JSON.stringify(event));
}

function decodeJson(encoded: Buffer): UsageEvent {
  return JSON.parse(encoded.toString()) as UsageEvent;
}

function known(event: ReturnType<typeof decodeUsageEvent>): UsageEvent {
  if (event.kind === 'rejected') throw new Error(event.message);
  return event;
}

function sum<Item>(items: readonly Item[], work: (item: Item) => number): number {
  let total = 0;
  for (const item of items) total += work(item);
  return total;
}

function meanLength(encoded: readonly Buffer[]): number {
  return sum(encoded, (each) => each.length) / encoded.length;
}
