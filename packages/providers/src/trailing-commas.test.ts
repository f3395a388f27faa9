import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readRequestBody } from './request-body.ts';
import { withoutTrailingCommas } from './trailing-commas.ts';

test.each([
  ['{"a":1,}', '{"a":1}'],
  ['[1,2,\n ]', '[1,2\n ]'],
  ['{"a":[{"b":1,},],"c":{} , }', '{"a":[{"b":1}],"c":{}  }'],
  [String.raw`{"a":",}","b":"\",]",}`, String.raw`{"a":",}","b":"\",]"}`],
])('%s becomes %s', (json, expected) => {
  expect(withoutTrailingCommas(json)).toBe(expected);
  expect(() => JSON.parse(expected) as unknown).not.toThrow();
});

test.each(['{"a":1}', '[1,,2]', '{"a":1,"', ',', '"\\', ''])('%s stays as it is', (json) => {
  expect(withoutTrailingCommas(json)).toBe(json);
});

test('nothing but commas goes from any text, and nothing from JSON', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(',', '}', ']', '{', '[', '"', '\\', ' ', 'a') }), (text) => {
      expect(withoutTrailingCommas(text).replaceAll(',', '')).toBe(text.replaceAll(',', ''));
    }),
  );
  fc.assert(
    fc.property(fc.json(), (json) => {
      expect(withoutTrailingCommas(json)).toBe(json);
    }),
  );
});

test('a request with such commas is read, and still needs to be JSON otherwise', () => {
  expect(readRequestBody(Buffer.from('{"model":"m","stop":["a",],}'))).toMatchObject({ kind: 'body', model: 'm' });
  expect(readRequestBody(Buffer.from('{"model":"m",,}'))).toMatchObject({ kind: 'rejected', code: 'REQUEST_INVALID' });
});
