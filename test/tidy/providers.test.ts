// Holds docs/providers.md to the surfaces and free calls that there are.
import { FREE_ENDPOINTS, SURFACE_NAMES } from '@tokenledger/providers';
import { expect, test } from 'vitest';
import { readRepositoryFile } from './repository-files.ts';

const PAGE = 'docs/providers.md';
const MARK = '<!-- Free calls, written from packages/providers/src/free-endpoints.ts by `npm test -- --project tidy -u`. -->\n';

/** A row per path, with its methods, in the order in which they are listed. */
function freeCalls(): string {
  const rows = Map.groupBy(
    FREE_ENDPOINTS,
    ({ path, apis, providers }) => `\`${path}\` | ${apis.join(', ')}${providers === undefined ? '' : ` (only ${providers.join(', ')})`}`,
  );
  const lines = [...rows].map(([row, endpoints]) => `| ${[...new Set(endpoints.map(({ method }) => method))].join(', ')} | ${row} |`);
  return ['| method | path | API |', '| --- | --- | --- |', ...lines].join('\n');
}

test('docs/providers.md says of every surface what is read', async () => {
  const page = await readRepositoryFile(PAGE);
  expect(SURFACE_NAMES.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});

test('docs/providers.md ends with every call that is free', async () => {
  const page = await readRepositoryFile(PAGE);
  const written = page.slice(0, page.indexOf(MARK) + MARK.length);
  expect(page).toContain(MARK);
  await expect(`${written}\n${freeCalls()}\n`).toMatchFileSnapshot(`../../${PAGE}`);
});
