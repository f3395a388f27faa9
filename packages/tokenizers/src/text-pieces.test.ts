import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PIECE_CHARS, RUN_PIECE_CHARS, textPieces } from './text-pieces.ts';
import { tokenizerOf } from './tokenizer.ts';

const WORDS = 'the Übung größer été data 价格 цена مرحبا x1 42 (a) "b" it\'s don\'t end. \n\n  - {"key": [1, 2]} 😀 foo_bar';

describe('pieces of text', () => {
  test('are the text again when joined, whatever it holds', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...WORDS.split(' '), ' '.repeat(700), 'a'.repeat(1_200)))),
        (texts) => {
          const text = texts.join(' ').toWellFormed();
          const pieces = [...textPieces(text)].map((piece) => piece.text);
          expect(pieces.join('')).toBe(text);
          expect(pieces.every((piece) => piece.isWellFormed())).toBe(true);
        },
      ),
      { numRuns: 50 },
    );
  });

  test.each([
    ['letters', 'a'],
    ['ideographs', '漢'],
    ['ideographs beyond the basic plane', '𠀀'],
    ['blanks', ' '],
    ['signs', '='],
    ['digits', '7'],
  ])('cut through a run of %s that is too long', (_, unit) => {
    const pieces = [...textPieces(unit.repeat(10_000))];
    expect(Math.max(...pieces.map((piece) => piece.text.length))).toBeLessThanOrEqual(RUN_PIECE_CHARS + 1);
    expect(pieces.slice(0, -1).every((piece) => piece.cut === 'in_run')).toBe(true);
  });

  test.each([
    ['prose', 'Prose has words of some letters, and commas between them. '],
    ['lines', 'print(1)\nx=2\n'],
    ['ideographs', '敏捷的棕色狐狸跳过了懒狗。'],
  ])('of %s, however long, are parted where no token can reach across', (_, part) => {
    const text = part.repeat(Math.ceil(60_000 / part.length));
    const pieces = [...textPieces(text)];
    expect(pieces.length).toBeGreaterThan(text.length / PIECE_CHARS / 2);
    expect(pieces.every((piece) => piece.cut === 'clean')).toBe(true);
  });

  test('set a run apart from what stands before it', () => {
    const pieces = [...textPieces(`some words, then ${'='.repeat(700)} and more`)];
    expect(pieces.map((piece) => [piece.text.length, piece.cut])).toEqual([
      [17, 'through'],
      ...Array.from({ length: 6 }, () => [100, 'in_run']),
      [109, 'clean'],
    ]);
  });

  test('are cut where there is no word for long, so that a deadline is looked at', () => {
    const pieces = [...textPieces('0.25,'.repeat(100_000))];
    expect(Math.max(...pieces.map((piece) => piece.text.length))).toBeLessThan(17_000);
    expect(pieces[0]?.cut).toBe('through');
  });

  test.each([
    ['cl100k_base', ' '],
    ['o200k_base', ' '],
    ['cl100k_base', '\n'],
    ['o200k_base', '\n'],
    ['cl100k_base', '，狐'],
    ['o200k_base', '，狐'],
  ] as const)('add up to the count of the whole, as %s counts with %j between words', async (name, between) => {
    const tokenizer = await tokenizerOf(name);
    const words = WORDS.split(' ');
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...words), { minLength: 1_500, maxLength: 3_000, size: 'max' }), (chosen) => {
        const text = chosen.join(between);
        const pieces = [...textPieces(text)];
        expect(pieces.length).toBeGreaterThan(1);
        expect(pieces.reduce((sum, piece) => sum + tokenizer.count(piece.text), 0)).toBe(tokenizer.count(text));
      }),
      { numRuns: 20 },
    );
  });
});
