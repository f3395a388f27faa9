import { afterAll, beforeAll, expect, test } from 'vitest';
import { sealDays, sealedDays, writerMetrics } from '@tokenledger/writer';
import { createRegistry } from '@tokenledger/runtime';
import { events, openPipeline, PARTITIONS, type Pipeline, recordOf, SOURCE } from './pipeline.ts';

const EVENTS = 60;
/** The program starts four times, on cores that the traffic has too. */
const FLOW_TIMEOUT_MS = 240_000;
const GARBAGE = Buffer.from([0xff, 0x00, 0x80, 0x0a]);
const TOPIC = 'tokenledger.usage.priced';

let pipeline: Pipeline;
beforeAll(async () => {
  pipeline = await openPipeline();
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    const records = events(EVENTS, partition).map(recordOf);
    // With repeats, and then poison, with an identity and without one.
    await pipeline.publish(partition, [...records, ...records.slice(3, 9)]);
    // The headers of the first of these name another number than it has: it is rejected.
    const next = { ...records[0]!, headers: { 'tl-source': SOURCE, 'tl-sequence': String(EVENTS + 1) } };
    await pipeline.publish(partition, [
      next,
      { ...next, value: GARBAGE, headers: { 'tl-source': SOURCE, 'tl-sequence': String(EVENTS + 2) } },
    ]);
    await pipeline.publish(partition, [{ key: null, value: GARBAGE }]);
  }
  await pipeline.drain();
  await seal();
});
afterAll(() => pipeline[Symbol.asyncDispose]());

async function seal(retentionDays = 0): Promise<void> {
  const { clickhouse } = pipeline;
  const [fence] = await clickhouse.query<{ epoch: string }>(`SELECT joinGet('tokenledger.fence', 'epoch', '${TOPIC}', 0::UInt32) AS epoch`);
  await sealDays(
    {
      days: sealedDays({ node: clickhouse, database: clickhouse.database, shards: [[clickhouse]] }),
      behind: async () => [],
      retention: { days: retentionDays, byTenant: new Map() },
      allowedLatenessMs: 0,
      now: Date.now,
      metrics: writerMetrics(createRegistry({ processMetrics: false })),
    },
    { topic: TOPIC, partition: 0, epoch: Number(fence?.epoch) },
    new AbortController().signal,
  );
}

interface Verdict {
  readonly ok: boolean;
  readonly checks: readonly { readonly name: string; readonly differences: readonly { readonly where: string; readonly what: string }[] }[];
  readonly accounts: readonly Readonly<Record<string, unknown>>[];
}

async function verify(
  ...only: readonly string[]
): Promise<{ readonly code: number | null; readonly verdict: Verdict; readonly differences: readonly string[] }> {
  const result = await pipeline.cli('verify', '--format', 'json', ...(only.length === 0 ? [] : ['--only', ...only]));
  if (result.stdout === '') throw new Error(result.stderr);
  const verdict = JSON.parse(result.stdout) as Verdict;
  const differences = verdict.checks.flatMap((check) => check.differences.map(({ where, what }) => `${check.name}: ${where}: ${what}`));
  return { code: result.code, verdict, differences };
}

const command = (sql: string) => pipeline.clickhouse.command(sql, { settings: { mutations_sync: '1' } });

test('a ledger that is whole is found so, and each consumed record has its place', async () => {
  const { code, verdict, differences } = await verify();
  expect(differences).toEqual([]);
  expect([code, verdict.ok]).toEqual([0, true]);
  const of = (group: string) => verdict.accounts.filter((account) => account['group'] === group);
  const counts = { consumed: EVENTS + 9, written: EVENTS, rejected: 1, dead_lettered: 2, repeats: 6, on_the_way: 0, missing: 0 };
  expect(of('pricer')).toEqual([0, 1].map((partition) => ({ group: 'pricer', topic: 'tokenledger.usage.events', partition, ...counts })));
  expect(of('writer')).toMatchObject(
    [0, 1].map((partition) => ({ partition, consumed: EVENTS + 7, written: EVENTS, rejected: 1, dead_lettered: 0, repeats: 6 })),
  );
  expect(of('writer-dead-letters')).toMatchObject(
    [0, 1].map((partition) => ({ partition, consumed: 2, written: 0, dead_lettered: 2, repeats: 0 })),
  );
});

test('while traffic flows nothing that is on its way is taken for a difference', { timeout: FLOW_TIMEOUT_MS }, async () => {
  const flow = new AbortController();
  const found: string[] = [];
  await pipeline.drain(async () => {
    const sent = keepSending(flow.signal);
    for (let looks = 0; looks < 3; looks += 1) found.push(...(await verify()).differences);
    flow.abort();
    expect(await sent).toBeGreaterThan(20);
  });
  expect(found).toEqual([]);
  expect((await verify()).differences).toEqual([]);
});

