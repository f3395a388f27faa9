/** Rollups that live in the parts of their table. */
import assert from 'node:assert/strict';
import type { Check, ClickHouseHarness } from '../check.ts';

const FORCED = { force_optimize_projection: 1, optimize_use_projections: 1 } as const;
const UNPROJECTED = 'SELECT tenant, max(tokens) FROM events GROUP BY tenant';
const ROLLUP =
  'SELECT tenant, hour, sum(tokens) AS tokens, sum(cost) AS cost, count() AS n FROM events GROUP BY tenant, hour ORDER BY tenant, hour';

export const projectionChecks: readonly Check[] = [
  {
    name: 'an aggregate projection answers the rollup, exactly as the rows would',
    run: async (harness) => {
      const { clickhouse, run } = harness;
      await createEvents(harness);
      for (let batch = 0; batch < 3; batch++) await insertEvents(harness, batch);
      const [projected, scanned] = [
        await clickhouse.query(ROLLUP, { settings: FORCED }),
        await clickhouse.query(ROLLUP, { settings: { optimize_use_projections: 0 } }),
      ];
      assert.equal(projected.length, 20);
      assert.deepEqual(projected, scanned);
      await run(
        'CREATE VIEW by_hour AS SELECT tenant, hour, sum(tokens) AS tokens, sum(cost) AS cost, count() AS n FROM events GROUP BY tenant, hour',
      );
      const filtered =
        "SELECT hour, tokens, cost FROM by_hour WHERE tenant = 'tenant-1' AND hour >= toDateTime('2026-01-01 01:00:00', 'UTC') ORDER BY hour";
      assert.deepEqual(
        await clickhouse.query(filtered, { settings: FORCED }),
        await clickhouse.query(filtered, { settings: { optimize_use_projections: 0 } }),
      );
    },
  },
  {
    name: 'what no projection can answer is refused when a projection is asked for',
    run: async (harness) => {
      await createEvents(harness);
      await insertEvents(harness, 0);
      await assert.rejects(harness.clickhouse.query(UNPROJECTED, { settings: FORCED }), {
        engineCode: 584,
      });
      assert.equal((await harness.clickhouse.query(UNPROJECTED)).length, 4);
    },
  },
];

async function createEvents({ run }: ClickHouseHarness): Promise<void> {
  await run(
    `CREATE TABLE events (tenant LowCardinality(String), at DateTime64(3, 'UTC'), hour DateTime('UTC') MATERIALIZED toStartOfHour(at), tokens Nullable(Int64),
       cost Nullable(Decimal(38, 12)), PROJECTION by_hour (SELECT tenant, hour, sum(tokens), sum(cost), count() GROUP BY tenant, hour))
     ENGINE = MergeTree ORDER BY (tenant, at)`,
  );
}

async function insertEvents({ clickhouse }: ClickHouseHarness, batch: number): Promise<void> {
  const rows = Array.from({ length: 1000 }, (_, n): [string, string, number | null, string | null] => [
    `tenant-${n % 4}`,
    `2026-01-01 0${n % 5}:${String(n % 60).padStart(2, '0')}:00.${String(n).padStart(3, '0')}`,
    n % 7 === 0 ? null : n + batch,
    n % 11 === 0 ? null : `0.00000000${String(n).padStart(4, '0')}`,
  ]);
  await clickhouse.insertRows('events', ['tenant', 'at', 'tokens', 'cost'], rows);
}
