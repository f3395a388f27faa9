// Re-rating by the command, on the log that `up` leaves: looked at beside it, killed while it posts, and run again.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { request } from 'undici';
import { expect, test } from 'vitest';
import { startCli } from '../support/cli.ts';
import { CHAT_ANSWER, CHAT_REQUEST } from '../support/provider-answers.ts';
import { LEDGER_KEY, runLedger } from '../support/running-ledger.ts';
import { scriptedUpstream } from '../support/scripted-upstream.ts';

const HEADERS = { 'content-type': 'application/json', authorization: `Bearer ${LEDGER_KEY}` };
const EVENTS = 4;
const WAIT_MS = 60_000;
const MODEL = String((JSON.parse(CHAT_ANSWER) as { model: string }).model);
const BOOK = `sources: { page: { url: 'https://example.com', date: 2026-01-01 } }
blocks: [{ provider: openai, models: ['${MODEL}'], effective_from: 2020-01-01, source: page, prices: { standard: { input: 100, cache_read: 10, output: 1000 } } }]
`;

interface Sums {
  readonly statement: string | null;
  readonly total: {
    readonly events: number;
    readonly corrected: number;
    readonly cost: Readonly<Record<'before_usd' | 'after_usd', string>>;
  };
}

test('a period is re-rated once, though the command is killed while it posts', async () => {
  await using upstream = await scriptedUpstream(
    (response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(CHAT_ANSWER),
  );
  await using ledger = await runLedger({ upstreamUrl: upstream.url });
  for (let sent = 0; sent < EVENTS; sent += 1) {
    await (await request(`${ledger.url}/v1/chat/completions`, { method: 'POST', body: CHAT_REQUEST, headers: HEADERS })).body.dump();
  }
  await ledger.rows(EVENTS, WAIT_MS);
  const documents = join(ledger.folder, 'book.json');
  const day = (shift: number): string => new Date(Date.now() + shift * 86_400_000).toISOString();
  const closed = { kind: 'closed_period', id: 'today', from: day(-2), to: day(2) };
  writeFileSync(documents, JSON.stringify([{ kind: 'price_book', id: 'dearer', text: BOOK }, closed]));
  expect(await ledger.cli('apply', '-f', documents)).toMatchObject({ code: 0 });

  const period = ['rerate', '--from', day(-1), '--to', day(1), '--price-version', 'dearer'];
  const look = async (...args: readonly string[]): Promise<Sums> => {
    const { stdout, stderr, code } = await ledger.cli(...period, '--format', 'json', ...args);
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
    return JSON.parse(stdout) as Sums;
  };
  const before = await look('--dry-run');
  expect(before).toMatchObject({ statement: null, total: { events: EVENTS, corrected: EVENTS } });
  const asked = await ledger.cli('whatif', '--from', day(-1), '--to', day(1), '--model', `${MODEL}=gpt-4o`, '--format', 'json');
  expect(JSON.parse(asked.stdout)).toMatchObject({ total: { compared: EVENTS, unknown: 0, cost_usd: before.total.cost.before_usd } });
  expect(await ledger.cli(...period)).toMatchObject({ code: 2, stderr: expect.stringMatching(/is in use by/) });

  await ledger.process.stop('SIGKILL', WAIT_MS);
  expect(await ledger.cli(...period)).toMatchObject({ code: 1, stderr: expect.stringMatching(/the period 'today' is closed/) });
  const reopened = ['--reopen', 'the provider corrected its bill'];
  const data = join(ledger.folder, 'data');
  const killed = startCli([...period, ...reopened, '--data', data], { cwd: ledger.folder });
  await killed.waitForOutput(/events are corrected/, WAIT_MS);
  await killed.stop('SIGKILL', WAIT_MS);

  const finished = await ledger.cli(...period, ...reopened);
  expect(finished).toMatchObject({ code: 0 });
  const again = await look(...reopened);
  expect(again.statement).toBeNull();
  expect(again.total).toMatchObject({ events: EVENTS, corrected: 0, cost: { before_usd: before.total.cost.after_usd } });
});
