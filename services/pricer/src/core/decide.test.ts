import { readFileSync } from 'node:fs';
import { isRejected, type PricedEvent, type UsageEvent } from '@tokenledger/domain';
import { type Headers, type LogRecord, RECORD_BYTES_MAX, recordBytes } from '@tokenledger/event-log';
import { NOTHING_AGREED, parsePriceBook, priceSchedule, rateEvent, SHIPPED_PRICE_BOOK } from '@tokenledger/pricing';
import { decodeRecord, encodeUsageEvent, identityHeaders, readDeadLetter, readIdentity } from '@tokenledger/schemas';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decide, type Decision, type PricerContext } from './decide.ts';
import { SAMPLE_ATTEMPT, SAMPLE_EVENT } from './sample-event.ts';

const book = parsePriceBook(readFileSync(SHIPPED_PRICE_BOOK, 'utf8'));
if (isRejected(book)) throw new Error(book.message);

const context: PricerContext = {
  prices: priceSchedule(book),
  agreed: NOTHING_AGREED,
  pricedTopic: 'usage.priced',
  deadLetterTopic: 'usage.dead-letter',
  fits: (record) => recordBytes(record) <= RECORD_BYTES_MAX,
};

const recordOf = (value: Uint8Array | null, headers: Headers, offset = 7): LogRecord => ({
  topic: 'usage.events',
  partition: 2,
  offset,
  key: 'vk-1',
  value,
  headers,
  timestampMs: 0,
});
const eventRecord = (event: UsageEvent, headers: Headers = identityHeaders(event)): LogRecord => recordOf(encodeUsageEvent(event), headers);
const decideOne = (record: LogRecord, changed: Partial<PricerContext> = {}): Decision => {
  const [decision] = decide([record], { ...context, ...changed });
  if (decision === undefined) throw new Error('no decision');
  return decision;
};
const valueOf = (decision: Decision) => decodeRecord(decision.output.record.value ?? new Uint8Array(0));

describe('an event is priced', () => {
  test('under its key and identity, unchanged, with ratings and the version of the book', () => {
    const decision = decideOne(eventRecord(SAMPLE_EVENT));
    expect(decision).toMatchObject({ kind: 'priced', unpriced: [] });
    expect(decision.output).toMatchObject({ topic: 'usage.priced', record: { key: 'vk-1', headers: identityHeaders(SAMPLE_EVENT) } });
    const expected: PricedEvent = rateEvent(SAMPLE_EVENT, book);
    expect(valueOf(decision)).toEqual({ kind: 'priced', priced: expected });
    expect(expected.ratings[0]?.cost).toBe(4_500_000_000n);
  });

  test('at null, with the reason counted, when its cost is unknown', () => {
    const event = { ...SAMPLE_EVENT, attempts: [SAMPLE_ATTEMPT, { ...SAMPLE_ATTEMPT, servedModel: 'claude-next' }] };
    const decision = decideOne(eventRecord(event));
    expect(decision).toMatchObject({
      kind: 'priced',
      unpriced: [{ reason: 'model_unknown', provider: 'anthropic', model: 'claude-next' }],
    });
    expect(valueOf(decision)).toMatchObject({
      priced: { ratings: [{ unpricedReason: '' }, { cost: null, unpricedReason: 'model_unknown' }] },
    });
  });

  test('by the book that was in force when it was served', () => {
    const dearer = parsePriceBook(readFileSync(SHIPPED_PRICE_BOOK, 'utf8').replaceAll('input: 3,', 'input: 6,'));
    if (isRejected(dearer)) throw new Error(dearer.message);
    const from = SAMPLE_EVENT.occurredAtMs;
    const prices = priceSchedule(book, [{ id: 'autumn', activatesAtMs: from, book: dearer }]);
    const versionAt = (occurredAtMs: number): unknown => valueOf(decideOne(eventRecord({ ...SAMPLE_EVENT, occurredAtMs }), { prices }));
    expect(versionAt(from - 1)).toMatchObject({ priced: { priceVersion: book.version } });
    expect(versionAt(from)).toMatchObject({ priced: { priceVersion: dearer.version } });
    expect(dearer.version).not.toBe(book.version);
  });

  test('without any attempt', () => {
    expect(valueOf(decideOne(eventRecord({ ...SAMPLE_EVENT, attempts: [], outcome: 'refused_limit' })))).toMatchObject({
      priced: { ratings: [] },
    });
  });

  test('when its record names no identity', () => {
    const decision = decideOne(eventRecord(SAMPLE_EVENT, {}));
    expect(decision.kind).toBe('priced');
    expect(readIdentity(decision.output.record.headers ?? {})).toEqual({ source: 'ingress-1', sequence: 1 });
  });
});

describe('an event is rejected', () => {
  const wrong = { ...SAMPLE_EVENT, eventId: 'not-a-uuid' };

  test('when a field has a value that no event may have', () => {
    const record = eventRecord(wrong);
    const decision = decideOne(record);
    expect(decision).toMatchObject({ kind: 'rejected', code: 'EVENT_INVALID' });
    expect(decision.output).toMatchObject({ topic: 'usage.priced', record: { key: 'vk-1', headers: identityHeaders(wrong) } });
    expect(valueOf(decision)).toEqual({
      kind: 'rejected_event',
      rejected: {
        source: 'ingress-1',
        sequence: 1,
        code: 'EVENT_INVALID',
        message: 'event_id has a value that no event may have',
        originTopic: 'usage.events',
        originPartition: 2,
        originOffset: 7,
        originalBytes: record.value,
      },
    });
  });

  test.each([
    [{ source: 'ingress-1', sequence: 2 }, 'the headers name number 2, not 1'],
    [{ source: 'ingress-2', sequence: 1 }, 'the headers name another source'],
  ])('under the identity of its headers when they say %o', (identity, message) => {
    const decision = decideOne(eventRecord(SAMPLE_EVENT, identityHeaders(identity)));
    expect(decision).toMatchObject({ kind: 'rejected', code: 'IDENTITY_MISMATCH' });
    expect(valueOf(decision)).toMatchObject({ kind: 'rejected_event', rejected: { ...identity, message } });
    expect(readIdentity(decision.output.record.headers ?? {})).toEqual(identity);
  });
});

