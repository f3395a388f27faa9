/** Ten thousand requests against the provider simulator's own bill: every request an event, every completed one with the tokens it was billed for. */
import { join } from 'node:path';
import { type BillLine, type ProviderSimulator, type Script, startProviderSimulator } from '@tokenledger/provider-simulator';
import { Pool } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LEDGER_KEY, type LedgerUnderTest, type StartLedger } from '../../support/running-ledger.ts';
import { makeTempDir } from '../../support/temp-dir.ts';
import { billTotals, totalsQuery } from './totals.ts';

const REQUESTS = 10_000;
const ABORTED = 500;
const FAILED = 500;
const IN_FLIGHT = 64;
const SEED = 11;
const TRAFFIC_TIMEOUT_MS = 180_000;
const ROWS_TIMEOUT_MS = 60_000;

type Fate = 'completed' | 'aborted' | 'failed';

interface Planned {
  readonly fate: Fate;
  readonly path: '/v1/chat/completions' | '/v1/messages';
  readonly streamed: boolean;
  readonly script: Script;
}

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

function plan(): readonly Planned[] {
  const random = seeded(SEED);
  return Array.from({ length: REQUESTS }, (_, index): Planned => {
    const fate = index % 20 === 0 ? 'aborted' : index % 20 === 10 ? 'failed' : 'completed';
    const path = random(2) === 0 ? '/v1/chat/completions' : '/v1/messages';
    if (fate === 'aborted') return { fate, path, streamed: true, script: { chunks: 40, chunk_delay_ms: 10 } };
    const streamed = random(2) === 0;
    if (fate === 'failed') return { fate, path, streamed, script: failure(random(4), streamed) };
    return {
      fate,
      path,
      streamed,
      script: { classes: classes(random, path), chunks: 1 + random(6), ...(random(10) === 0 ? { encoding: 'gzip' as const } : {}) },
    };
  });
}

function failure(kind: number, streamed: boolean): Script {
  if (kind === 0) return { status: 429, retry_after_s: 1 };
  if (kind === 1) return { status: 500 };
  if (kind === 2) return { status: 400 };
  return streamed ? { cut_after_chunks: 3, chunks: 8 } : { cut_after_bytes: 80 };
}

function classes(random: (below: number) => number, path: Planned['path']): NonNullable<Script['classes']> {
  const anthropic = path === '/v1/messages';
  return {
    uncached_input: 1 + random(5000),
    cache_read: random(3) === 0 ? random(20_000) : 0,
    cache_write_5m: anthropic && random(4) === 0 ? random(4000) : 0,
    cache_write_1h: anthropic && random(8) === 0 ? random(4000) : 0,
    visible_output: 1 + random(900),
    reasoning: !anthropic && random(3) === 0 ? random(3000) : 0,
    input_audio: !anthropic && random(10) === 0 ? random(300) : 0,
    output_audio: !anthropic && random(10) === 0 ? random(300) : 0,
    web_search_requests: anthropic && random(10) === 0 ? 1 + random(3) : 0,
  };
}

async function send(pool: Pool, planned: Planned): Promise<void> {
  const model = planned.path === '/v1/messages' ? 'claude-sonnet-5-5' : 'gpt-4o';
  const body = { model, stream: planned.streamed, max_tokens: 100, messages: [{ role: 'user', content: 'Hi' }] };
  const headers = {
    'content-type': 'application/json',
    authorization: `Bearer ${LEDGER_KEY}`,
    'x-sim-script': JSON.stringify(planned.script),
  };
  const answer = await pool.request({ path: planned.path, method: 'POST', headers, body: JSON.stringify(body) });
  if (planned.fate === 'aborted') {
    for await (const _chunk of answer.body) break; // leaving the loop destroys the body, and with it the connection
    return;
  }
  try {
    await answer.body.dump({ limit: Number.MAX_SAFE_INTEGER });
  } catch (error) {
    if (planned.fate !== 'failed') throw error; // an answer that was cut off reaches its client as cut off
  }
}

