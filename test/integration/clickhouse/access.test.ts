/** What a tenant sees (P11). The embedded engine keeps no users, but its own one can be given the grants and row policies that our files state, so that the
 *  engine itself decides what they let through. On a server (`CLICKHOUSE_URL`, a user with `access_management`) real users are made. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { applyAccess, type ClickHouse, openClickHouse, renderAccess, runMigrations, SINGLE_NODE } from '@tokenledger/clickhouse';
import { describe, expect, test } from 'vitest';
import { repositoryRoot } from '../../support/repository.ts';
import { makeTempDir } from '../../support/temp-dir.ts';
import { batchOf, openStore, owner } from '../writer/ledger.ts';
import { pricedEvent } from '../writer/priced-events.ts';
import { startEngine } from './engine-config.ts';

const MIGRATIONS = join(repositoryRoot, 'schemas', 'clickhouse');
const ACCESS = join(MIGRATIONS, 'access');
const statements = renderAccess(ACCESS, SINGLE_NODE, 'tokenledger').map(({ sql }) => sql.replace(/\s+/g, ' '));

/** What a tenant may read, and the condition on the rows of tables, both as the files state them. */
const granted = statements.flatMap((sql) => /^GRANT\s+SELECT ON `tokenledger`\.(\w+) TO tokenledger_tenant$/.exec(sql)?.[1] ?? []);
const policies = statements.flatMap((sql) => {
  const [, tables = '', condition = ''] =
    /^CREATE ROW POLICY .* ON ((?:`\w+`\.`\w+`(?:, )?)+) USING (.*) TO tokenledger_tenant$/.exec(sql) ?? [];
  return tables === '' ? [] : tables.split(', ').map((table) => ({ table: table.split('`')[3] ?? '', condition }));
});

/** Tables and views whose rows are no tenant's own. */
const WITHHELD = [
  'completeness',
  'sources',
  'retired_numbers',
  'dead_letters',
  'fence',
  'schema_migrations',
  'audit_log',
  'price_book',
  'price_book_entries',
  'contracts',
  'contract_versions',
  'rate_cards',
  'rate_card_versions',
  'fx_rates',
  'fx_rate_versions',
  // Of every tenant's rows, for those who price and correct them.
  'unpriced',
  'statements',
  'corrections',
  'cost_as_of',
  'events_as_of',
  'usage_line_items',
];

/** Views that are asked with a parameter. */
const PARAMETERS: Readonly<Record<string, string>> = { cost_as_of: '(as_of = now64(3))', events_as_of: '(as_of = now64(3))' };

function eventOf(tenantId: string, sequence: number) {
  const priced = pricedEvent(sequence);
  return { ...priced, event: { ...priced.event, attribution: { ...priced.event.attribution, tenantId } } };
}

/** Handed in, and an open item from then on. */
function submissionOf(tenantId: string, n: number) {
  const priced = eventOf(tenantId, n);
  const attempts = priced.event.attempts.map(
    (attempt) => ({ ...attempt, usage: null, usageSource: 'none', usageReason: 'reported_later' }) as const,
  );
  return { ...priced, event: { ...priced.event, upstreamRequestId: `batch_${n}`, attempts } };
}

async function fill(clickhouse: ClickHouse): Promise<void> {
  await runMigrations({ clickhouse, directory: MIGRATIONS });
  const { store } = openStore(clickhouse);
  await store.takeOver(owner(1));
  await store.write(
    owner(1),
    batchOf([eventOf('acme', 1), eventOf('rival', 2), eventOf('acme', 3), submissionOf('acme', 4), submissionOf('rival', 5)]),
  );
  for (const tenantId of ['acme', 'rival'])
    await clickhouse.insertRows('usage_sealed', ['day', 'row_kind', 'tenant_id', 'events'], [['2025-10-01', 'sums', tenantId, 1]]);
}

async function visibleTo(clickhouse: ClickHouse): Promise<Readonly<Record<string, readonly unknown[]>>> {
  const seen: Record<string, readonly unknown[]> = {};
  for (const table of granted) {
    const sql = `SELECT tenant_id, count() > 0 AS some FROM ${table} GROUP BY tenant_id ORDER BY tenant_id`;
    seen[table] = await clickhouse.query(sql);
  }
  return seen;
}

const ACME_ONLY = Object.fromEntries(granted.map((table) => [table, [{ tenant_id: 'acme', some: 1 }]]));

describe('what the files state', () => {
  test('is that tenants read these tables and views, and no others', () => {
    const rollups = ['usage_by_minute', 'usage_by_hour', 'usage_by_day', 'usage_daily', 'usage_sealed'];
    expect(granted).toEqual(['usage_events', 'usage_attempts', ...rollups, 'open_items']);
    const condition = "tenant_id = getSetting('SQL_tokenledger_tenant')";
    expect(policies).toEqual(['usage_events', 'usage_sealed'].map((table) => ({ table, condition })));
  });

  test('is refused where nobody can be kept, with what to do', async () => {
    await using directory = await makeTempDir('access');
    const server = await startEngine({ directory: directory.path, user: '<access_management>1</access_management>' });
    const clickhouse = openClickHouse({ url: server.url });
    await clickhouse.createDatabase();
    await expect(applyAccess({ clickhouse, directory: ACCESS })).rejects.toMatchObject({
      code: 'ACCESS_FAILED',
      message: expect.stringContaining('the embedded one has none'),
    });
    await clickhouse.close();
    await server.stop();
  });
});

