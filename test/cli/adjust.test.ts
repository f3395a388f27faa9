// What a month's volume changes, by the command, on the log that `up` leaves: looked at beside it, killed once it is fixed, and run again.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { request } from 'undici';
import { expect, test } from 'vitest';
import { startCli } from '../support/cli.ts';
import { CHAT_ANSWER, CHAT_REQUEST } from '../support/provider-answers.ts';
import { LEDGER_KEY, runLedger } from '../support/running-ledger.ts';
import { scriptedUpstream } from '../support/scripted-upstream.ts';
import { waitFor } from '../support/wait-for.ts';

const HEADERS = { 'content-type': 'application/json', authorization: `Bearer ${LEDGER_KEY}` };
const EVENTS = 4;
const WAIT_MS = 60_000;

interface Volumes {
  readonly statement: string | null;
  readonly volumes: readonly { readonly kind: string; readonly document: string; readonly term: string; readonly volume: string }[];
  readonly total: { readonly corrected: number; readonly cost_after_usd: string; readonly billable_after_usd: string };
}

test('tiers and allowances of a month are posted once, though the command is killed while it posts', async () => {
  await using upstream = await scriptedUpstream(
    (response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(CHAT_ANSWER),
  );
  await using ledger = await runLedger({ upstreamUrl: upstream.url });
  for (let sent = 0; sent < EVENTS; sent += 1) {
    await (await request(`${ledger.url}/v1/chat/completions`, { method: 'POST', body: CHAT_REQUEST, headers: HEADERS })).body.dump();
  }
  await ledger.rows(EVENTS, WAIT_MS);
  const [used] = await ledger.clickhouse.query<{ day: string; tokens: string }>(
    'SELECT toString(max(day)) AS day, toString(any(total_tokens)) AS tokens FROM usage_events',
  );
  const documents = join(ledger.folder, 'agreed.json');
  const agreed = { effective_from: '2020-01-01T00:00:00.000Z', activates_at: new Date(Date.now() + 3_600_000).toISOString() };
  const tokens = Number(used?.tokens);
  const volumes = [{ measure: 'tokens', tiers: [{ above: String(tokens), factor: '0' }] }];
  const included = [{ measure: 'tokens', up_to: String(3 * tokens) }];
  writeFileSync(
    documents,
    JSON.stringify([
      { kind: 'contract', id: 'openai-2026', provider: 'openai', ...agreed, volume_tiers: volumes },
      { kind: 'rate_card', id: 'all', ...agreed, included },
    ]),
  );
  expect(await ledger.cli('apply', '-f', documents)).toMatchObject({ code: 0 });

  const adjust = ['adjust', '--day', String(used?.day)];
  const look = async (...args: readonly string[]): Promise<Volumes> => {
    const { stdout, stderr, code } = await ledger.cli(...adjust, '--format', 'json', ...args);
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
    return JSON.parse(stdout) as Volumes;
  };
  const before = await look('--dry-run');
  expect(before).toMatchObject({ statement: null, total: { corrected: EVENTS } });
  expect(before.volumes.map(({ kind, document, term, volume }) => [kind, document, term, volume])).toEqual([
    ['contract', 'openai-2026', 'volume_tiers[0]', String(EVENTS * tokens)],
    ['rate_card', 'all', 'included[0]', String(EVENTS * tokens)],
  ]);
  expect(await ledger.cli(...adjust)).toMatchObject({ code: 2, stderr: expect.stringMatching(/is in use by/) });
  const [rated] = await ledger.clickhouse.query<{ cost: string }>('SELECT toString(any(cost_usd)) AS cost FROM usage_events');

  await ledger.process.stop('SIGKILL', WAIT_MS);
  const killed = startCli([...adjust, '--data', join(ledger.folder, 'data')], { cwd: ledger.folder });
  await killed.waitForOutput(/events are corrected/, WAIT_MS);
  await killed.stop('SIGKILL', WAIT_MS);

  expect(await ledger.cli(...adjust)).toMatchObject({ code: 0 });
  const again = await look();
  expect(again).toMatchObject({ statement: null, total: { corrected: 0 } });
  // Three of four cost us nothing, and three of four are included.
  expect(Number(again.total.cost_after_usd)).toBeCloseTo(-3 * Number(rated?.cost), 11);
  expect(again.total.billable_after_usd).toBe(again.total.cost_after_usd);
});

test('a ledger that runs posts them by itself for a day that is over, and not for the one that is not', async () => {
  await using upstream = await scriptedUpstream(
    (response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(CHAT_ANSWER),
  );
  await using ledger = await runLedger({
    upstreamUrl: upstream.url,
    config: 'writer: { seal_interval_ms: 1000, allowed_lateness_ms: 0 }\n',
  });
  await (await request(`${ledger.url}/v1/chat/completions`, { method: 'POST', body: CHAT_REQUEST, headers: HEADERS })).body.dump();
  await ledger.rows(1, WAIT_MS);
  // The same, two days ago.
  await ledger.clickhouse.command(
    `INSERT INTO usage_events SELECT * REPLACE (occurred_at - INTERVAL 2 DAY AS occurred_at, generateUUIDv4() AS event_id, 'ingress/before' AS source) FROM usage_events`,
  );
  const documents = join(ledger.folder, 'agreed.json');
  const card = { kind: 'rate_card', id: 'all', included: [{ measure: 'usd', up_to: '1' }], effective_from: '2020-01-01T00:00:00.000Z' };
  writeFileSync(documents, JSON.stringify([{ ...card, activates_at: new Date(Date.now() + 3_600_000).toISOString() }]));
  expect(await ledger.cli('apply', '-f', documents)).toMatchObject({ code: 0 });
  const sums = () =>
    ledger.clickhouse.query(
      `SELECT day = today() AS today, count() AS corrections, sum(e.cost_usd) AS cost, sum(e.billable_usd) = -(SELECT any(billable_usd) FROM usage_events WHERE source = 'ingress/before') AS free
       FROM usage_events AS e WHERE startsWith(source, 'volume/') GROUP BY today`,
    );
  await waitFor(async () => (await sums()).length > 0, { timeoutMs: WAIT_MS, describe: () => `corrections: ${ledger.process.stderr()}` });
  expect(await sums()).toEqual([{ today: 0, corrections: '1', cost: '0', free: 1 }]);
});
