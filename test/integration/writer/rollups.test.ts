import { formatUsd } from '@tokenledger/domain';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { batchOf, type Ledger, openLedger, openStore, owner } from './ledger.ts';
import { correction, pricedEvent, SOURCE } from './priced-events.ts';

const EVENTS = 3_000;
/** Sums of the base table, read row by row. */
const FROM_ROWS = 'SETTINGS optimize_use_projections = 0';
/** An error instead of an answer when no projection serves the query. */
const FROM_PROJECTION = 'SETTINGS force_optimize_projection = 1';

const VIEWS = [
  { view: 'usage_by_minute', time: 'minute', projection: 'by_minute' },
  { view: 'usage_by_hour', time: 'hour', projection: 'by_hour_and_day' },
  { view: 'usage_by_day', time: 'day', projection: 'by_hour_and_day' },
] as const;
const DIMENSIONS = [
  'tenant_id',
  'project_id',
  'owner_id',
  'team',
  'virtual_key_id',
  'application',
  'environment',
  'feature',
  'settlement_kind',
  'settlement_id',
  'surface',
  'provider',
  'served_model',
  'outcome',
  'currency',
];
const CLASSES = [
  'uncached_input_tokens',
  'cache_read_tokens',
  'cache_write_5m_tokens',
  'cache_write_1h_tokens',
  'input_audio_tokens',
  'cached_audio_tokens',
  'input_image_tokens',
  'visible_output_tokens',
  'reasoning_tokens',
  'output_audio_tokens',
  'output_image_tokens',
  'web_search_requests',
  'images',
  'audio_seconds',
  'characters',
];
const AMOUNTS = ['cost_usd', 'list_cost_usd', 'billable_usd', 'saved_usd', 'billable_amount'];
const TOTALS = [...AMOUNTS, 'input_tokens', 'output_tokens', 'total_tokens', 'attempts_usage_unknown', 'attempts_unpriced', ...CLASSES];
const COUNTS: Readonly<Record<string, string>> = {
  events: `countIf(kind = 'usage')`,
  events_usage_unknown: `countIf(kind = 'usage' AND usage_reason NOT IN ('', 'not_forwarded'))`,
  events_usage_estimated: `countIf(kind = 'usage' AND usage_source = 'estimated')`,
  events_unpriced: `countIf(kind = 'usage' AND b.cost_usd IS NULL AND usage_reason != 'not_forwarded')`,
  events_list_unpriced: `countIf(kind = 'usage' AND b.list_cost_usd IS NULL AND usage_reason != 'not_forwarded')`,
  events_billable_unpriced: `countIf(kind = 'usage' AND b.billable_usd IS NULL AND usage_reason != 'not_forwarded')`,
  events_not_forwarded: `countIf(kind = 'usage' AND usage_reason = 'not_forwarded')`,
};
const viewSums = [...Object.keys(COUNTS), ...TOTALS].map((name) => `sum(v.${name}) AS ${name}`).join(', ');
const baseSums = [
  ...Object.entries(COUNTS).map(([name, expression]) => `${expression} AS ${name}`),
  ...TOTALS.map((name) => `sum(b.${name}) AS ${name}`),
].join(', ');

let ledger: Ledger;
const rows = (sql: string) => ledger.clickhouse.query<Record<string, unknown>>(sql);

beforeAll(async () => {
  ledger = await openLedger();
  const { store } = openStore(ledger.clickhouse);
  await store.takeOver(owner(1));
  const events = [
    ...Array.from({ length: EVENTS }, (_, index) => pricedEvent(index + 1)),
    ...Array.from({ length: 40 }, (_, index) => correction(index + 1)),
  ];
  for (let from = 0; from < events.length; from += 500) await store.write(owner(1), batchOf(events.slice(from, from + 500), from));
});
afterAll(() => ledger[Symbol.asyncDispose]());

test.each(VIEWS)('$view equals the sums of the rows, and is answered from its projection', async ({ view, time }) => {
  const grouped = `GROUP BY ${time}, tenant_id ORDER BY ${time}, tenant_id`;
  const expected = await rows(`SELECT ${time}, tenant_id, ${baseSums} FROM usage_events AS b ${grouped} ${FROM_ROWS}`);
  const found = await rows(`SELECT ${time}, tenant_id, ${viewSums} FROM ${view} AS v ${grouped} ${FROM_PROJECTION}`);
  expect(found).toEqual(expected);
  expect(found.length).toBeGreaterThan(3);
});