describe('a tenant', () => {
  test('sees its own rows only, in every table and view it may read, and no other table', async () => {
    await using directory = await makeTempDir('access');
    const first = await startEngine({ directory: directory.path });
    const all = openClickHouse({ url: first.url });
    await fill(all);
    const names = (await all.query<{ readonly name: string }>("SELECT name FROM system.tables WHERE database = 'tokenledger'")).map(
      ({ name }) => name,
    );
    expect(names.filter((name) => !granted.includes(name) && !WITHHELD.includes(name))).toEqual([]);
    expect((await visibleTo(all))['usage_by_hour']).toHaveLength(2);
    await all.close();
    await first.stop();

    const user = [
      `<grants>${granted.map((table) => `<query>GRANT SELECT ON tokenledger.${table}</query>`).join('')}</grants>`,
      '<databases><tokenledger>',
      ...policies.map(
        ({ table, condition }) =>
          `<${table}><filter>${condition.replace("getSetting('SQL_tokenledger_tenant')", "'acme'")}</filter></${table}>`,
      ),
      '</tokenledger></databases>',
    ].join('');
    const second = await startEngine({ directory: directory.path, user });
    const tenant = openClickHouse({ url: second.url });
    expect(await visibleTo(tenant)).toEqual(ACME_ONLY);
    expect(await tenant.query('SELECT sum(events) AS events FROM usage_by_day')).toEqual([{ events: '3' }]);
    const projected = 'SELECT count() AS rows FROM (SELECT tenant_id, hour, day, count() FROM usage_events GROUP BY tenant_id, hour, day)';
    expect(await tenant.query(projected)).toEqual([{ rows: '1' }]);
    for (const table of names.filter((name) => WITHHELD.includes(name)))
      await expect(tenant.query(`SELECT * FROM ${table}${PARAMETERS[table] ?? ''}`)).rejects.toMatchObject({
        message: expect.stringContaining('Not enough privileges'),
      });
    for (const sql of [
      "INSERT INTO usage_events (tenant_id) SELECT 'acme'",
      "SELECT joinGet('tokenledger.fence', 'epoch', 'x', toUInt32(0))",
    ])
      await expect(tenant.command(sql)).rejects.toMatchObject({ message: expect.stringContaining('Not enough privileges') });
    await tenant.close();
    await second.stop();
  });
});

const serverUrl = process.env['CLICKHOUSE_URL'] ?? '';

describe('users of a server', () => {
  if (serverUrl === '') console.warn('SKIPPED: users, roles and row policies on a real server, because CLICKHOUSE_URL is not set');

  test.skipIf(serverUrl === '')('have what their role allows, and cannot leave their tenant', async () => {
    const { username, password } = new URL(serverUrl);
    const url = new URL(serverUrl);
    url.username = '';
    url.password = '';
    const suffix = randomUUID().slice(0, 8);
    const database = `access_${suffix}`;
    const connect = (name: string, secret: string): ClickHouse =>
      openClickHouse({ url: url.href, database, username: name, password: secret });
    const admin = connect(username === '' ? 'default' : decodeURIComponent(username), decodeURIComponent(password));
    const tenant = `acme_${suffix}`;
    const writer = `writer_${suffix}`;
    await fill(admin);
    try {
      expect(await applyAccess({ clickhouse: admin, directory: ACCESS })).toBeGreaterThan(8);
      expect(await applyAccess({ clickhouse: admin, directory: ACCESS })).toBeGreaterThan(8);
      await admin.command(`CREATE USER ${tenant} IDENTIFIED BY 'a' SETTINGS SQL_tokenledger_tenant = 'acme' CONST`);
      await admin.command(`GRANT tokenledger_tenant TO ${tenant}`);
      await admin.command(`CREATE USER ${writer} IDENTIFIED BY 'b'`);
      await admin.command(`GRANT tokenledger_writer TO ${writer}`);
      const asTenant = connect(tenant, 'a');
      expect(await visibleTo(asTenant)).toEqual(ACME_ONLY);
      await expect(asTenant.query("SELECT 1 FROM usage_events SETTINGS SQL_tokenledger_tenant = 'rival'")).rejects.toMatchObject({
        code: 'CLICKHOUSE_QUERY_FAILED',
      });
      for (const table of ['fence', 'completeness', 'dead_letters'])
        await expect(asTenant.query(`SELECT * FROM ${table}`)).rejects.toMatchObject({ code: 'CLICKHOUSE_QUERY_FAILED' });
      await asTenant.close();
      const asWriter = connect(writer, 'b');
      const { store } = openStore(asWriter);
      await store.takeOver(owner(2));
      expect(await store.write(owner(2), batchOf([eventOf('acme', 3), eventOf('rival', 4)]))).toMatchObject({ inserted: 1, repeats: 1 });
      await asWriter.close();
    } finally {
      for (const name of [tenant, writer]) await admin.command(`DROP USER IF EXISTS ${name}`);
      await admin.command(`DROP DATABASE ${database}`);
      await admin.close();
    }
  });
});
