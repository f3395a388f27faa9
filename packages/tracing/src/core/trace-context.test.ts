import { createHash } from 'node:crypto';
import { uuidv7 } from '@tokenledger/domain';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { setTraceparent, spanIdOf, traceIdOf, traceOf, traceparentOf } from './trace-context.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';
const REQUEST = '017f22e2-79b0-7cc3-98c4-dc0c0c07398f';
const ids = fc
  .tuple(fc.integer({ min: 0, max: 2 ** 48 - 1 }), fc.uint8Array({ minLength: 10, maxLength: 10 }))
  .map(([nowMs, random]) => uuidv7(nowMs, random));

describe("a client's traceparent", () => {
  test.each([
    [`00-${TRACE}-${PARENT}-01`, TRACE],
    [`01-${TRACE}-${PARENT}-01-later`, TRACE],
    [`00-${TRACE}-${PARENT}-01-later`, ''],
    [`00-${'0'.repeat(32)}-${PARENT}-01`, ''],
    [`00-${TRACE}-${'0'.repeat(16)}-01`, ''],
    [`ff-${TRACE}-${PARENT}-01`, ''],
    [`00-${TRACE.toUpperCase()}-${PARENT}-01`, ''],
    ['nonsense', ''],
    [undefined, ''],
  ])('%s has the trace id %j', (header, traceId) => {
    expect(traceIdOf(header)).toBe(traceId);
  });

  test.each([
    ['00', false, '00'],
    ['01', true, '01'],
    ['02', false, '02'],
    ['03', true, '03'],
    ['ff', true, '03'],
  ])('with flags %s decides whether the request is sampled, whatever the ratio', (flags, sampled, passedOn) => {
    for (const ratio of [0, 1]) {
      const trace = traceOf(`00-${TRACE}-${PARENT}-${flags}`, REQUEST, ratio);
      expect(trace).toMatchObject({ traceId: TRACE, parentSpanId: PARENT, sampled });
      expect(traceparentOf(trace, spanIdOf(REQUEST))).toBe(`00-${TRACE}-98c4dc0c0c07398f-${passedOn}`);
    }
  });
});

describe('a trace that begins here', () => {
  test("has the request's id for its own, and says that its end is random", () => {
    const trace = traceOf(undefined, REQUEST, 1);
    expect(trace).toEqual({ traceId: '017f22e279b07cc398c4dc0c0c07398f', parentSpanId: '', sampled: true, otherFlags: 2 });
    expect(traceparentOf(trace, spanIdOf(REQUEST))).toBe('00-017f22e279b07cc398c4dc0c0c07398f-98c4dc0c0c07398f-03');
  });

  test('is always a valid one, as is its span', () => {
    fc.assert(
      fc.property(ids, fc.double({ min: 0, max: 1, noNaN: true }), (id, ratio) => {
        const trace = traceOf(undefined, id, ratio);
        const sent = traceOf(traceparentOf(trace, spanIdOf(id)), REQUEST, 0.5);
        expect(sent).toEqual({ ...trace, parentSpanId: spanIdOf(id) });
      }),
    );
  });

  test('is never sampled at 0 and always at 1, and one that is sampled stays so at a higher ratio', () => {
    fc.assert(
      fc.property(ids, fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }), (id, a, b) => {
        const [low, high] = a < b ? [a, b] : [b, a];
        const sampled = (ratio: number): boolean => traceOf(undefined, id, ratio).sampled;
        expect([sampled(0), sampled(1)]).toEqual([false, true]);
        expect(!sampled(low) || sampled(high)).toBe(true);
      }),
    );
  });

  test.each([0.1, 0.5, 0.9])('is sampled in about %d of all cases', (ratio) => {
    const evenly = Array.from({ length: 4000 }, (_, index) => uuidv7(index, createHash('sha256').update(String(index)).digest()));
    const share = evenly.filter((id) => traceOf(undefined, id, ratio).sampled).length / evenly.length;
    expect(Math.abs(share - ratio)).toBeLessThan(0.03);
  });
});

describe('the headers that go upstream', () => {
  test("name our span, keep the state of the client's trace, and have one traceparent only", () => {
    const headers = ['a', '1', 'Traceparent', `00-${TRACE}-${PARENT}-01`, 'tracestate', 'x=y', 'traceparent', 'second'];
    setTraceparent(headers, traceOf(`00-${TRACE}-${PARENT}-01`, REQUEST, 1), 'b7ad6b7169203331');
    expect(headers).toEqual(['a', '1', 'tracestate', 'x=y', 'traceparent', `00-${TRACE}-b7ad6b7169203331-01`]);
  });

  test('carry no state of a trace that is not continued', () => {
    const headers = ['traceparent', 'broken', 'tracestate', 'x=y'];
    const trace = traceOf('broken', REQUEST, 0);
    setTraceparent(headers, trace, 'b7ad6b7169203331');
    expect(headers).toEqual(['traceparent', `00-${trace.traceId}-b7ad6b7169203331-02`]);
  });
});
