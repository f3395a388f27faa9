// No request, however malicious, makes a surface throw, or understand something else than what it passes on.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isJsonObject, parseJson } from './json-object.ts';
import { MODEL_CHARS_MAX } from './request-body.ts';
import type { ReadRequestOptions, Surface } from './surface.ts';
import { SURFACES } from './surfaces.ts';
import { hostileAnswer, hostileRequest } from './testing/hostile.ts';
import { withoutTrailingCommas } from './trailing-commas.ts';
import { unknownSurface } from './unknown-surface.ts';

const surfaces: readonly (readonly [string, Surface])[] = [
  ...Object.entries(SURFACES),
  ['unknown', unknownSurface(SURFACES['openai.chat'])],
];

const bytes = fc.oneof({ weight: 3, arbitrary: hostileRequest }, { weight: 1, arbitrary: hostileAnswer.map((answer) => answer.bytes) });
const name = fc.constantFrom('gpt-4o', 'é', '', '__proto__', 'constructor', '\u0000', '%', 'a/../b', 'anthropic.claude', 'x'.repeat(300));
const options: fc.Arbitrary<ReadRequestOptions> = fc.record({
  injectUsage: fc.boolean(),
  path: fc.oneof(fc.constant({}), fc.record({ model: name, deployment: name, region: name, project: name, method: name, action: name })),
  query: fc.constantFrom('', 'alt=sse', 'alt=sse&alt=json', '&&=&', 'alt', '%', '__proto__=1'),
  contentType: fc.constantFrom(
    undefined,
    'application/json',
    'multipart/form-data; boundary=x',
    'multipart/form-data; boundary="',
    'multipart/form-data; boundary=a; boundary=b',
  ),
  provider: fc.constantFrom(undefined, 'openai', 'azure', 'mistral', 'bedrock', '__proto__', 'constructor'),
});

describe.each(surfaces)('%s', (_name, surface) => {
  test('any bytes are understood or refused, and what is added changes nothing else', () => {
    fc.assert(
      fc.property(bytes, options, fc.nat(), (body, given, at) => {
        const endpoint = surface.endpoints[at % surface.endpoints.length];
        const facts = surface.readRequest(body, { ...given, endpoint });
        if (facts.kind === 'rejected') {
          expect(facts.code).toBe('REQUEST_INVALID');
          return;
        }
        expect(facts.model.length).toBeLessThanOrEqual(MODEL_CHARS_MAX);
        expect(facts.model.isWellFormed()).toBe(true);
        if (facts.injectedBody === undefined) return;
        const [sent, came] = [facts.injectedBody, body].map((text) => parseJson(withoutTrailingCommas(text.toString())));
        if (!isJsonObject(sent) || !isJsonObject(came)) throw new Error('what is sent is no object');
        const { stream_options: asked, ...others } = sent;
        const { stream_options: wished, ...before } = came;
        expect(others).toEqual(before);
        expect(asked).toEqual({ ...(isJsonObject(wished) ? wished : {}), include_usage: true });
      }),
      { numRuns: 150 },
    );
  });

  test.each([
    ['10,000 levels', (deep: string) => `{"model":"m","stream":true,"messages":${deep},"input":${deep},"contents":${deep}}`],
    [
      '10,000 levels in a tool call',
      (deep: string) =>
        `{"model":"m","messages":[{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":${deep}}}],"content":[{"type":"tool_use","input":${deep}},{"toolUse":{"input":${deep}}}]}],"contents":[{"parts":[{"functionCall":{"name":"f","args":${deep}}}]}],"input":[{"type":"function_call","arguments":${deep}}],"instances":[${deep}]}`,
    ],
    [
      '10,000 levels in the options of the stream',
      (deep: string) => `{"model":"m","stream":true,"messages":[],"stream_options":{"a":${deep}}}`,
    ],
  ])('%s are understood or refused', (_what, bodyOf) => {
    for (const deep of ['['.repeat(10_000) + ']'.repeat(10_000), '{"a":'.repeat(10_000) + '1' + '}'.repeat(10_000)]) {
      const facts = surface.readRequest(Buffer.from(bodyOf(deep)), { injectUsage: true });
      expect(facts.kind).toMatch(/request|rejected/);
    }
  });
});

test.each([
  ['the model', '{"model":"a","stream":true,"model":"b","messages":[]}', { model: 'b', streamed: true }],
  ['the wish for a stream', '{"stream":true,"model":"b","stream":false,"messages":[]}', { model: 'b', streamed: false }],
  ['the model, once as an escape', '{"model":"a","\\u006dodel":"b","messages":[]}', { model: 'b', streamed: false }],
  ['the model, below __proto__', '{"__proto__":{"model":"a","stream":true},"model":"b"}', { model: 'b', streamed: false }],
])('of members that stand there twice the last one counts, as for everybody who parses JSON: %s', (_what, body, expected) => {
  expect(SURFACES['openai.chat'].readRequest(Buffer.from(body), { injectUsage: false })).toMatchObject({ kind: 'request', ...expected });
});

test('what only an inherited member would name is not named', () => {
  for (const body of ['{"__proto__":{"model":"a"}}', '{"constructor":{"model":"a"}}']) {
    expect(SURFACES['openai.chat'].readRequest(Buffer.from(body), { injectUsage: true })).toMatchObject({ kind: 'rejected' });
  }
});

test('half a character in the model of a batch is recorded as text', () => {
  const body = String.raw`{"requests":[{"custom_id":"a","params":{"model":"claude\ud800","messages":[]}}]}`;
  expect(SURFACES['anthropic.batches'].readRequest(Buffer.from(body), { injectUsage: false })).toMatchObject({ model: 'claude\ufffd' });
});
