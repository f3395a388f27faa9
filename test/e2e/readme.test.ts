/** What README shows works: each of its SQL queries on a ledger with rows, and nothing it names is missing. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startProviderSimulator } from '@tokenledger/provider-simulator';
import { request } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { repositoryRoot } from '../support/repository.ts';
import { LEDGER_KEY, type RunningLedger, runLedger } from '../support/running-ledger.ts';
import { makeTempDir } from '../support/temp-dir.ts';

const ROWS_TIMEOUT_MS = 15_000;
const README = readFileSync(join(repositoryRoot, 'README.md'), 'utf8');
const QUERIES = Array.from(README.matchAll(/\n([^\n]+\?)\n\n```sql\n([\s\S]+?)\n```/g), ([, question, sql]) => ({
  question: question as string,
  sql: sql as string,
}));

const resources = new AsyncDisposableStack();
let ledger: RunningLedger;
beforeAll(async () => {
  const folder = resources.use(await makeTempDir('readme'));
  const simulator = await startProviderSimulator({ billFile: join(folder.path, 'bill.jsonl') });
  resources.defer(() => simulator.close());
  ledger = resources.use(await runLedger({ upstreamUrl: simulator.url }));
  const scripts = ['{}', '{}', '{"status":500}'];
  for (const script of scripts) {
    const headers = {
      authorization: `Bearer ${LEDGER_KEY}`,
      'content-type': 'application/json',
      'x-sim-script': script,
      'x-tokenledger-feature': 'search',
    };
    const body = JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hi' }] });
    await (await request(`${ledger.url}/v1/chat/completions`, { method: 'POST', headers, body })).body.dump();
  }
  await ledger.rows(scripts.length, ROWS_TIMEOUT_MS);
});
afterAll(() => resources.disposeAsync());

test('there are ten questions', () => {
  expect(QUERIES).toHaveLength(10);
});

test.each(QUERIES)('$question', async ({ sql }) => {
  const rows = await ledger.clickhouse.query(sql);
  expect(rows.length).toBeGreaterThan(0);
});
