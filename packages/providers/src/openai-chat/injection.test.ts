import fc from 'fast-check';
import { expect, test } from 'vitest';
import { withUsageAsked } from './injection.ts';

type Json = Record<string, unknown>;

function asked(text: string): string | undefined {
  return withUsageAsked(Buffer.from(text), JSON.parse(text) as Json)?.toString();
}

test.each([
  ['no stream_options', '{"model":"m","stream":true}', '{"stream_options":{"include_usage":true},"model":"m","stream":true}'],
  ['white space before the object', ' \n{ "model":"m"}', ' \n{"stream_options":{"include_usage":true}, "model":"m"}'],
  ['empty stream_options', '{"model":"m","stream_options":{ }}', '{"model":"m","stream_options":{"include_usage":true }}'],
  [
    'other options',
    '{"stream_options" : {"include_obfuscation":false}}',
    '{"stream_options" : {"include_usage":true,"include_obfuscation":false}}',
  ],
  ['include_usage false', '{"stream_options":{"include_usage" : false }}', '{"stream_options":{"include_usage" : true }}'],
  ['null options', '{"stream_options":null,"a":1}', '{"stream_options":{"include_usage":true},"a":1}'],
  [
    'an escaped name',
    String.raw`{"stream\u005foptions":{"include\u005fusage":false}}`,
    String.raw`{"stream\u005foptions":{"include\u005fusage":true}}`,
  ],
  [
    'a repeated member',
    '{"stream_options":{"include_usage":true},"stream_options":{}}',
    '{"stream_options":{"include_usage":true},"stream_options":{"include_usage":true}}',
  ],
  [
    'decoys in nested objects and texts',
    String.raw`{"messages":[{"stream_options":{},"content":"\"stream_options\":{}"}],"stream_options":{"x":"}\\"}}`,
    String.raw`{"messages":[{"stream_options":{},"content":"\"stream_options\":{}"}],"stream_options":{"include_usage":true,"x":"}\\"}}`,
  ],
])('%s', (_name, body, expected) => {
  expect(asked(body)).toBe(expected);
});

test.each([
  '{"stream_options":{"include_usage":true}}',
  '{"stream_options":"yes"}',
  '{"stream_options":[]}',
  '{"stream_options":{"include_usage":"yes"}}',
])('a request that asks already, or that the provider refuses, stays: %s', (body) => {
  expect(asked(body)).toBeUndefined();
});

const space = fc.constantFrom('', '', ' ', '\n', '\t ', '\r\n');

/** A JSON text of `value` with white space anywhere and characters of names and texts escaped at random. */
function written(value: unknown): fc.Arbitrary<string> {
  if (typeof value === 'string') return escaped(value);
  if (typeof value !== 'object' || value === null) return fc.constant(JSON.stringify(value));
  if (Array.isArray(value)) {
    return fc.tuple(...value.map((item) => spaced(written(item)))).map((items) => `[${items.join(',')}]`);
  }
  const members = Object.entries(value).map(([name, item]) =>
    fc.tuple(spaced(escaped(name)), spaced(written(item))).map((pair) => pair.join(':')),
  );
  return fc.tuple(space, ...members).map(([first, ...rest]) => `{${rest.length === 0 ? first : rest.join(',')}}`);
}

function spaced(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(space, text, space).map((parts) => parts.join(''));
}

function escaped(text: string): fc.Arbitrary<string> {
  const units = text.split('').map((unit) => {
    const plain = JSON.stringify(unit).slice(1, -1);
    const code = `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
    return fc.boolean().map((escape) => (escape ? code : plain));
  });
  return fc.tuple(...units).map((parts) => `"${parts.join('')}"`);
}

const decoy = fc.constantFrom('"stream_options":{', '{"include_usage":false}', '\\"', '}', 'é', '😀', 'text');
const options = fc.oneof(
  fc.constant(undefined),
  fc.constant(null),
  fc.record(
    {
      include_usage: fc.constantFrom(true, false, null),
      include_obfuscation: fc.boolean(),
      nested: fc.record({ include_usage: fc.boolean() }),
    },
    { requiredKeys: [] },
  ),
);
const request = fc
  .record({
    model: fc.constant('gpt-4o'),
    messages: fc.array(
      fc.record({
        role: fc.constant('user'),
        content: fc.array(decoy).map((parts) => parts.join('')),
        stream_options: fc.dictionary(fc.constantFrom('include_usage', 'a', 'b'), fc.constantFrom(1, true, null, 'x')),
      }),
    ),
    stream_options: options,
    stream: fc.constant(true),
  })
  .map(({ stream_options: given, ...rest }): Json => (given === undefined ? rest : { ...rest, stream_options: given }))
  // The member may stand anywhere.
  .chain((body) =>
    fc
      .shuffledSubarray(Object.entries(body), { minLength: Object.keys(body).length })
      .map((entries) => Object.fromEntries<unknown>(entries)),
  );

test('whatever the request, it then asks for usage and says nothing else that it did not say', () => {
  fc.assert(
    fc.property(
      request.chain((body) => fc.tuple(fc.constant(body), spaced(written(body)))),
      ([body, text]) => {
        const bytes = Buffer.from(text);
        const injected = withUsageAsked(bytes, JSON.parse(text) as Json);
        const given = body['stream_options'] as Json | null | undefined;
        if (given?.['include_usage'] === true) {
          expect(injected).toBeUndefined();
          return;
        }
        expect(JSON.parse((injected as Buffer).toString())).toEqual({ ...body, stream_options: { ...given, include_usage: true } });
        expectOneSplice(bytes, injected as Buffer);
      },
    ),
    { numRuns: 500 },
  );
});

/** All bytes but one short run are those of the original, in order. */
function expectOneSplice(original: Buffer, changed: Buffer): void {
  let from = 0;
  while (from < original.length && original[from] === changed[from]) from++;
  let tail = 0;
  while (tail < original.length - from && original[original.length - 1 - tail] === changed[changed.length - 1 - tail]) tail++;
  expect(original.length - from - tail).toBeLessThanOrEqual('false'.length);
  expect(changed.length - from - tail).toBeLessThanOrEqual('"stream_options":{"include_usage":true},'.length);
}
