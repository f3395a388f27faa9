/** Five thousand requests over three channels that fail at random, each with a bill of its own: what each channel billed stands in the ledger under its name. */
import { join } from 'node:path';
import { type BillLine, type ProviderSimulator, type Script, startProviderSimulator } from '@tokenledger/provider-simulator';
import { Pool } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LEDGER_KEY, type RunningLedger, runLedger } from '../support/running-ledger.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { billTotals, totalsQuery } from './suites/totals.ts';

const REQUESTS = 5_000;
const IN_FLIGHT = 64;
const SEED = 23;
const CHANNELS = ['a', 'b', 'c'] as const;
const SETUP_TIMEOUT_MS = 180_000;
const ROWS_TIMEOUT_MS = 60_000;
const ATTEMPTS_MAX = 4;

/** Mulberry32. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** One request in three fails: before anything was billed, after all of it was, or with an answer that breaks off. */
function fate(random: (below: number) => number): Script {
  const classes = { uncached_input: 1 + random(5_000), cache_read: random(3) === 0 ? random(9_000) : 0, visible_output: 1 + random(900) };
  switch (random(18)) {
    case 0:
      return { status: 429, retry_after_s: 0 };
    case 1:
      return { status: 429, retry_after_s: 30 };
    case 2:
      return { status: 503 };
    case 3:
    case 4:
      return { status: 500, billed: true, classes };
    case 5:
      return { cut_after_bytes: 0, classes };
    default:
      return { classes, chunks: 1 + random(4) };
  }
}

describe(`${REQUESTS} requests over three channels that fail at random (seed ${SEED})`, () => {
  const resources = new AsyncDisposableStack();
  const simulators = new Map<string, ProviderSimulator>();
  let ledger: RunningLedger;
  let bills: ReadonlyMap<string, readonly BillLine[]>;
  let answered: ReadonlyMap<number, number>;

  beforeAll(async () => {
    const folder = resources.use(await makeTempDir('routes'));
    for (const [index, id] of CHANNELS.entries()) {
      const random = seeded(SEED + index);
      const simulator = await startProviderSimulator({ billFile: join(folder.path, `${id}.jsonl`), script: () => fate(random) });
      resources.defer(() => simulator.close());
      simulators.set(id, simulator);
    }
    const channels = CHANNELS.map(
      (id) =>
        `{ id: ${id}, provider: openai, surfaces: [openai.chat], base_url: '${simulators.get(id)?.url}', credential: 'env:E2E_CREDENTIAL' }`,
    );
    const routes = [
      `{ id: chat, channels: [{ channel: a, weight: 2 }, { channel: b, weight: 1 }, { channel: c }], attempts_max: ${ATTEMPTS_MAX} }`,
    ];
    ledger = resources.use(await runLedger({ upstreamUrl: '', channels, routes, config: 'ingress: { breaker_open_ms: 20 }' }));
    answered = await sendAll(ledger.url);
    await ledger.rows(REQUESTS, ROWS_TIMEOUT_MS);
    bills = new Map(await Promise.all(CHANNELS.map(async (id) => [id, (await simulators.get(id)?.bill()) ?? []] as const)));
  }, SETUP_TIMEOUT_MS);
  afterAll(() => resources.disposeAsync());

  test('every request is one event and has one answer, with at most the attempts that its route allows', async () => {
    expect([...answered.values()].reduce((sum, count) => sum + count, 0)).toBe(REQUESTS);
    const [row] = await ledger.clickhouse.query<{ events: string; most: string; several: string }>(
      'SELECT toString(uniqExact(event_id)) AS events, toString(max(length(attempts.attempt_id))) AS most, toString(countIf(length(attempts.attempt_id) > 1)) AS several FROM usage_events',
    );
    expect(Number(row?.events)).toBe(REQUESTS);
    expect(Number(row?.most)).toBe(ATTEMPTS_MAX);
    expect(Number(row?.several)).toBeGreaterThan(REQUESTS / 10);
  });

  test.each(CHANNELS)('what channel %s billed is in the ledger under its name, class by class', async (id) => {
    const lines = bills.get(id) ?? [];
    const reported = lines.filter((line) => line.reported);
    expect(reported.filter(({ status }) => status === 500).length).toBeGreaterThan(20);
    expect(await ledger.clickhouse.query(`${totalsQuery('usage_attempts')} WHERE channel_id = '${id}'`)).toEqual([billTotals(reported)]);
  });

  test.each(CHANNELS)(
    'each request that channel %s saw is an attempt by the id that it was sent, its usage unknown where it stated none',
    async (id) => {
      const lines = bills.get(id) ?? [];
      expect(lines.length).toBeGreaterThan(100);
      const rows = await ledger.clickhouse.query<{ attempt_id: string; known: number }>(
        `SELECT attempt_id, toUInt8(usage_reason = '') AS known FROM usage_attempts WHERE channel_id = '${id}'`,
      );
      const inLedger = new Map(rows.map((row) => [row.attempt_id, row.known === 1]));
      expect(inLedger).toEqual(new Map(lines.map((line) => [line.request_id, line.reported])));
      expect(rows).toHaveLength(lines.length);
    },
  );

  test('of an upstream that bills and then fails, and one that serves: one event, two attempts, the cost of both', async () => {
    const [row] = await ledger.clickhouse.query<{ events: string; wrong: string }>(`
      SELECT toString(count()) AS events, toString(countIf(cost_usd != attempts.cost_usd[1] + attempts.cost_usd[2] OR arrayExists(c -> c = 0, attempts.cost_usd))) AS wrong
      FROM usage_events
      WHERE length(attempts.attempt_id) = 2 AND attempts.http_status[1] = 500 AND attempts.http_status[2] = 200
        AND attempts.usage_reason[1] = '' AND attempts.usage_reason[2] = ''`);
    expect(Number(row?.events)).toBeGreaterThan(20);
    expect(row?.wrong).toBe('0');
    const [sums] = await ledger.clickhouse.query<{ events: string; attempts: string }>(
      'SELECT toString((SELECT sum(cost_usd) FROM usage_events)) AS events, toString((SELECT sum(cost_usd) FROM usage_attempts)) AS attempts',
    );
    expect(sums?.events).toBe(sums?.attempts);
  });

  test('what is said of a route can be asked: who served, and why', async () => {
    const rows = await ledger.clickhouse.query<{ route_type: string; route_reason: string }>(
      "SELECT DISTINCT route_type, route_reason FROM usage_events WHERE outcome = 'ok' ORDER BY ALL",
    );
    expect(rows.map(({ route_type, route_reason }) => `${route_type} ${route_reason}`)).toEqual(
      expect.arrayContaining(['backup route/chat/fallback', 'direct route/chat/retry', 'direct route/chat/weight']),
    );
  });
});

/** How many answers there were of each status. */
async function sendAll(url: string): Promise<ReadonlyMap<number, number>> {
  const pool = new Pool(url, { connections: IN_FLIGHT });
  const statuses = new Map<number, number>();
  let left = REQUESTS;
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const answer = await pool.request({
        path: '/v1/chat/completions',
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${LEDGER_KEY}` },
        body: '{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Hi"}]}',
      });
      await answer.body.dump();
      statuses.set(answer.statusCode, (statuses.get(answer.statusCode) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  await pool.close();
  return statuses;
}
