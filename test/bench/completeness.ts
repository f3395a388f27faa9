/** How long `SELECT * FROM completeness` takes: on rows of many sources, of which a few lack numbers, in several parts and once they are merged.
 *
 *  `--rows N` (10,000,000) also takes 100,000,000, which needs some 4 GB of disk and a quarter of an hour; `--json` prints the last line alone. Ends with 1 when the
 *  median is above 300 ms at 10,000,000 rows, or a gap is not found. */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openClickHouse, runMigrations, startEmbeddedClickHouse } from '@tokenledger/clickhouse';
import { repositoryRoot } from '../support/repository.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { percentile, rounded } from './support/statistics.ts';

const { values: options } = parseArgs({
  options: { json: { type: 'boolean', default: false }, rows: { type: 'string', default: '10000000' } },
});
const ROWS = Number(options.rows);
const PARTITIONS = 12;
/** What one opening of a journal numbers. */
const ROWS_PER_SOURCE = 1_000_000;
const ROWS_PER_INSERT = 500_000;
/** Every so many rows one is lost. */
const LOST_EVERY = 3_000_017;
const ROUNDS = 11;
const GOAL_MS = 300;
const GOAL_ROWS = 10_000_000;

await using folder = await makeTempDir('completeness');
const server = await startEmbeddedClickHouse({ directory: join(folder.path, 'clickhouse'), port: 0 });
const clickhouse = openClickHouse({ url: server.url, requestTimeoutMs: 600_000 });
try {
  await runMigrations({ clickhouse, directory: join(repositoryRoot, 'schemas', 'clickhouse') });
  await fill();
  const parts = await activeParts();
  const inParts = await timed();
  await clickhouse.command('OPTIMIZE TABLE usage_events FINAL');
  const merged = await timed();
  const lost = Math.floor((ROWS - 1) / LOST_EVERY) + 1;
  const figures = {
    bench: 'completeness',
    rows: ROWS,
    lanes: inParts.lanes,
    lost,
    missing: inParts.missing,
    parts,
    in_parts_p50_ms: inParts.medianMs,
    in_parts_max_ms: inParts.maxMs,
    merged_p50_ms: merged.medianMs,
    merged_max_ms: merged.maxMs,
  };
  if (!options.json) {
    process.stdout.write(
      `${ROWS} rows of ${figures.lanes} sources and partitions, ${lost} numbers lost: SELECT * FROM completeness, in ms\n`,
    );
    process.stdout.write(`in ${parts} parts: p50 ${figures.in_parts_p50_ms}, max ${figures.in_parts_max_ms}   `);
    process.stdout.write(`merged: p50 ${figures.merged_p50_ms}, max ${figures.merged_max_ms}   missing found: ${figures.missing}\n`);
  }
  process.stdout.write(`${JSON.stringify(figures)}\n`);
  const isSlow = ROWS <= GOAL_ROWS && Math.max(inParts.medianMs, merged.medianMs) > GOAL_MS;
  if (isSlow || inParts.missing !== lost || merged.missing !== lost) process.exitCode = 1;
} finally {
  await clickhouse.close();
  await server.stop();
}

/** Rows as the writer would leave them, but for what completeness does not look at. The last number of a lane is there, and the sources say so. */
async function fill(): Promise<void> {
  // Completeness asks neither, and without them the table is filled in a third of the time.
  for (const name of ['by_minute', 'by_hour_and_day']) await clickhouse.command(`ALTER TABLE usage_events DROP PROJECTION ${name}`);
  const at = 'toDateTime64(1762000000 + number / 1000, 3)';
  const source = `concat('ingress/', toString(intDiv(number, ${ROWS_PER_SOURCE})))`;
  const sequence = `intDiv(number % ${ROWS_PER_SOURCE}, ${PARTITIONS}) + 1`;
  for (let from = 0; from < ROWS; from += ROWS_PER_INSERT) {
    await clickhouse.command(
      `INSERT INTO usage_events (event_id, source, sequence, log_topic, log_partition, epoch, kind, tenant_id, occurred_at, recorded_at)
       SELECT generateUUIDv4(), ${source}, ${sequence}, 'usage.priced', number % ${PARTITIONS}, 1, 'usage', 'acme', ${at}, ${at}
       FROM numbers(${from}, ${Math.min(ROWS_PER_INSERT, ROWS - from)}) WHERE number % ${LOST_EVERY} != 0`,
    );
  }
  await clickhouse.command(
    `INSERT INTO sources (source, instance, opened_at, at, closed, open_requests, numbered, log_topic, log_partition, epoch)
     SELECT source, 'host/1', now(), now(), true, 0, CAST((groupArray(log_partition), groupArray(last)), 'Map(UInt32, UInt64)'), 'sources', 0, 1
     FROM (SELECT source, log_partition, max(sequence) AS last FROM usage_events GROUP BY source, log_partition) GROUP BY source`,
  );
}

async function timed(): Promise<{ readonly medianMs: number; readonly maxMs: number; readonly lanes: number; readonly missing: number }> {
  const tookMs: number[] = [];
  let [lanes, missing] = [0, 0];
  for (let round = 0; round <= ROUNDS; round++) {
    const startedMs = performance.now();
    const rows = await clickhouse.query<{ readonly missing: string }>('SELECT * FROM completeness');
    // The first look finds nothing in memory.
    if (round > 0) tookMs.push(performance.now() - startedMs);
    lanes = rows.length;
    missing = rows.reduce((sum, row) => sum + Number(row.missing), 0);
  }
  return { medianMs: rounded(percentile(tookMs, 0.5), 0), maxMs: rounded(Math.max(...tookMs), 0), lanes, missing };
}

async function activeParts(): Promise<number> {
  const [row] = await clickhouse.query<{ readonly parts: string }>(
    `SELECT count() AS parts FROM system.parts WHERE database = currentDatabase() AND table = 'usage_events' AND active`,
  );
  return Number(row?.parts);
}
