// Holds docs/counting.md to the reasons, vocabularies and limits that there are.
import { COUNTING_LIMITS, NO_COUNT_REASONS, TOKENIZER_NAMES } from '@tokenledger/tokenizers';
import { expect, test } from 'vitest';
import { readRepositoryFile } from './repository-files.ts';

const PAGE = 'docs/counting.md';

test('docs/counting.md explains each reason why there is no count, and no other', async () => {
  const page = await readRepositoryFile(PAGE);
  const table = page.slice(page.indexOf('| reason | means |'), page.indexOf('## Which models'));
  expect([...table.matchAll(/^\| `([a-z_]+)` \|/gm)].map((match) => match[1]).sort()).toEqual(Object.keys(NO_COUNT_REASONS).sort());
});

test('docs/counting.md names each vocabulary and each limit', async () => {
  const page = await readRepositoryFile(PAGE);
  expect([...TOKENIZER_NAMES, ...Object.keys(COUNTING_LIMITS)].filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});
