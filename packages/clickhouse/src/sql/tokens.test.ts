import fc from 'fast-check';
import { expect, test } from 'vitest';
import { tokenize } from './tokens.ts';

const texts = (sql: string): string[] => [...tokenize(sql)].map((token) => `${token.kind}:${token.text}`);

test('words, numbers, strings, quoted names, symbols and comments are told apart', () => {
  expect(texts('SELECT `a b`, "c", \'d;e\', 1.5e3 -- f\n/* g; */ FROM t#1 # h')).toEqual([
    'word:SELECT',
    'quoted_name:`a b`',
    'symbol:,',
    'quoted_name:"c"',
    'symbol:,',
    "string:'d;e'",
    'symbol:,',
    'number:1.5e3',
    'comment:-- f',
    'comment:/* g; */',
    'word:FROM',
    'word:t',
    'symbol:#',
    'number:1',
    'comment:# h',
  ]);
});

test('a quote inside a string is escaped by a backslash or by doubling it', () => {
  expect(texts(String.raw`'it''s' 'it\'s' 'back\\' x`)).toEqual([
    String.raw`string:'it''s'`,
    String.raw`string:'it\'s'`,
    String.raw`string:'back\\'`,
    'word:x',
  ]);
});

test('a heredoc is a string, and a lone dollar is not one', () => {
  expect(texts("$tag$ it's; $tag$ x")).toEqual(["string:$tag$ it's; $tag$", 'word:x']);
  expect(texts('$tag$ open')).toEqual(['symbol:$', 'word:tag$', 'word:open']);
});

test('what is not closed runs to the end', () => {
  expect(texts("'open; -- x")).toEqual(["string:'open; -- x"]);
  expect(texts('/* open; x')).toEqual(['comment:/* open; x']);
});

test('tokens cover the text in order, and only white space lies between them', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('a', "'", '"', '`', '\\', '-', '/', '*', ';', '\n', ' ', '$', '#', '1', 'é')).map((chars) => chars.join('')),
      (sql) => {
        let end = 0;
        for (const token of tokenize(sql)) {
          expect(sql.slice(end, token.start).trim()).toBe('');
          expect(token.end).toBeGreaterThan(token.start);
          end = token.end;
        }
        expect(sql.slice(end).trim()).toBe('');
      },
    ),
  );
});
