import type { LogRecord } from '@tokenledger/event-log';
import { deadLetterHeaders, encodePriced, encodeRejected, encodeUsageEvent, identityHeaders } from '@tokenledger/schemas';
import { expect, test } from 'vitest';
import { type Classified, classifyDeadLetters, classifyPriced } from './classify.ts';
import { DEAD_LETTER_COLUMNS } from './dead-letter-row.ts';
import { eventBlock } from '../event-block.ts';
import { SAMPLE, SAMPLE_EVENT, SAMPLE_TIME_MS } from './sample-event.ts';

const PRICED = { topic: 'tokenledger.usage.priced', partition: 3, epoch: 12 };
const LETTERS = { topic: 'tokenledger.usage.dead-letter', partition: 3, epoch: 13 };
const GARBAGE = Buffer.from([0xff, 0x00, 0x80]);

const record = (value: Uint8Array | null, headers: Record<string, string> = identityHeaders({ source: 's', sequence: 4 })): LogRecord => ({
  topic: PRICED.topic,
  partition: 3,
  offset: 70,
  key: 'key-1',
  value,
  headers,
  timestampMs: SAMPLE_TIME_MS,
});

function onlyLetter(classified: Classified): Record<string, unknown> {
  expect(classified).toMatchObject({ events: [], undecodable: [] });
  expect(classified.deadLetters).toHaveLength(1);
  const [letter] = classified.deadLetters;
  const named = Object.fromEntries(DEAD_LETTER_COLUMNS.map((name, index) => [name, letter?.row[index]]));
  expect(letter).toMatchObject({ source: named['source'], sequence: named['sequence'] });
  return named;
}

test('a priced event becomes a row under its own identity', () => {
  const block = eventBlock();
  const { events, deadLetters, undecodable } = classifyPriced([record(encodePriced(SAMPLE))], PRICED, block);
  expect(Object.values(block.columns).map(({ count }) => count)).toEqual(Object.keys(block.columns).map(() => 1));
  expect(events).toMatchObject([{ source: SAMPLE_EVENT.source, sequence: SAMPLE_EVENT.sequence }]);
  expect([deadLetters, undecodable]).toEqual([[], []]);
});

test('a rejected event becomes a dead letter with its origin and its bytes', () => {
  const value = encodeRejected({
    source: 'ingress-1',
    sequence: 9,
    code: 'EVENT_INVALID',
    message: 'no tenant',
    originTopic: 'tokenledger.usage.events',
    originPartition: 3,
    originOffset: 33,
    originalBytes: GARBAGE,
  });
  expect(onlyLetter(classifyPriced([record(value)], PRICED, eventBlock()))).toEqual({
    source: 'ingress-1',
    sequence: 9,
    log_topic: PRICED.topic,
    log_partition: 3,
    epoch: 12,
    code: 'EVENT_INVALID',
    message: 'no tenant',
    origin_topic: 'tokenledger.usage.events',
    origin_partition: 3,
    origin_offset: 33,
    record_key: 'key-1',
    headers: record(null).headers,
    original_base64: GARBAGE.toString('base64'),
    recorded_at: '1762000000.123',
  });
});

test('an event that its row cannot hold becomes a dead letter with the record’s bytes', () => {
  const value = encodePriced({ ...SAMPLE, event: { ...SAMPLE_EVENT, eventId: 'no-uuid' } });
  expect(onlyLetter(classifyPriced([record(value)], PRICED, eventBlock()))).toMatchObject({
    source: SAMPLE_EVENT.source,
    sequence: SAMPLE_EVENT.sequence,
    code: 'ROW_INVALID',
    message: 'event_id does not fit its column',
    origin_topic: PRICED.topic,
    origin_offset: 70,
    original_base64: value.toString('base64'),
  });
});

test('an event without a number of its own is counted by its headers, or else by where it was', () => {
  const value = encodePriced({ ...SAMPLE, event: { ...SAMPLE_EVENT, sequence: 0 } });
  expect(onlyLetter(classifyPriced([record(value)], PRICED, eventBlock()))).toMatchObject({ source: 's', sequence: 4 });
  expect(onlyLetter(classifyPriced([record(value, {})], PRICED, eventBlock()))).toMatchObject({
    source: '@tokenledger.usage.priced/3',
    sequence: 71,
  });
});

test.each([
  ['garbage', GARBAGE, 'UNDECODABLE'],
  ['no value', null, 'UNDECODABLE'],
  ['an event that was not priced', encodeUsageEvent(SAMPLE_EVENT), 'RECORD_UNEXPECTED'],
])('%s is sent on as a dead letter, and the records around it are written', (_what, value, code) => {
  const good = record(encodePriced(SAMPLE));
  const { events, deadLetters, undecodable } = classifyPriced([good, record(value), good], PRICED, eventBlock());
  expect([events.length, deadLetters.length]).toEqual([2, 0]);
  expect(undecodable).toMatchObject([{ code, record: { offset: 70 } }]);
});

test('a dead letter becomes a row under the identity of what was refused', () => {
  const headers = deadLetterHeaders(record(GARBAGE), { code: 'UNDECODABLE', message: 'the bytes end' });
  expect(
    onlyLetter(classifyDeadLetters([{ ...record(GARBAGE, headers), topic: LETTERS.topic, offset: 2 }], LETTERS, eventBlock())),
  ).toMatchObject({
    source: 's',
    sequence: 4,
    log_topic: LETTERS.topic,
    epoch: 13,
    code: 'UNDECODABLE',
    message: 'the bytes end',
    origin_topic: PRICED.topic,
    origin_partition: 3,
    origin_offset: 70,
    original_base64: GARBAGE.toString('base64'),
    headers,
  });
});

test('an unreadable dead letter becomes a row too', () => {
  expect(onlyLetter(classifyDeadLetters([{ ...record(null, {}), topic: LETTERS.topic, offset: 0 }], LETTERS, eventBlock()))).toMatchObject({
    source: '@tokenledger.usage.dead-letter/3',
    sequence: 1,
    code: 'DEAD_LETTER_UNREADABLE',
    original_base64: '',
  });
});

test('a log whose clock is off still gives a time that ClickHouse takes', () => {
  const letter = onlyLetter(classifyDeadLetters([{ ...record(null, {}), timestampMs: 5 }], LETTERS, eventBlock()));
  expect(letter).toMatchObject({ recorded_at: '1000000000.000' });
});
