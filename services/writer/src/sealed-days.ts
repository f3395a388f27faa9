/** Sealed days in ClickHouse: what is there, how one is built beside the table and swapped in, how raw rows leave.
 *
 *  A build has a table of its own, named by the epoch of its owner. Whoever takes over drops those of older owners, and the fence refuses their rows: so nothing
 *  of an older owner can be swapped in late. What is swapped in is exact by identity: sums that count in place of raw rows are made of exactly the
 *  rows whose numbers stand beside them. */
import type { ClickHouse } from '@tokenledger/clickhouse';
import { quoteName, quoteString } from '@tokenledger/clickhouse';
import { AppError, USAGE_CLASSES } from '@tokenledger/domain';
import type { SinkOwner } from '@tokenledger/event-log';
import type { BaseCount, Day, DayPlan, SealedCount } from './core/sealing.ts';
import { clampTime, time } from './core/time.ts';
import { fenced, queryId } from './fence.ts';

export interface SealedDaysOptions {
  /** The node where the fence of partition 0 is, with the database that has it. */
  readonly node: ClickHouse;
  /** The database that people use: views, and `usage_sealed` on every node. The same as the node's, unless it is one of a cluster. */
  readonly database: string;
  /** All nodes, shard by shard, replica by replica: raw rows leave at the first replica of each shard. */
  readonly shards: readonly (readonly ClickHouse[])[];
}

export interface SealedDays {
  /** Drops what older owners, and crashes, left half built: it cannot be swapped in any more. Throws `FENCED` when a newer owner builds. */
  discard(owner: SinkOwner): Promise<void>;
  /** Raw rows by day and tenant. */
  base(owner: SinkOwner): Promise<readonly BaseCount[]>;
  sealed(owner: SinkOwner): Promise<readonly SealedCount[]>;
  /** Newest `occurred_at` that is written, in milliseconds since the epoch: of everything, or of each of these partitions since a time. Null, and absent, without a row. */
  newest(owner: SinkOwner): Promise<number | null>;
  newestOf(owner: SinkOwner, partitions: readonly number[], sinceMs: number): Promise<ReadonlyMap<number, number>>;
  /** Builds the day and swaps it in. Throws `SEAL_DISAGREES`, `FENCED`. */
  build(owner: SinkOwner, plan: DayPlan, nowMs: number): Promise<void>;
  /** Raw rows whose numbers are in the sums of these tenants leave. Gives false when a node does not have the newest sums yet: then nothing leaves. */
  clear(owner: SinkOwner, plan: DayPlan): Promise<boolean>;
}

/** What a group of the rollups is made of. */
const DIMENSIONS = [
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
] as const;

const CLASS_COLUMNS = USAGE_CLASSES.map((name) => (isUnit(name) ? name : `${name}_tokens`));

const AMOUNTS = ['cost_usd', 'list_cost_usd', 'billable_usd', 'saved_usd', 'billable_amount'];

const SUMS: readonly (readonly [column: string, expression: string])[] = [
  ['events', `countIf(kind = 'usage')`],
  ['events_usage_unknown', `countIf(kind = 'usage' AND usage_reason NOT IN ('', 'not_forwarded'))`],
  ['events_usage_estimated', `countIf(kind = 'usage' AND usage_source = 'estimated')`],
  ['events_unpriced', 'sum(u.unpriced)'],
  ['events_list_unpriced', 'sum(u.list_unpriced)'],
  ['events_billable_unpriced', 'sum(u.billable_unpriced)'],
  ['events_not_forwarded', `countIf(kind = 'usage' AND usage_reason = 'not_forwarded')`],
  ...['attempts_usage_unknown', 'attempts_unpriced', ...AMOUNTS, ...CLASS_COLUMNS].map((name) => [name, `sum(u.${name})`] as const),
];

const STAGING = 'usage_sealed_staging_';
const UNKNOWN_EPOCH = -1;

