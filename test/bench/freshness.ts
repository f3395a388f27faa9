/** How long after the end of an answer its row is there, with tokens, cost and price version, as SQL sees it.
 *
 *  The whole program as users run it, on the embedded default; requests at set times, whatever the answers do. `--json` prints the last line
 *  alone; `--requests N` (200), `--rate N` per second (20). Ends with 1 when a row lacks its cost. */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startProviderSimulator } from '@tokenledger/provider-simulator';
import { Pool } from 'undici';
import { LEDGER_KEY, type RunningLedger, runLedger } from '../support/running-ledger.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { percentile, rounded } from './support/statistics.ts';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    requests: { type: 'string', default: '200' },
    rate: { type: 'string', default: '20' },
  },
});
const REQUESTS = Number(options.requests);
const PER_SECOND = Number(options.rate);
const LOOK_INTERVAL_MS = 20;
const ROWS_TIMEOUT_MS = 60_000;

await using folder = await makeTempDir('freshness');
const simulator = await startProviderSimulator({ billFile: join(folder.path, 'bill.jsonl') });
await using ledger = await runLedger({ upstreamUrl: simulator.url });
const pool = new Pool(ledger.url, { connections: 64 });
const endedAt = new Map<string, number>();
const seenAt = new Map<string, number>();
let unpriced = 0;

await send(1); // the first request opens connections on all sides
await ledger.rows(1, ROWS_TIMEOUT_MS);
endedAt.clear();
const watching = watch(ledger);
await paced();
await watching;
await pool.close();
await simulator.close();

const delays = [...endedAt].map(([id, ended]) => (seenAt.get(id) as number) - ended);
const figures = {
  bench: 'freshness',
  requests: REQUESTS,
  per_second: PER_SECOND,
  freshness_p50_ms: rounded(percentile(delays, 0.5), 0),
  freshness_p99_ms: rounded(percentile(delays, 0.99), 0),
  freshness_max_ms: rounded(Math.max(...delays), 0),
  rows_without_cost: unpriced,
};
if (!options.json) {
  process.stdout.write(`${REQUESTS} requests at ${PER_SECOND}/s: from the end of an answer to its row in SQL, in milliseconds\n`);
  process.stdout.write(
    `p50 ${figures.freshness_p50_ms}   p99 ${figures.freshness_p99_ms}   max ${figures.freshness_max_ms}   rows without cost ${unpriced}\n`,
  );
}
process.stdout.write(`${JSON.stringify(figures)}\n`);
if (unpriced > 0) process.exitCode = 1;

async function send(index: number): Promise<void> {
  const streamed = index % 2 === 0;
  const body = JSON.stringify({ model: 'gpt-4o-mini', stream: streamed, messages: [{ role: 'user', content: 'Name three rivers.' }] });
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${LEDGER_KEY}` };
  const answer = await pool.request({ path: '/v1/chat/completions', method: 'POST', headers, body });
  await answer.body.dump({ limit: Number.MAX_SAFE_INTEGER });
  endedAt.set(String(answer.headers['x-tokenledger-request-id']), performance.now());
}

async function paced(): Promise<void> {
  const began = performance.now();
  const pending: Promise<void>[] = [];
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      while (pending.length < REQUESTS && began + (pending.length * 1000) / PER_SECOND <= performance.now())
        pending.push(send(pending.length));
      if (pending.length < REQUESTS) return;
      clearInterval(timer);
      resolve();
    }, 1);
  });
  await Promise.all(pending);
}

/** Looks for new rows until all are there. */
async function watch({ clickhouse }: RunningLedger): Promise<void> {
  const deadline = performance.now() + (REQUESTS * 1000) / PER_SECOND + ROWS_TIMEOUT_MS;
  while (seenAt.size < REQUESTS + 1) {
    if (performance.now() > deadline) throw new Error(`${seenAt.size - 1} of ${REQUESTS} rows came`);
    const rows = await clickhouse.query<{ event_id: string; complete: number }>(
      "SELECT event_id, isNotNull(cost_usd) AND isNotNull(input_tokens) AND price_version != '' AS complete FROM usage_events",
    );
    const now = performance.now();
    for (const { event_id: id, complete } of rows) {
      if (seenAt.has(id)) continue;
      seenAt.set(id, now);
      if (Number(complete) !== 1) unpriced += 1;
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_INTERVAL_MS));
  }
}
