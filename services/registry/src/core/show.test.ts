import type { ControlDocument } from '@tokenledger/control';
import { expect, test } from 'vitest';
import { shortDocument } from './show.ts';

test('a price book is shown by what it says of itself, its length and its hash', () => {
  const text = 'about: { number: 12, author: ann, at: 2026-09-01 }\nblocks: []\n';
  const document: ControlDocument = { kind: 'price_book', id: 'b', text };
  expect(shortDocument(document)).toEqual({
    kind: 'price_book',
    id: 'b',
    about: { number: 12, author: 'ann', note: '', at: '2026-09-01T00:00:00.000Z' },
    characters: text.length,
    sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown,
  });
});
