import fc from 'fast-check';
import { expect, test } from 'vitest';
import { withoutLongStrings } from './long-strings.ts';

const LONG = 40_000;

function parsed(value: unknown): { readonly value: unknown; readonly bytes: number } {
  const bytes = withoutLongStrings(Buffer.from(JSON.stringify(value)));
  return { value: JSON.parse(bytes.toString('utf8')), bytes: bytes.length };
}

test('a long string keeps its ends and its length, all others stay as they are', () => {
  const { value, bytes } = parsed({ model: 'm', text: `${'a'.repeat(LONG)}z`, usage: { 'say "it"': 1 } });
  expect(value).toMatchObject({ model: 'm', usage: { 'say "it"': 1 } });
  expect((value as { text: string }).text).toMatch(/^a{4000,}\[\d+\]a{4000,}z$/);
  expect(bytes).toBeLessThan(10_000);
});

test('a short text is given back as it is', () => {
  const text = Buffer.from(JSON.stringify({ text: 'a'.repeat(1000) }));
  expect(withoutLongStrings(text)).toBe(text);
});

test('a text that is dense with quotes, or full of escapes where it would be cut, is given back as it is', () => {
  for (const filler of ['"', '\\', '\n', '\u0001']) {
    const text = Buffer.from(JSON.stringify({ text: filler.repeat(LONG) }));
    expect(withoutLongStrings(text)).toBe(text);
  }
});

test('a string that is never closed is given back as it is', () => {
  const text = Buffer.from(`{"text":"${'a'.repeat(LONG)}`);
  expect(withoutLongStrings(text)).toBe(text);
});

test('whatever a value holds, what is left is JSON, and its short strings are those of before', () => {
  const piece = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('\\', '"', '\\"', '€', '𝄞', '\n', '\ud800', 'plain text '));
  const long = fc.tuple(piece, fc.integer({ min: 0, max: 3000 })).map(([text, times]) => text.repeat(times));
  const value = fc.dictionary(fc.string(), fc.oneof(long, fc.string(), fc.array(long, { maxLength: 3 })), { maxKeys: 5 });
  fc.assert(
    fc.property(value, (before) => {
      const { value: after } = parsed(before);
      expect(shortened(after)).toEqual(shortened(JSON.parse(JSON.stringify(before))));
    }),
  );
});

/** Long strings by their beginning alone. */
function shortened(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'string' && inner.length > 1000 ? inner.slice(0, 300) : inner)),
  );
}