test.each(VIEWS.flatMap((view) => DIMENSIONS.map((dimension) => ({ ...view, dimension }))))(
  '$view filtered by $dimension and time is answered from its projection',
  async ({ view, time, dimension }) => {
    const value = await ledger.value(`SELECT ${dimension} FROM usage_events GROUP BY ${dimension} ORDER BY count() DESC LIMIT 1`);
    const begin = await ledger.value(`SELECT toString(quantileExact(0.3)(${time})) FROM usage_events`);
    const filter = `${dimension} = '${value}' AND ${time} >= '${begin}'`;
    const expected = await rows(
      `SELECT ${dimension}, ${baseSums} FROM usage_events AS b WHERE ${filter} GROUP BY ${dimension} ${FROM_ROWS}`,
    );
    const found = await rows(`SELECT ${dimension}, ${viewSums} FROM ${view} AS v WHERE ${filter} GROUP BY ${dimension} ${FROM_PROJECTION}`);
    expect(found).toEqual(expected);
    expect(found).toHaveLength(1);
  },
);

test.each(VIEWS)('the plan of a query of $view names the projection $projection', async ({ view, time, projection }) => {
  const plan = await ledger.clickhouse.query<{ explain: string }>(
    `EXPLAIN projections = 1 SELECT ${time}, sum(cost_usd) FROM ${view} WHERE provider = 'openai' GROUP BY ${time}`,
  );
  expect(plan.map(({ explain }) => explain).join('\n')).toMatch(new RegExp(`ReadFromMergeTree \\((.*\\.)?${projection}\\)`));
});

test('views agree after the parts were merged', async () => {
  await ledger.clickhouse.command('OPTIMIZE TABLE usage_events FINAL');
  for (const { view } of VIEWS) {
    expect(await rows(`SELECT ${viewSums} FROM ${view} AS v ${FROM_PROJECTION}`)).toEqual(
      await rows(`SELECT ${baseSums} FROM usage_events AS b ${FROM_ROWS}`),
    );
  }
});

test('totals are null exactly where no usage is known, and unknowns are counted', async () => {
  const refused =
    await rows(`SELECT DISTINCT input_tokens, total_tokens, cost_usd, uncached_input_tokens, events_usage_unknown, events_unpriced
    FROM usage_by_minute WHERE outcome = 'refused_policy'`);
  expect(refused).toEqual([
    {
      input_tokens: null,
      total_tokens: null,
      cost_usd: null,
      uncached_input_tokens: null,
      events_usage_unknown: '0',
      events_unpriced: '0',
    },
  ]);
  const [unknown] =
    await rows(`SELECT sum(events_usage_unknown) AS unknown, sum(events_unpriced) AS unpriced, sum(events_not_forwarded) AS refused
    FROM usage_by_day`);
  const known = Array.from({ length: EVENTS }, (_, index) => index + 1).filter((sequence) => sequence % 7 !== 0);
  expect(unknown).toEqual({
    unknown: String(known.filter((sequence) => sequence % 11 === 0).length),
    unpriced: String(known.filter((sequence) => sequence % 11 === 0 || sequence % 13 === 0).length),
    refused: String(EVENTS - known.length),
  });
  const [partly] =
    await rows(`SELECT input_tokens, output_tokens, total_tokens FROM usage_events WHERE cache_read_tokens IS NULL AND usage_reason = ''
    AND kind = 'usage' AND sequence = 4`);
  expect(partly).toEqual({ input_tokens: '104', output_tokens: '24', total_tokens: '128' });
});

test('a side that an estimate does not know is null, its total too, and the event is counted as estimated', async () => {
  const estimated = Array.from({ length: EVENTS }, (_, index) => index + 1).filter((n) => n % 17 === 0 && n % 7 !== 0 && n % 11 !== 0);
  expect(await ledger.value('SELECT sum(events_usage_estimated) FROM usage_by_day')).toBe(String(estimated.length));
  const [row] = await rows(`SELECT input_tokens, output_tokens, total_tokens, usage_reason, usage_source, usage_basis
    FROM usage_events WHERE kind = 'usage' AND sequence = 17`);
  const known = { input_tokens: '100', output_tokens: null, total_tokens: '100', usage_reason: '' };
  expect(row).toEqual({ ...known, usage_source: 'estimated', usage_basis: 'request_bytes' });
  const [attempt] = await rows(`SELECT input_tokens, output_tokens, total_tokens, usage_reason, usage_source, usage_basis
    FROM usage_attempts WHERE kind = 'usage' AND request_id = (SELECT request_id FROM usage_events WHERE kind = 'usage' AND sequence = 17)`);
  expect(attempt).toEqual({ ...known, usage_source: 'estimated', usage_basis: 'request_bytes' });
});

