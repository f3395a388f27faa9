import { SURFACES, UNKNOWN_SURFACE } from '@tokenledger/providers';
import { describe, expect, test } from 'vitest';
import { ATTEMPT_ATTRIBUTES, REQUEST_ATTRIBUTES } from './attributes.ts';
import { FAILED_ATTEMPT, FULL_EVENT, GOOD_ATTEMPT } from './sample-event.ts';
import { type SpanContext, type SpanRecord, spansOf } from './spans.ts';
import type { Trace } from './trace-context.ts';

const TRACE: Trace = { traceId: FULL_EVENT.traceId, parentSpanId: '00f067aa0ba902b7', sampled: true, otherFlags: 0 };
const CONTEXT: SpanContext = {
  trace: TRACE,
  servers: [
    { host: 'eu.openai.example', port: 8443 },
    { host: 'api.openai.example', port: 443 },
  ],
};

function spans(event = FULL_EVENT, context = CONTEXT): readonly [SpanRecord, ...SpanRecord[]] {
  const [request, ...attempts] = spansOf(event, context);
  if (request === undefined) throw new Error('no spans');
  return [request, ...attempts];
}

describe('a request with two attempts', () => {
  const [request, failed, good] = spans();

  test("has a span below the client's, and one below it for each attempt", () => {
    const trace = { traceId: TRACE.traceId };
    expect(request).toMatchObject({ ...trace, kind: 'server', spanId: '8def000000000001', parentSpanId: TRACE.parentSpanId });
    expect(failed).toMatchObject({ ...trace, kind: 'client', spanId: '8def0000000000a1', parentSpanId: '8def000000000001' });
    expect(good).toMatchObject({ ...trace, kind: 'client', spanId: '8def0000000000a2', parentSpanId: '8def000000000001' });
  });

  test('is named as the conventions say', () => {
    expect([request, failed, good].map((span) => span?.name)).toEqual(['POST /v1/chat/completions', 'chat gpt-5.2', 'chat gpt-5.2-mini']);
  });

  test('lasts as long as the event says', () => {
    const offsets = [request, failed, good].map((span) => [
      (span?.startedAtMs ?? 0) - FULL_EVENT.occurredAtMs,
      (span?.endedAtMs ?? 0) - FULL_EVENT.occurredAtMs,
    ]);
    expect(offsets).toEqual([
      [0, 1000],
      [1, 90],
      [100, 900],
    ]);
  });

  test('carries the request as an HTTP server sees it, and whose it is', () => {
    expect(request.attributes).toMatchObject({
      'http.request.method': 'POST',
      'http.route': '/v1/chat/completions',
      'http.response.status_code': 200,
      'http.request.body.size': 1234,
      'http.response.body.size': 5678,
      'tokenledger.request_id': FULL_EVENT.requestId,
      'tokenledger.tenant_id': 'acme',
      'tokenledger.outcome': 'ok',
    });
  });

  test('says of the attempt that failed only what is known of it', () => {
    expect(failed?.failed).toBe(true);
    expect(failed?.attributes).toEqual({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 'gpt-5.2',
      'gen_ai.request.stream': true,
      'gen_ai.conversation.id': 'conversation-1',
      'server.address': 'eu.openai.example',
      'server.port': 8443,
      'http.request.method': 'POST',
      'http.response.status_code': 529,
      'error.type': '529',
      'tokenledger.attempt_id': FAILED_ATTEMPT.attemptId,
      'tokenledger.channel_id': 'openai-eu',
      'tokenledger.region': 'eu',
      'tokenledger.usage_source': 'none',
      'tokenledger.usage_reason': 'upstream_error',
    });
  });

  test('counts every class of tokens where the conventions want it, parts included in their totals', () => {
    const usage = GOOD_ATTEMPT.usage as Readonly<Record<string, number>>;
    const sum = (...classes: readonly string[]): number => classes.reduce((total, name) => total + (usage[name] ?? Number.NaN), 0);
    expect(good?.attributes).toMatchObject({
      'gen_ai.response.model': 'gpt-5.2-mini-2026-10-01',
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.response.time_to_first_chunk': 0.15,
      'gen_ai.usage.input_tokens': sum(
        'uncached_input',
        'cache_read',
        'cache_write_5m',
        'cache_write_1h',
        'input_audio',
        'cached_audio',
        'input_image',
      ),
      'gen_ai.usage.output_tokens': sum('visible_output', 'reasoning', 'output_audio', 'output_image'),
      'gen_ai.usage.cache_read.input_tokens': sum('cache_read', 'cached_audio'),
      'gen_ai.usage.cache_write.input_tokens': sum('cache_write_5m', 'cache_write_1h'),
      'gen_ai.usage.reasoning.output_tokens': sum('reasoning'),
      'gen_ai.usage.audio.input_tokens': sum('input_audio', 'cached_audio'),
      'gen_ai.usage.audio.cache_read.input_tokens': sum('cached_audio'),
      'gen_ai.usage.audio.output_tokens': sum('output_audio'),
      'gen_ai.usage.image.input_tokens': sum('input_image'),
      'gen_ai.usage.image.output_tokens': sum('output_image'),
      'server.address': 'api.openai.example',
      'server.port': 443,
      'http.request.resend_count': 1,
      'openai.response.service_tier': 'flex',
    });
  });

  test('uses every attribute of the list', () => {
    expect(Object.keys(request.attributes).toSorted()).toEqual(REQUEST_ATTRIBUTES.map(({ attribute }) => attribute).toSorted());
    expect(Object.keys(good?.attributes ?? {}).toSorted()).toEqual(ATTEMPT_ATTRIBUTES.map(({ attribute }) => attribute).toSorted());
  });

  test('says nothing of prompt, answer, end user or free labels', () => {
    const text = JSON.stringify([request, failed, good]);
    for (const word of ['fingerprint-of', 'raw usage', 'end-user@', 'label value']) expect(text).not.toContain(word);
  });
});

