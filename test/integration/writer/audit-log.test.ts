// The audit of changes on its way from the registry's answer to `audit_log`: each record once, whatever fails in between.
import { encodeControl } from '@tokenledger/control';
import { type EventLog, type LogRecord, type SinkOwner, topicNames } from '@tokenledger/event-log';
import { createRegistry, silentLogger } from '@tokenledger/runtime';
import { classifyControl, createWriter, writerConfig } from '@tokenledger/writer';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { runRegistry, type RunningRegistry } from '../../support/running-registry.ts';
import { waitFor } from '../../support/wait-for.ts';
import { batchOfRecords, crash, type Ledger, openLedger, openStore, withFaults } from './ledger.ts';

const TOPICS = topicNames('test.');
const resources = new AsyncDisposableStack();
let ledger: Ledger;
let registry: RunningRegistry;
let log: EventLog;

beforeAll(async () => {
  ledger = resources.use(await openLedger());
  registry = resources.use(await runRegistry());
  ({ log } = registry);
  const tenant = { kind: 'tenant', id: 'acme', name: 'Acme' };
  const owner = { kind: 'owner', id: 'ada', tenant: 'acme', name: 'Ada' };
  await registry.call('POST', '/v1/apply', { documents: [tenant, owner], note: 'the first two' });
  await registry.call('POST', '/v1/keys', { id: 'k1', tenant: 'acme', owner: 'ada' });
  await registry.call('POST', '/v1/keys/k1/rotate', { overlap_s: 60 });
  await registry.call('POST', '/v1/keys/k1/revoke', {});
  await registry.call('DELETE', '/v1/documents/virtual_key/k1');
  await registry.call('POST', '/v1/keys', { id: 'k2', tenant: 'acme', owner: 'ada' });
  await registry.call('POST', '/v1/keys/k2/rotate', { overlap_s: 3_600 });
});
beforeEach(async () => {
  await ledger.empty();
  await ledger.clickhouse.command('TRUNCATE TABLE audit_log');
  await readAgain();
});
afterAll(() => resources.disposeAsync());

const WRITTEN = [
  'create key_hash_secret 1 0→1',
  'create tenant acme 0→1',
  'create owner ada 0→1',
  'create virtual_key k1 0→1',
  'rotate virtual_key k1 1→2',
  'revoke virtual_key k1 2→3',
  'delete virtual_key k1 3→4',
  'create virtual_key k2 0→1',
  'rotate virtual_key k2 1→2',
];

async function rows(): Promise<readonly string[]> {
  const found = await ledger.clickhouse.query<{ readonly row: string }>(
    `SELECT concat(action, ' ', kind, ' ', id, ' ', toString(version_before), '→', toString(version_after)) AS row FROM audit_log ORDER BY log_offset`,
  );
  return found.map(({ row }) => row);
}

async function controlRecords(): Promise<readonly LogRecord[]> {
  const reader = await log.reader({ topic: TOPICS.control, partition: 0, from: 'start' });
  const records: LogRecord[] = [];
  const { end } = await reader.range();
  while ((records.at(-1)?.offset ?? -1) + 1 < end)
    records.push(...(await reader.poll({ recordsMax: 1_000, bytesMax: 1 << 24, waitMs: 100 })));
  await reader.close();
  return records;
}

async function readAgain(): Promise<void> {
  await log.setCommittedOffset('writer-audit', TOPICS.control, 0, { offset: 0, metadata: '' });
}

async function runWriter(count: number = WRITTEN.length): Promise<void> {
  const writer = createWriter({
    config: writerConfig.parse({ flush_interval_ms: 20, kill_wait_ms: 5_000 }),
    log,
    topics: TOPICS,
    clickhouse: ledger.clickhouse,
    logger: silentLogger(),
    metrics: createRegistry({ processMetrics: false }),
  });
  await writer.start();
  try {
    await waitFor(async () => (await rows()).length >= count, { timeoutMs: 20_000, describe: 'the audit records in ClickHouse' });
  } finally {
    await writer.stop(5_000);
  }
}

test('every change is there once, whose tenant it was with it, also when the group reads all of it again', async () => {
  await runWriter();
  expect(await rows()).toEqual(WRITTEN);
  expect(await ledger.value(`SELECT count() FROM audit_log WHERE tenant_id = 'acme' AND changed_by = 'admin'`)).toBe('8');
  expect(await ledger.value(`SELECT note FROM audit_log WHERE id = 'ada'`)).toBe('the first two');
  await readAgain();
  await registry.call('POST', '/v1/apply', { documents: [{ kind: 'tenant', id: 'acme', name: 'Acme & Co' }] });
  await runWriter(WRITTEN.length + 1);
  expect(await rows()).toEqual([...WRITTEN, 'update tenant acme 1→2']);
});

test('no row holds the hash or the text of a key', async () => {
  await runWriter();
  const texts = await ledger.clickhouse.query<{ readonly before: string; readonly after: string }>('SELECT before, after FROM audit_log');
  const hashes = (await controlRecords()).flatMap(({ value }) =>
    [...String(Buffer.from(value ?? [])).matchAll(/"(?:hash|check)":"([^"]+)"/g)].map(([, hash]) => hash ?? ''),
  );
  expect(hashes.length).toBeGreaterThanOrEqual(3);
  const all = JSON.stringify(texts);
  expect(hashes.filter((hash) => all.includes(hash))).toEqual([]);
  expect(all).not.toMatch(/tlk_|"hash"|"check"/);
});

const owner = (epoch: number): SinkOwner => ({ topic: TOPICS.control, partition: 0, epoch });

test.each(['before it arrived', 'after it took effect'])('an insert that fails %s leaves each row there once', async (when) => {
  const batch = batchOfRecords(await controlRecords());
  let failures = 1;
  const failOnce = (): void => {
    if ((failures -= 1) >= 0) crash();
  };
  const faults =
    when === 'before it arrived'
      ? { beforeInsert: (table: string) => (table === 'audit_log' ? failOnce() : undefined) }
      : { afterInsert: (table: string) => (table === 'audit_log' ? failOnce() : undefined) };
  const { store } = openStore(withFaults(ledger.clickhouse, faults), { classify: classifyControl });
  await store.takeOver(owner(1));
  await expect(store.write(owner(1), batch)).rejects.toMatchObject({ code: 'CLICKHOUSE_UNAVAILABLE' });
  await store.takeOver(owner(2));
  await store.write(owner(2), batch);
  expect((await rows()).slice(0, WRITTEN.length)).toEqual(WRITTEN);
  expect(await ledger.value('SELECT count() - uniqExact(change_id, n) FROM audit_log')).toBe('0');
});

test('a record that cannot be read is a dead letter, what is no audit is nobody’s', async () => {
  const { store, letters } = openStore(ledger.clickhouse, { classify: classifyControl });
  const record = (offset: number, key: string, value: Uint8Array | null): LogRecord => ({
    topic: TOPICS.control,
    partition: 0,
    offset,
    key,
    value,
    headers: {},
    timestampMs: Date.now(),
  });
  await store.takeOver(owner(1));
  await store.write(
    owner(1),
    batchOfRecords([
      record(0, 'audit/a/1', Buffer.from('{')),
      record(1, 'audit/b/1', null),
      record(2, 'tenant/acme', Buffer.from('rubbish')),
      record(3, 'claim/registry', encodeControl({ claimed_at: '2026-01-01T00:00:00.000Z', claimed_by: 'x' })),
    ]),
  );
  expect(letters).toHaveLength(1);
  expect(await rows()).toEqual([]);
});
