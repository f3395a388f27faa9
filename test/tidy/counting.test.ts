// Holds docs/counting.md to the reasons, vocabularies and limits that there are.
import { COUNTING_LIMITS, NO_COUNT_REASONS, TOKENIZER_NAMES } from '@tokenledger/tokenizers';
import { expect, test } from 'vitest';
import { readRepositoryFile } from './repository-files.ts';

const PAGE = 'docs/counting.md';

test('docs/counting.md explains each reason why there is no count, and no other', async () => {
  const page = await readRepositoryFile(PAGE);
  const table = page.slice(page.indexOf('| reason | means |'), page.indexOf('## Which models'));
  const explained = [...table.matchAll(/^\| `([a-z_]+)` \|/gm)].map((match) => match[1]);
  expect(new Set(explained)).toEqual(new Set(Object.keys(NO_COUNT_REASONS)));
  expect(explained).toHaveLength(new Set(explained).size);
});

test('docs/counting.md names each vocabulary and each limit', async () => {
  const page = await readRepositoryFile(PAGE);
  expect([...TOKENIZER_NAMES, ...Object.keys(COUNTING_LIMITS)].filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});
