import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MarkerSearch } from './marker-search.ts';

const search = new MarkerSearch([
  { kind: 'member', text: '"usage"' },
  { kind: 'member', text: 'reason"' },
  { kind: 'text', text: ' [DONE]' },
]);
/** The same, said slowly. */
const SLOW = /"usage"[\s]*:[\s]*[^n\s]|reason"[\s]*:[\s]*[^n\s]| \[DONE\]/;

function find(text: string): number {
  const bytes = Buffer.from(text);
  return search.next(bytes, 0, bytes.length);
}

test('a member is found by its name when it has a value, not when it is null', () => {
  expect(find('{"a":1,"usage":{"b":2}}')).toBe(7);
  expect(find('{"a":1,"usage" : 3}')).toBe(7);
  expect(find('{"a":1,"usage":null}')).toBe(-1);
  expect(find('{"a":"usage"}')).toBe(-1);
});

test('a text is found as it stands', () => {
  expect(find('data: [DONE]\n\n')).toBe(5);
});

test('a marker of another length is refused', () => {
  expect(() => new MarkerSearch([{ kind: 'text', text: 'short' }])).toThrow(RangeError);
});

test('it finds what a regular expression finds', () => {
  const part = fc.constantFrom(
    '"usage"',
    '"usage":',
    'null',
    '{',
    ' ',
    ':',
    'finish_reason"',
    'reason":"stop"',
    ' [DONE]',
    '[DONE',
    '"',
    'usag',
    'x',
    '\n',
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 24 }), (parts) => {
      const text = parts.join('');
      expect(find(text)).toBe(SLOW.exec(text)?.index ?? -1);
    }),
    { numRuns: 2000 },
  );
});

test('it looks from an offset to an end only', () => {
  const bytes = Buffer.from('"usage":1,"usage":2');
  expect(search.next(bytes, 1, bytes.length)).toBe(10);
  expect(search.next(bytes, 1, bytes.length - 1)).toBe(-1);
});
