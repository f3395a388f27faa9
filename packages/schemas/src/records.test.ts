import { ALL_PARTS, isRejected, type LineItem, ONE, plainRating, type PricedEvent, type UsageEvent } from '@tokenledger/domain';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { avroType } from './avro-types.ts';
import { arbitraryPricedEvent, arbitraryRejectedEvent, arbitraryUsageEvent } from './event.arbitrary.ts';
import { decodeRecord, decodeUsageEvent, encodePriced, encodeRejected, encodeUsageEvent } from './records.ts';
import { singleObjectHeader } from './record-codec.ts';
import { loadVersions } from './schema-versions.ts';

const HEADER_BYTES = 10;
const event = fc.sample(arbitraryUsageEvent, { seed: 1, numRuns: 1 })[0] as UsageEvent;

describe('what was written is read again', () => {
  test('a usage event', () => {
    fc.assert(
      fc.property(arbitraryUsageEvent, (written) => {
        expect(decodeUsageEvent(encodeUsageEvent(written))).toEqual(written);
        expect(decodeRecord(encodeUsageEvent(written))).toEqual({ kind: 'usage', event: written });
      }),
    );
  });

  test('a priced event', () => {
    fc.assert(
      fc.property(arbitraryPricedEvent, (priced) => {
        expect(decodeRecord(encodePriced(priced))).toEqual({ kind: 'priced', priced });
      }),
    );
  });

  test('a priced event beside the bytes of its event: the same bytes as without them', () => {
    fc.assert(
      fc.property(arbitraryPricedEvent, (priced) => {
        expect(encodePriced(priced, encodeUsageEvent(priced.event))).toEqual(encodePriced(priced));
      }),
    );
  });

  test('a priced event beside bytes of another schema or framing, which are not its own', () => {
    const priced = fc.sample(arbitraryPricedEvent, { seed: 2, numRuns: 1 })[0] as PricedEvent;
    const bytes = encodeUsageEvent(priced.event);
    const confluent = Buffer.concat([Buffer.from([0, 0, 0, 0, 7]), bytes.subarray(HEADER_BYTES)]);
    const foreign = Buffer.from(bytes).fill(9, 2, HEADER_BYTES);
    for (const other of [confluent, foreign, Buffer.alloc(0)]) expect(encodePriced(priced, other)).toEqual(encodePriced(priced));
  });

  test('a rejected event, from a Buffer and from any bytes', () => {
    fc.assert(
      fc.property(arbitraryRejectedEvent, (rejected) => {
        expect(decodeRecord(encodeRejected(rejected))).toEqual({ kind: 'rejected_event', rejected });
        const plain = { ...rejected, originalBytes: new Uint8Array(rejected.originalBytes) };
        expect(encodeRejected(plain)).toEqual(encodeRejected(rejected));
      }),
    );
  });

  test('an event far larger than the one before it', () => {
    const large = { ...event, errorClass: 'x'.repeat(3_000_000) };
    expect(decodeUsageEvent(encodeUsageEvent(large))).toEqual(large);
    expect(decodeUsageEvent(encodeUsageEvent(event))).toEqual(event);
  });

  test('from bytes that are no Buffer and start anywhere', () => {
    const bytes = encodeUsageEvent(event);
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    expect(decodeUsageEvent(shifted.subarray(3))).toEqual(event);
  });
});

test('reading and writing again gives the same bytes', () => {
  fc.assert(
    fc.property(arbitraryUsageEvent, (written) => {
      const bytes = encodeUsageEvent(written);
      expect(encodeUsageEvent(decodeUsageEvent(bytes) as UsageEvent)).toEqual(bytes);
    }),
  );
});

test('the bytes given out stay as they are when the next event is written', () => {
  const first = encodeUsageEvent(event);
  const copy = Buffer.from(first);
  encodeUsageEvent({ ...event, requestId: 'another' });
  expect(first).toEqual(copy);
});