/** Events of a source of its own in each partition, with repeats and poison among them, until `signal` aborts. Gives how many. */
async function keepSending(signal: AbortSignal): Promise<number> {
  const source = 'ingress/flow';
  const [sample] = events(1, 0);
  let sequence = 0;
  while (!signal.aborted) {
    sequence += 1;
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      const eventId = `019aa6c0-ffff-7abc-8${partition}ef-${sequence.toString(16).padStart(12, '0')}`;
      const record = recordOf({ ...sample!, eventId, source, sequence });
      const sent = sequence % 11 === 0 ? { ...record, value: GARBAGE } : record;
      await pipeline.publish(partition, sequence % 7 === 0 ? [sent, sent] : [sent]);
    }
  }
  return sequence;
}

test('days whose raw rows have left are found whole', async () => {
  await seal(1);
  expect(
    await pipeline.clickhouse.query('SELECT count() AS rows FROM usage_events WHERE day = (SELECT min(day) FROM usage_sealed)'),
  ).toEqual([{ rows: '0' }]);
  expect((await verify()).differences).toEqual([]);
});

test('an event that is waiting to be priced is no difference', async () => {
  await pipeline.publish(
    0,
    events(EVENTS + 4, 0)
      .slice(-1)
      .map(recordOf),
  );
  expect((await verify('completeness', 'log')).differences).toEqual([]);
  await pipeline.drain();
  expect((await verify('completeness')).differences).toEqual([`completeness: ${SOURCE} in partition 0: 1 missing: ${EVENTS + 3}`]);
});

test('a row that is gone is missing in completeness, in the log and in its sealed day', async () => {
  await command(`ALTER TABLE usage_events DELETE WHERE sequence = 30 AND log_partition = 1`);
  const { code, differences } = await verify('completeness', 'sealed days', 'log');
  expect(code).toBe(1);
  expect(differences).toContain(`completeness: ${SOURCE} in partition 1: 1 missing: 30`);
  expect(differences).toContain(`log: writer in ${TOPIC}/1: 1 of ${SOURCE} were consumed and are nowhere: 30`);
  expect(
    differences.filter((text) => /^sealed days: 2026-03-\d\d of \S+: sealed with \d+ rows, and \d+ are there$/.test(text)),
  ).toHaveLength(1);
});

test('a row that is there twice repeats its number and its event id', async () => {
  await command(
    `INSERT INTO usage_events SELECT * REPLACE (joinGet('tokenledger.fence', 'epoch', log_topic, log_partition) AS epoch) FROM usage_events WHERE sequence = 41 AND log_partition = 0`,
  );
  const { code, differences } = await verify('completeness', 'event ids');
  expect(code).toBe(1);
  expect(differences.filter((text) => text.includes('there more than once'))).toEqual([
    `completeness: ${SOURCE} in partition 0: 1 there more than once`,
  ]);
  expect(differences.filter((text) => /^event ids: [0-9a-f-]{36}: 2 rows have this event id$/.test(text))).toHaveLength(1);
});

test('a rollup whose sums are not those of its rows is named by view, day and column', async () => {
  const [view] = await pipeline.clickhouse.query<{ sql: string }>(
    `SELECT create_table_query AS sql FROM system.tables WHERE name = 'usage_by_hour'`,
  );
  await command(
    String(view?.sql)
      .replace('CREATE VIEW', 'CREATE OR REPLACE VIEW')
      .replace('sum(u.cost_usd) AS cost_usd', 'sum(u.cost_usd) + toDecimal128(1, 12) AS cost_usd'),
  );
  const { code, differences } = await verify('rollups');
  expect(code).toBe(1);
  expect(differences.length).toBeGreaterThan(0);
  for (const text of differences) expect(text).toMatch(/^rollups: usage_by_hour of 2026-03-\d\d: cost_usd is \S+, and its rows have \S+$/);
});

test('a sealed sum that is not that of its rows is named, and so is one that stands beside other numbers', async () => {
  await seal(1);
  const live = `row_kind = 'sums' AND NOT retired AND visible_output_tokens > 0`;
  const [day] = await pipeline.clickhouse.query<{ day: string }>(`SELECT toString(max(day)) AS day FROM usage_sealed WHERE ${live}`);
  await command(`ALTER TABLE usage_sealed UPDATE visible_output_tokens = visible_output_tokens + 1 WHERE ${live} AND day = '${day?.day}'`);
  await command(`ALTER TABLE usage_sealed UPDATE base_rows = base_rows + 1 WHERE row_kind = 'sums' AND retired`);
  const { code, differences } = await verify('sealed days');
  expect(code).toBe(1);
  expect(differences.some((text) => text.startsWith(`sealed days: ${day?.day} of `) && text.includes('visible_output_tokens is'))).toBe(
    true,
  );
  expect(differences.some((text) => /sums of \d+ rows stand beside \d+ numbers/.test(text))).toBe(true);
});

test('people get a table, and the first differences by name', async () => {
  const result = await pipeline.cli('verify', '--only', 'completeness');
  expect(result.code).toBe(1);
  expect(result.stdout).toMatch(/^CHECK\s+RESULT\s+COMPARED\s+DIFFERENCES\ncompleteness\s+DIFFERS\s+\d+ lanes\s+3$/m);
  expect(result.stdout).toContain(`completeness: ${SOURCE} in partition 1: 1 missing: 30`);
});