describe('a record becomes a dead letter', () => {
  const reasonOf = (decision: Decision) => readDeadLetter(decision.output.record.headers ?? {});
  const origin = { topic: 'usage.events', partition: 2, offset: 7 };

  test.each([
    ['no event', Buffer.from('hello')],
    ['nothing', null],
    ['an event that is cut off', encodeUsageEvent(SAMPLE_EVENT).subarray(0, -5)],
  ])('with its bytes, key and headers, when its value is %s', (_, value) => {
    const headers = { ...identityHeaders(SAMPLE_EVENT), traceparent: 'abc' };
    const decision = decideOne(recordOf(value, headers));
    expect(decision).toMatchObject({ kind: 'dead_letter', code: 'UNDECODABLE' });
    expect(decision.output).toMatchObject({ topic: 'usage.dead-letter', record: { key: 'vk-1', value, headers } });
    expect(reasonOf(decision)).toMatchObject({ code: 'UNDECODABLE', origin });
  });

  test('when nothing says which number it is', () => {
    const decision = decideOne(eventRecord({ ...SAMPLE_EVENT, sequence: 0 }, {}));
    expect(decision).toMatchObject({ kind: 'dead_letter', code: 'EVENT_INVALID' });
    expect(reasonOf(decision)).toMatchObject({ code: 'EVENT_INVALID', message: 'sequence has a value that no event may have', origin });
  });

  test('when what it becomes does not fit into the log', () => {
    const record = eventRecord({ ...SAMPLE_EVENT, errorClass: 'x'.repeat(2_000) });
    const limit = recordBytes(record) + 300;
    const decision = decideOne(record, { fits: (each) => recordBytes(each) <= limit });
    expect(decision).toMatchObject({ kind: 'dead_letter', code: 'PRICED_TOO_LARGE', output: { record: { value: record.value } } });
    const refused = eventRecord({ ...SAMPLE_EVENT, eventId: '', errorClass: 'x'.repeat(2_000) });
    expect(decideOne(refused, { fits: (each) => recordBytes(each) <= recordBytes(refused) + 10 })).toMatchObject({
      kind: 'dead_letter',
      code: 'EVENT_INVALID',
      output: { record: { value: null } },
    });
  });

  test('of which at least the origin is kept when not even the headers fit', () => {
    const record = recordOf(Buffer.alloc(500), { noise: 'x'.repeat(5_000) });
    const decision = decideOne(record, { fits: (each) => recordBytes(each) <= 1_000 });
    expect(decision.output.record).toMatchObject({ key: null, value: null });
    expect(reasonOf(decision)).toMatchObject({ code: 'UNDECODABLE', origin });
    expect(recordBytes(decision.output.record)).toBeLessThan(1_000);
  });
});

describe('the same log gives the same records', () => {
  const records = Array.from({ length: 40 }, (_, offset): LogRecord => {
    const event = {
      ...SAMPLE_EVENT,
      sequence: offset + 1,
      servedModel: offset % 7 === 0 ? 'unknown' : SAMPLE_EVENT.servedModel,
      eventId: offset % 11 === 0 ? '' : SAMPLE_EVENT.eventId,
    };
    return {
      ...recordOf(offset % 5 === 0 ? Buffer.from([offset]) : encodeUsageEvent(event), identityHeaders(event), offset),
      timestampMs: Math.random(),
    };
  });
  const whole = decide(records, context);

  test('however it is cut into batches, and read at whatever time', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 40, maxLength: 40 }), fc.nat(), (sizes, timestampMs) => {
        const outputs: Decision[] = [];
        for (const size of sizes) {
          const batch = records.slice(outputs.length, outputs.length + size).map((record) => ({ ...record, timestampMs }));
          outputs.push(...decide(batch, context));
        }
        expect(outputs).toEqual(whole);
      }),
    );
  });

  test('one for each, in order', () => {
    expect(whole.map(({ output }) => readIdentity(output.record.headers ?? {})?.sequence)).toEqual(records.map((_, index) => index + 1));
    expect(new Set(whole.map(({ kind }) => kind))).toEqual(new Set(['priced', 'rejected', 'dead_letter']));
  });

  test('under a book that was read again', () => {
    const again = parsePriceBook(readFileSync(SHIPPED_PRICE_BOOK, 'utf8'));
    if (isRejected(again)) throw new Error(again.message);
    expect(decide(records, { ...context, prices: priceSchedule(again) })).toEqual(whole);
  });
});

test('any bytes and headers become exactly one record, and nothing is thrown', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.uint8Array({ maxLength: 120 }).map((tail) => Buffer.concat([encodeUsageEvent(SAMPLE_EVENT).subarray(0, 200), tail])),
  );
  const headers = fc.dictionary(fc.constantFrom('tl-source', 'tl-sequence', 'x'), fc.string({ maxLength: 20 }), { noNullPrototype: true });
  fc.assert(
    fc.property(bytes, headers, (value, given) => {
      const decisions = decide([recordOf(value, given)], context);
      expect(decisions).toHaveLength(1);
      expect(['priced', 'rejected', 'dead_letter']).toContain(decisions[0]?.kind);
    }),
    { numRuns: 500 },
  );
});