test('corrections are in the sums and are no events', async () => {
  const [row] = await rows(`SELECT sum(visible_output_tokens) AS tokens, sum(cost_usd) AS cost, countIf(kind = 'usage') AS events
    FROM usage_events WHERE kind = 'reconciliation'`);
  expect(row).toEqual({ tokens: '-200', cost: '-0.2', events: '0' });
});

test('money sums to the last digit, over events and over attempts', async () => {
  const costs = Array.from({ length: EVENTS }, (_, index) => pricedEvent(index + 1)).flatMap(({ ratings }) => ratings);
  const expected = costs.reduce((sum, { cost }) => sum + (cost ?? 0n), 0n);
  for (const table of ['usage_events', 'usage_attempts']) {
    const found = await ledger.value(`SELECT toDecimalString(sum(cost_usd), 12) FROM ${table} WHERE kind = 'usage'`);
    expect(found).toBe(formatUsd(expected));
  }
});

test('each upstream call is a row of usage_attempts', async () => {
  const found = await rows(`SELECT attempt, attempt_id, http_status, usage_reason, total_tokens, cost_usd, unpriced_reason
    FROM usage_attempts WHERE request_id = 'request-10' AND kind = 'usage' ORDER BY attempt`);
  expect(found).toEqual([
    {
      attempt: 1,
      attempt_id: 'first-10',
      http_status: 503,
      usage_reason: 'upstream_error',
      total_tokens: null,
      cost_usd: null,
      unpriced_reason: 'usage_unknown',
    },
    {
      attempt: 2,
      attempt_id: 'attempt-10',
      http_status: 200,
      usage_reason: '',
      total_tokens: '150',
      cost_usd: '0.00013750011',
      unpriced_reason: '',
    },
  ]);
  expect(await ledger.value('SELECT count() FROM usage_attempts')).toBe(
    await ledger.value('SELECT sum(length(attempts.attempt_id)) FROM usage_events'),
  );
});

test('completeness shows each source, answered from its projection', async () => {
  const sql = `SELECT first_sequence, last_sequence, rows, distinct_sequences, missing, repeats FROM completeness WHERE source = '${SOURCE}' ${FROM_PROJECTION}`;
  const count = String(EVENTS);
  expect(await rows(sql)).toEqual([
    { first_sequence: '1', last_sequence: count, rows: count, distinct_sequences: count, missing: '0', repeats: '0' },
  ]);
  const columns = ['event_id', 'source', 'sequence', 'log_topic', 'log_partition', 'epoch', 'kind', 'occurred_at', 'recorded_at'];
  const row = (sequence: number) =>
    ['019a3f5e-2c7b-7abc-8def-0123456789ab', 'gappy', sequence, 'elsewhere', 5, 1, 'usage', '1762000000.123', '1762000000.123'] as const;
  await ledger.clickhouse.insertRows('usage_events', columns, [row(2), row(3), row(3), row(9)]);
  await ledger.clickhouse.insertRows(
    'dead_letters',
    ['source', 'sequence', 'log_topic', 'log_partition', 'epoch', 'code', 'recorded_at'],
    [
      ['gappy', 5, 'elsewhere', 5, 1, 'X', '1762000000.123'],
      ['@elsewhere/5', 77, 'elsewhere', 5, 1, 'X', '1762000000.123'],
    ],
  );
  expect(await rows(`SELECT * FROM completeness WHERE log_partition = 5 ${FROM_PROJECTION}`)).toEqual([
    {
      source: 'gappy',
      log_partition: 5,
      first_sequence: '2',
      last_sequence: '9',
      announced_sequence: null,
      rows: '5',
      distinct_sequences: '4',
      missing: '5',
      awaited: '0',
      repeats: '1',
      missing_ranges: [
        ['1', '1'],
        ['4', '4'],
        ['6', '8'],
      ],
      closed: null,
    },
  ]);
});

test('every column of the tables explains itself', async () => {
  expect(
    await rows(`SELECT table, name FROM system.columns WHERE database = currentDatabase() AND comment = ''
    AND table IN ('usage_events', 'dead_letters', 'sources', 'fence')`),
  ).toEqual([]);
});