export function billSuite(start: StartLedger): void {
  describe(`${REQUESTS} requests, ${ABORTED} of them aborted and ${FAILED} failed (seed ${SEED})`, () => {
    const resources = new AsyncDisposableStack();
    let simulator: ProviderSimulator;
    let ledger: LedgerUnderTest;
    let billed: readonly BillLine[];

    beforeAll(async () => {
      const folder = resources.use(await makeTempDir('bill'));
      simulator = await startProviderSimulator({ billFile: join(folder.path, 'bill.jsonl') });
      resources.defer(() => simulator.close());
      ledger = resources.use(await start({ upstreamUrl: simulator.url }));
      const requests = plan();
      const pool = new Pool(ledger.url, { connections: IN_FLIGHT });
      const next = requests[Symbol.iterator]();
      const worker = async (): Promise<void> => {
        for (const planned of next) await send(pool, planned);
      };
      await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
      await pool.close();
      await ledger.rows(REQUESTS, ROWS_TIMEOUT_MS);
      billed = (await simulator.bill()).filter((line) => line.completed && line.reported);
    }, TRAFFIC_TIMEOUT_MS);
    afterAll(() => resources.disposeAsync());

    test('every request is one event, and no event is there twice', async () => {
      const counts =
        'SELECT toString(count()) AS rows, toString(uniqExact(event_id)) AS events, toString(uniqExact(source, log_partition, sequence)) AS numbers FROM usage_events';
      expect(await ledger.clickhouse.query(counts)).toEqual([{ rows: `${REQUESTS}`, events: `${REQUESTS}`, numbers: `${REQUESTS}` }]);
      const gaps = await ledger.clickhouse.query('SELECT source FROM completeness WHERE missing != 0 OR repeats != 0');
      expect(gaps).toEqual([]);
    });

    test('outcomes are what was done to the requests', async () => {
      const rows = await ledger.clickhouse.query<{ outcome: string; events: string }>(
        'SELECT outcome, toString(count()) AS events FROM usage_events GROUP BY outcome',
      );
      const outcomes = Object.fromEntries(rows.map(({ outcome, events }) => [outcome, Number(events)]));
      expect(outcomes).toEqual({ ok: REQUESTS - ABORTED - FAILED, client_aborted: ABORTED, upstream_error: FAILED });
    });

    test.each(['usage_events', 'usage_by_minute', 'usage_by_hour', 'usage_by_day', 'usage_attempts'])(
      "the totals of %s are the bill's, class by class",
      async (table) => {
        const bill = billTotals(billed);
        expect(Number(bill['cache_write_1h'])).toBeGreaterThan(0);
        expect(await ledger.clickhouse.query(totalsQuery(table))).toEqual([bill]);
      },
    );

    test('each request of the bill has its attempt, with the same input and output', async () => {
      const attempts = await ledger.clickhouse.query<{ attempt_id: string; input: string; output: string }>(
        "SELECT attempt_id, toString(input_tokens) AS input, toString(output_tokens) AS output FROM usage_attempts WHERE usage_reason = ''",
      );
      const ledgerSide = new Map(attempts.map((attempt) => [attempt.attempt_id, `${attempt.input}/${attempt.output}`]));
      const billSide = new Map(billed.map((line) => [line.request_id, `${inputOf(line)}/${outputOf(line)}`]));
      expect(ledgerSide).toEqual(billSide);
    });

    test('every event whose usage is known has a cost but for those with audio, which the model has no price for, and the views add it up', async () => {
      const [base] = await ledger.clickhouse.query<{ cost: string; unpriced: string; audio: string }>(`
        SELECT toString(sum(cost_usd)) AS cost,
          toString(countIf(usage_reason = '' AND isNull(cost_usd) AND unpriced_reason = 'price_missing')) AS unpriced,
          toString(countIf(ifNull(input_audio_tokens, 0) + ifNull(output_audio_tokens, 0) > 0)) AS audio
        FROM usage_events`);
      expect(Number(base?.audio)).toBeGreaterThan(0);
      expect(base?.unpriced).toBe(base?.audio);
      expect(Number(base?.cost)).toBeGreaterThan(0);
      for (const view of ['usage_by_minute', 'usage_by_hour', 'usage_by_day', 'usage_attempts']) {
        expect(await ledger.clickhouse.query(`SELECT toString(sum(cost_usd)) AS cost FROM ${view}`)).toEqual([{ cost: base?.cost }]);
      }
    });
  });
}

function inputOf({ classes }: BillLine): number {
  return classes === null
    ? 0
    : classes.uncached_input + classes.cache_read + classes.cache_write_5m + classes.cache_write_1h + classes.input_audio;
}

function outputOf({ classes }: BillLine): number {
  return classes === null ? 0 : classes.visible_output + classes.reasoning + classes.output_audio;
}