test('tokens that are not known are left out, and are never 0', () => {
  const [, attempt] = spans({ ...FULL_EVENT, attempts: [{ ...GOOD_ATTEMPT, usage: null }] });
  expect(Object.keys(attempt?.attributes ?? {}).filter((name) => name.startsWith('gen_ai.usage.'))).toEqual([]);
});

test('a request that was not forwarded is a single span, the root of its trace when no client began it', () => {
  const refused = { ...FULL_EVENT, attempts: [], outcome: 'refused_invalid', httpStatus: 400, errorClass: 'request_invalid' } as const;
  const all = spans(refused, { ...CONTEXT, trace: { ...TRACE, parentSpanId: '' } });
  expect(all).toHaveLength(1);
  expect(all[0]).toMatchObject({ parentSpanId: '', failed: false, attributes: { 'error.type': 'request_invalid' } });
});

test.each([
  ['ok', 200, false],
  ['upstream_error', 200, true],
  ['upstream_error', 502, true],
  ['upstream_error', 429, false],
  ['timed_out', 504, true],
  ['client_aborted', null, false],
  ['client_aborted', 200, false],
  ['refused_limit', 503, true],
  ['refused_policy', 403, false],
] as const)('a request with outcome %s and status %s has failed: %s', (outcome, httpStatus, failed) => {
  expect(spans({ ...FULL_EVENT, outcome, httpStatus })[0].failed).toBe(failed);
});

test('an event whose end is unknown ends when it was recorded', () => {
  const attempts = [{ ...GOOD_ATTEMPT, completedAtMs: null }];
  const ends = spans({ ...FULL_EVENT, completedAtMs: null, attempts }).map((span) => span.endedAtMs);
  expect(ends).toEqual([FULL_EVENT.recordedAtMs, FULL_EVENT.recordedAtMs]);
});

test('what is no surface has spans too', () => {
  const [request, attempt] = spans({ ...FULL_EVENT, surface: UNKNOWN_SURFACE });
  expect(request).toMatchObject({ attributes: { 'http.request.method': '_OTHER', 'http.route': '/channels/{channel}' } });
  expect(attempt?.attributes['gen_ai.operation.name']).toBe('unknown');
});

test('every surface has a route and an operation', () => {
  for (const surface of Object.values(SURFACES)) {
    expect(spans({ ...FULL_EVENT, surface: surface.name })[0].name).toBe(`${surface.endpoints[0].method} ${surface.endpoints[0].path}`);
  }
});