export function sealedDays({ node, database, shards }: SealedDaysOptions): SealedDays {
  const inDatabase = (table: string): string => `${quoteName(database)}.${table}`;
  const [events, sealedTable] = [inDatabase('usage_events'), inDatabase('usage_sealed')];
  let builds = 0;
  let queries = 0;
  const id = (owner: SinkOwner): { readonly queryId: string } => ({ queryId: queryId(owner, `seal/${(queries += 1)}`) });

  return {
    discard,

    async base(owner) {
      const rows = await node.query<CountRow>(
        `SELECT toString(day) AS day, tenant_id, count() AS rows FROM ${events} GROUP BY day, tenant_id`,
        id(owner),
      );
      return rows.map(toCount);
    },

    async sealed(owner) {
      const rows = await node.query<CountRow & { readonly retired: boolean }>(
        `SELECT toString(day) AS day, tenant_id, max(retired) AS retired, sum(base_rows) AS rows
         FROM ${sealedTable} WHERE row_kind = 'sums' GROUP BY day, tenant_id`,
        id(owner),
      );
      return rows.map((row) => ({ ...toCount(row), retired: row.retired }));
    },

    async newest(owner) {
      const [row] = await node.query<{ readonly ms: string; readonly rows: string }>(
        `SELECT toUnixTimestamp64Milli(max(occurred_at)) AS ms, count() AS rows FROM ${events}`,
        id(owner),
      );
      return row === undefined || row.rows === '0' ? null : Number(row.ms);
    },

    async newestOf(owner, partitions, sinceMs) {
      const rows = await node.query<{ readonly log_partition: number; readonly ms: string }>(
        `SELECT log_partition, toUnixTimestamp64Milli(max(occurred_at)) AS ms FROM ${events}
         WHERE occurred_at >= fromUnixTimestamp64Milli({since:Int64}) AND log_partition IN ({partitions:Array(UInt32)}) GROUP BY log_partition`,
        { ...id(owner), params: { partitions, since: sinceMs } },
      );
      return new Map(rows.map((row) => [row.log_partition, Number(row.ms)]));
    },

    async build(owner, plan, nowMs) {
      // 1. A table of its own. A crash from here to step 5 leaves it behind, and the next build drops it.
      const staging = await newStaging(owner);
      const params = { day: plan.day, tenants: plan.retired, epoch: owner.epoch, sealed_at: time(clampTime(nowMs)) };
      const run = (sql: string): Promise<void> => node.command(sql, { ...id(owner), params });
      // 2. Of tenants whose raw rows leave: the numbers that are not in the sums yet, and the sums of exactly these.
      if (plan.retired.length > 0) {
        await run(
          `INSERT INTO ${staging} (day, row_kind, tenant_id, retired, epoch, sealed_at, source, log_partition, numbers, base_rows)
           SELECT day, 'numbers', tenant_id, true, {epoch:UInt64}, {sealed_at:DateTime64(3, 'UTC')}, source, log_partition, groupBitmapState(sequence), groupBitmap(sequence)
           FROM ${events} WHERE day = {day:Date} AND tenant_id IN {tenants:Array(String)}
             AND (source, log_partition, sequence) GLOBAL NOT IN (${numbersOf(sealedTable)})
           GROUP BY day, tenant_id, source, log_partition`,
        );
        await run(
          insertSums(
            staging,
            'true',
            `tenant_id IN {tenants:Array(String)} AND (source, log_partition, sequence) GLOBAL IN (${numbersOf(staging)})`,
          ),
        );
        await requireExact(owner, staging, plan.day);
        await run(
          `INSERT INTO ${staging} SELECT * REPLACE ({epoch:UInt64} AS epoch) FROM ${sealedTable} WHERE day = {day:Date} AND retired`,
        );
      }
      // 3. Of all others: the sums of what is there.
      await run(insertSums(staging, 'false', 'tenant_id NOT IN {tenants:Array(String)}'));
      // 4. Swap. After it everybody sees the whole day as it is now; before it, as it was. An empty table would take the day away.
      if (await hasRows(owner, staging))
        await run(
          `ALTER TABLE ${sealedTable} REPLACE PARTITION {day:String} FROM ${staging}`.replace('{day:String}', quoteString(plan.day)),
        );
      else await run(`ALTER TABLE ${sealedTable} DELETE WHERE day = {day:Date} AND NOT retired SETTINGS mutations_sync = 1`);
      // 5. The table has served.
      await node.command(`DROP TABLE IF EXISTS ${staging} SYNC`, id(owner));
    },

    async clear(owner, plan) {
      if (!(await everywhereAlike(owner, plan.day))) return false;
      for (const [first] of shards) {
        if (first === undefined) continue;
        const local = `${quoteName(first.database)}.usage_events`;
        await first.command(
          `ALTER TABLE ${local} DELETE WHERE day = {day:Date} AND tenant_id IN {tenants:Array(String)}
             AND (source, log_partition, sequence) IN (${numbersOf(sealedTable)})`,
          {
            ...id(owner),
            params: { day: plan.day, tenants: plan.retired },
            // The condition asks a table, which a replicated one refuses unless told that it may: what it asks for only grows.
            settings: { mutations_sync: '1', allow_nondeterministic_mutations: 1 },
          },
        );
      }
      return true;
    },
  };

  async function discard(owner: SinkOwner): Promise<void> {
    const found = await node.query<{ readonly name: string }>(
      `SELECT name FROM system.tables WHERE database = {database:String} AND startsWith(name, {prefix:String})`,
      { ...id(owner), params: { database: node.database, prefix: STAGING } },
    );
    for (const { name } of found) if (epochOf(name) > owner.epoch) throw fenced(owner);
    for (const { name } of found) await node.command(`DROP TABLE IF EXISTS ${quoteName(node.database)}.${quoteName(name)} SYNC`, id(owner));
  }

  async function newStaging(owner: SinkOwner): Promise<string> {
    await discard(owner);
    const staging = `${quoteName(node.database)}.${STAGING}${owner.epoch}_${(builds += 1)}`;
    await node.command(
      `CREATE TABLE ${staging} AS ${sealedTable} ENGINE = MergeTree PARTITION BY day ORDER BY (row_kind, source, log_partition, tenant_id)`,
      id(owner),
    );
    const [fence, topic] = [quoteString(`${node.database}.fence`), quoteString(owner.topic)];
    const check = `epoch >= joinGet(${fence}, 'epoch', ${topic}, ${owner.partition}::UInt32)`;
    await node.command(`ALTER TABLE ${staging} ADD CONSTRAINT fence CHECK ${check}`, id(owner));
    return staging;
  }

  /** A row that is there twice would be in the sums twice: such a day is not let go of. */
  async function requireExact(owner: SinkOwner, staging: string, day: Day): Promise<void> {
    const [row] = await node.query<{ readonly summed: string; readonly numbered: string }>(
      `SELECT sumIf(base_rows, row_kind = 'sums') AS summed, sumIf(base_rows, row_kind = 'numbers') AS numbered FROM ${staging}`,
      id(owner),
    );
    if (row === undefined || row.summed === row.numbered) return;
    throw new AppError(
      'SEAL_DISAGREES',
      `of ${day}, ${row.summed} rows have ${row.numbered} numbers, so its raw rows stay: see completeness for what is there twice`,
      { retryable: true },
    );
  }

  async function hasRows(owner: SinkOwner, staging: string): Promise<boolean> {
    const [row] = await node.query<{ readonly rows: string }>(`SELECT count() AS rows FROM ${staging}`, id(owner));
    return row !== undefined && row.rows !== '0';
  }

  /** A writer at a node that lacks the numbers, but not the rows' leaving, would write a repeat. */
  async function everywhereAlike(owner: SinkOwner, day: Day): Promise<boolean> {
    const states = await Promise.all(
      [node, ...shards.flat()].map(async (each) => {
        const sql = `SELECT toString((count(), sum(base_rows), max(epoch))) AS state FROM ${sealedTable} WHERE day = {day:Date}`;
        const [row] = await each.query<{ readonly state: string }>(sql, { ...id(owner), params: { day } });
        return row?.state ?? '';
      }),
    );
    return new Set(states).size === 1;
  }

  function insertSums(staging: string, retired: 'true' | 'false', which: string): string {
    const columns = SUMS.map(([column]) => column).join(', ');
    const expressions = SUMS.map(([, expression]) => expression).join(', ');
    const dimensions = DIMENSIONS.join(', ');
    return `INSERT INTO ${staging} (day, row_kind, tenant_id, retired, base_rows, epoch, sealed_at, ${dimensions}, ${columns})
      SELECT day, 'sums', tenant_id, ${retired}, count(), {epoch:UInt64}, {sealed_at:DateTime64(3, 'UTC')}, ${dimensions}, ${expressions}
      FROM ${events} AS u WHERE day = {day:Date} AND ${which} GROUP BY day, tenant_id, ${dimensions}`;
  }
}

function numbersOf(table: string): string {
  return `SELECT source, log_partition, arrayJoin(bitmapToArray(numbers)) FROM ${table} WHERE day = {day:Date} AND row_kind = 'numbers'`;
}

interface CountRow {
  readonly day: Day;
  readonly tenant_id: string;
  readonly rows: string;
}

function toCount({ day, tenant_id: tenantId, rows }: CountRow): BaseCount {
  return { day, tenantId, rows: Number(rows) };
}

function epochOf(stagingName: string): number {
  const digits = /^usage_sealed_staging_(\d+)_\d+$/.exec(stagingName)?.[1];
  return digits === undefined ? UNKNOWN_EPOCH : Number(digits);
}

function isUnit(name: string): boolean {
  return name === 'web_search_requests' || name === 'images' || name === 'audio_seconds' || name === 'characters';
}