describe('bytes that are no record are rejected, never thrown', () => {
  test('any bytes, behind no header, a known fingerprint, or the id of a schema', () => {
    const headers = [
      Buffer.alloc(0),
      ...[encodeUsageEvent(event)].map((bytes) => bytes.subarray(0, HEADER_BYTES)),
      Buffer.from([0, 0, 0, 0, 1]),
    ];
    const schemaById = (): unknown => loadVersions('PricedEvent')[0];
    fc.assert(
      fc.property(fc.constantFrom(...headers), fc.uint8Array({ maxLength: 200 }), (header, body) => {
        expect(() => decodeRecord(Buffer.concat([header, body]), { schemaById })).not.toThrow();
      }),
      { numRuns: 2_000 },
    );
  });

  test('a record with bytes changed, cut off or added', () => {
    const mutation = fc.record({ at: fc.nat(), byte: fc.nat(255), kind: fc.constantFrom('change', 'cut', 'add') });
    fc.assert(
      fc.property(arbitraryPricedEvent, fc.array(mutation, { minLength: 1, maxLength: 4 }), (priced, mutations) => {
        const written = encodePriced(priced);
        let bytes = Buffer.from(written);
        for (const { at, byte, kind } of mutations) {
          const index = at % (bytes.length + 1);
          if (kind === 'change' && index < bytes.length) bytes[index] = byte;
          if (kind === 'cut') bytes = bytes.subarray(0, index);
          if (kind === 'add') bytes = Buffer.concat([bytes.subarray(0, index), Buffer.of(byte), bytes.subarray(index)]);
        }
        const read = decodeRecord(bytes);
        expect(isRejected(read) ? read.code : read.kind).toBe(isRejected(read) ? 'UNDECODABLE' : 'priced');
      }),
      { numRuns: 2_000 },
    );
  });

  test('every way to cut an event short', () => {
    const bytes = encodeUsageEvent(event);
    for (let length = 0; length < bytes.length; length += 1) {
      expect(decodeUsageEvent(bytes.subarray(0, length))).toMatchObject({ kind: 'rejected', code: 'UNDECODABLE' });
    }
  });

  test('bytes after the record', () => {
    expect(decodeUsageEvent(Buffer.concat([encodeUsageEvent(event), Buffer.of(0)]))).toMatchObject({
      message: '1 bytes follow the record',
    });
  });

  test('a fingerprint that no known schema has', () => {
    const bytes = encodeUsageEvent(event);
    bytes[5] = (bytes[5] as number) ^ 1;
    expect(decodeUsageEvent(bytes)).toMatchObject({ kind: 'rejected', message: expect.stringContaining('fingerprint') as unknown });
  });

  test('a usage event is asked for and another record comes', () => {
    const priced = encodePriced({ event, priceVersion: 'v', ratings: [], avoidedCost: null, billing: null });
    expect(decodeUsageEvent(priced)).toMatchObject({ kind: 'rejected', code: 'UNDECODABLE' });
  });

  test('an amount that is no decimal', () => {
    const bytes = encodePriced({
      event,
      priceVersion: 'v',
      ratings: [plainRating({ cost: 1_500_000_000_000n, unpricedReason: '', lineItems: [] })],
      avoidedCost: null,
      billing: null,
    });
    bytes.write('1e5', bytes.indexOf('1.500000000000'));
    expect(decodeRecord(bytes)).toMatchObject({
      kind: 'rejected',
      code: 'UNDECODABLE',
      message: expect.stringContaining('cost') as unknown,
    });
  });
});

describe('records of older versions', () => {
  const plain: UsageEvent = { ...event, avoidedUsage: null };
  const line: LineItem = {
    usageClass: 'reasoning',
    quantity: 7,
    unitPrice: 3n * ONE,
    perUnits: 1_000_000,
    amount: 21_000_000n,
    entryId: 'e',
    priceVersion: '',
    factor: ONE,
    partOf: ALL_PARTS,
  };
  const priced: PricedEvent = {
    event: plain,
    priceVersion: 'v',
    ratings: [plainRating({ cost: 21_000_000n, unpricedReason: '', lineItems: [line] })],
    avoidedCost: null,
    billing: null,
  };
  /** As a program of that version wrote it. */
  const writtenBy = (name: 'UsageEvent' | 'PricedEvent', index: number, bytes: Buffer): Buffer => {
    const [older, newest] = [avroType(loadVersions(name)[index]), avroType(loadVersions(name).at(-1))];
    return Buffer.concat([singleObjectHeader(older), older.toBuffer(newest.fromBuffer(bytes.subarray(HEADER_BYTES)))]);
  };

  test.each([0, 1])('a usage event of version %d + 1 avoided nothing', (index) => {
    const read = decodeUsageEvent(writtenBy('UsageEvent', index, encodeUsageEvent(plain)));
    // The first version has no basis of estimates.
    const attempts = plain.attempts.map((attempt) => (index === 0 ? { ...attempt, usageBasis: '' as const } : attempt));
    expect(read).toEqual({ ...plain, attempts });
  });

  test('a priced event of version 2 was rated without anything agreed, and nobody knows what caching saved', () => {
    expect(decodeRecord(writtenBy('PricedEvent', 1, encodePriced(priced)))).toEqual({ kind: 'priced', priced });
  });
});

describe('a count that the bytes cannot hold costs nothing', () => {
  // Behind the list of ratings two bytes say that there is no avoided cost and no billing: its count is the byte before them, 0.
  const bytes = encodePriced({ event, priceVersion: 'v', ratings: [], avoidedCost: null, billing: null });
  test.each([
    ['2^62 items', Buffer.from('feffffffffffffff7f', 'hex')],
    ['-2^62 items', Buffer.from('ffffffffffffffff7f00', 'hex')],
    ['as many items as there are bytes, and one', Buffer.of(4)],
  ])('%s', (_, count) => {
    const startedMs = performance.now();
    expect(decodeRecord(Buffer.concat([bytes.subarray(0, -3), count, bytes.subarray(-2)]))).toMatchObject({ kind: 'rejected' });
    expect(performance.now() - startedMs).toBeLessThan(1_000);
  });
});

describe('numbers', () => {
  test.each([2 ** 52 - 1, -(2 ** 52) + 1, 0, -1, 2 ** 31, -(2 ** 31) - 1])('%d is exact', (requestBytes) => {
    expect(decodeUsageEvent(encodeUsageEvent({ ...event, requestBytes }))).toMatchObject({ requestBytes });
  });

  test.each([2 ** 52, -(2 ** 52), 2 ** 53, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('%d is not written', (requestBytes) => {
    expect(() => encodeUsageEvent({ ...event, requestBytes })).toThrow('not an integer below 2^52');
    expect(() => encodeUsageEvent({ ...event, sequence: requestBytes })).toThrow('not an integer below 2^52');
  });

  // Zigzag varints as Avro writes them: 2n for n ≥ 0, -2n - 1 below.
  const varint = (value: bigint): Buffer => {
    const bytes: number[] = [];
    let rest = value >= 0n ? value * 2n : value * -2n - 1n;
    for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
    return Buffer.from([...bytes, Number(rest)]);
  };
  test('what another writer put beyond 2^52 is rejected', () => {
    const last = encodeUsageEvent({ ...event, responseBytes: 0, avoidedUsage: null });
    // Behind it one byte says that there is no avoided usage.
    const withLast = (value: bigint): Buffer => Buffer.concat([last.subarray(0, -2), varint(value), last.subarray(-1)]);
    expect(decodeUsageEvent(withLast(1n - 2n ** 52n))).toMatchObject({ responseBytes: 1 - 2 ** 52 });
    fc.assert(
      fc.property(fc.bigInt({ min: 2n ** 52n, max: 2n ** 63n - 1n }), fc.boolean(), (magnitude, negative) => {
        expect(decodeUsageEvent(withLast(negative ? -magnitude : magnitude))).toMatchObject({ kind: 'rejected', code: 'UNDECODABLE' });
      }),
    );
  });
});

describe('the Confluent wire format', () => {
  const body = encodeUsageEvent(event).subarray(HEADER_BYTES);
  const bytes = Buffer.concat([Buffer.from([0, 0, 0, 0, 42]), body]);
  const usageSchema = loadVersions('UsageEvent').at(-1);

  test('is read with the schema that its id names, looked up once', () => {
    const ids: number[] = [];
    const schemaById = (id: number): unknown => {
      ids.push(id);
      return usageSchema;
    };
    expect(decodeUsageEvent(bytes, { schemaById })).toEqual(event);
    expect(decodeUsageEvent(bytes, { schemaById })).toEqual(event);
    expect(ids).toEqual([42]);
    expect(decodeRecord(bytes, { schemaById })).toEqual({ kind: 'usage', event });
  });

  test('is rejected without a registry, for an unknown id, another record and what is no schema', () => {
    expect(decodeUsageEvent(bytes)).toMatchObject({ kind: 'rejected', message: expect.stringContaining('none is configured') as unknown });
    expect(decodeUsageEvent(bytes, { schemaById: () => undefined })).toMatchObject({ message: 'the registry has no schema with id 42' });
    expect(decodeUsageEvent(bytes, { schemaById: () => loadVersions('RejectedEvent')[0] })).toMatchObject({
      message: 'schema 42 of the registry is of another record',
    });
    expect(decodeRecord(bytes, { schemaById: () => ({ type: 'record' }) })).toMatchObject({ kind: 'rejected', code: 'UNDECODABLE' });
  });

  test('an id that becomes known is read from then on', () => {
    let schema: unknown;
    const schemaById = (): unknown => schema;
    expect(isRejected(decodeUsageEvent(bytes, { schemaById }))).toBe(true);
    schema = usageSchema;
    expect(decodeUsageEvent(bytes, { schemaById })).toEqual(event);
  });
});
