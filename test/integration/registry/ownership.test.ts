// Two registries on one log that loses answers, delays sends and changes owners: what was answered is what holds, and one writes at a time.
import { liveControl } from '@tokenledger/control';
import { simulatedLog, type SimulatedLog, systemPacing, topicNames } from '@tokenledger/event-log';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  createTestTopics,
  HASH_SECRET,
  runRegistry,
  type Reply,
  type RunningRegistry,
  type RunningRegistryOptions,
} from '../../support/running-registry.ts';
import { waitFor } from '../../support/wait-for.ts';

const { control: TOPIC } = topicNames('test.');
const OTHER_SECRET = Buffer.alloc(32, 9);

let log: SimulatedLog;
let running: RunningRegistry[] = [];
beforeEach(async () => {
  log = simulatedLog({ seed: 1, clock: systemPacing });
  await createTestTopics(log);
});
afterEach(async () => {
  for (const one of running.splice(0)) await one[Symbol.asyncDispose]();
  await log.close();
});

async function start(instance: string, options: Partial<RunningRegistryOptions> = {}): Promise<RunningRegistry> {
  const registry = await runRegistry({
    log,
    instance,
    ...options,
    config: { start_wait_ms: 300, change_timeout_ms: 2_000, ...options.config },
  });
  running.push(registry);
  return registry;
}
async function stop(registry: RunningRegistry): Promise<void> {
  running = running.filter((one) => one !== registry);
  await registry[Symbol.asyncDispose]();
}

const tenant = (id: string, name: string) => ({ kind: 'tenant', id, name });
const apply = (registry: RunningRegistry, ...documents: readonly unknown[]) => registry.call('POST', '/v1/apply', { documents });
const code = ({ json }: Reply): string => (json['error'] as { readonly code: string } | undefined)?.code ?? '';
const nameOf = async (registry: RunningRegistry, id: string): Promise<unknown> => {
  const { json } = await registry.call('GET', `/v1/documents/tenant/${id}`);
  return (json['document'] as { readonly name: string } | undefined)?.name;
};
/** Tries until it is taken. */
async function insist(registry: RunningRegistry, ...documents: readonly unknown[]): Promise<void> {
  await waitFor(async () => (await apply(registry, ...documents)).status === 200, { timeoutMs: 10_000, describe: 'a change to be taken' });
}

describe('two registries', () => {
  test('one writes, the other answers reads and says who writes', async () => {
    const first = await start('first');
    const second = await start('second');
    expect(second.role.state()).toMatchObject({ status: 'ready', detail: expect.stringContaining('stands by') as unknown });
    await apply(first, tenant('acme', 'Acme'));
    await waitFor(async () => (await nameOf(second, 'acme')) === 'Acme', {
      timeoutMs: 5_000,
      describe: 'the second one to read the change',
    });
    const refused = await apply(second, tenant('acme', 'Other'));
    expect([refused.status, code(refused), refused.headers.get('retry-after')]).toEqual([503, 'REGISTRY_NOT_OWNER', '1']);
    expect((refused.json['error'] as { readonly message: string }).message).toContain('first');
    expect((await second.call('POST', '/v1/keys', { tenant: 'acme', owner: 'x' })).status).toBe(503);
  });

  test('the other takes over when the first one stops, and goes on with its versions', async () => {
    const first = await start('first');
    const second = await start('second');
    await apply(first, tenant('acme', 'one'));
    await stop(first);
    await insist(second, tenant('acme', 'two'));
    expect((await second.call('GET', '/v1/documents/tenant/acme')).json).toMatchObject({ version: 2, changed_by: 'admin' });
  });

  test('an owner that does not know that it was replaced is told that its changes were lost, and they are', async () => {
    const first = await start('first');
    const second = await start('second');
    await insist(first, tenant('acme', 'before'));
    log.changeOwner('registry', TOPIC, 0, 400);
    const answers: { readonly by: string; readonly name: string; readonly status: number }[] = [];
    const write = async (registry: RunningRegistry, by: string): Promise<void> => {
      for (let count = 0; count < 40; count += 1) {
        const name = `${by}-${count}`;
        const { status } = await apply(registry, tenant(name, name), tenant('acme', name));
        answers.push({ by, name, status });
        await systemPacing.wait(10);
      }
    };
    await Promise.all([write(first, 'first'), write(second, 'second')]);
    await insist(second, tenant('last', 'last'));
    expect(answers.filter(({ by, status }) => by === 'second' && status === 200).length).toBeGreaterThan(0);
    for (const { name, status } of answers) {
      expect([name, await nameOf(second, name)]).toEqual([name, status === 200 ? name : undefined]);
    }
    const holds = answers.findLast(({ status }) => status === 200);
    expect(await nameOf(second, 'acme')).toBe(holds?.name);
    log.compact(TOPIC);
    const fresh = await start('fresh');
    expect(await nameOf(fresh, 'acme')).toBe(holds?.name);
  });
});

describe('one registry', () => {
  test('gets the partition back before it has noticed that it lost it, and writes again after it has', async () => {
    const only = await start('only');
    await insist(only, tenant('acme', 'before'));
    const retries = async (): Promise<number> => Number(/^tokenledger_registry_retries_total (\d+)$/m.exec(await only.metrics())?.[1] ?? 0);
    const before = await retries();
    // One stretch of ownership waits to try its claim again; the next one claims at once, and the first then hears that it is over.
    log.setFaults({ commitFails: 1 });
    log.changeOwner('registry', TOPIC, 0, 0);
    await waitFor(async () => (await retries()) >= before + 4, { timeoutMs: 10_000, describe: 'a claim that is tried again' });
    log.changeOwner('registry', TOPIC, 0, 2_000);
    log.setFaults({ commitFails: 0 });
    await insist(only, tenant('acme', 'after'));
    // Longer than the first one's wait can be: 0.4 s after four attempts.
    const untilMs = systemPacing.nowMs() + 1_000;
    while (systemPacing.nowMs() < untilMs) expect((await apply(only, tenant('acme', 'after'))).status).toBe(200);
    expect(await nameOf(only, 'acme')).toBe('after');
  });
});

describe('a log that', () => {
  test('loses the answer to a send: the change is read back and answered', async () => {
    const registry = await start('only');
    log.setFaults({ sendResponseLost: 1 });
    const reply = await apply(registry, tenant('acme', 'Acme'));
    log.setFaults({ sendResponseLost: 0 });
    expect(reply.status).toBe(200);
    await insist(registry, tenant('acme', 'Again'));
    expect((await registry.call('GET', '/v1/documents/tenant/acme')).json).toMatchObject({ version: 2 });
  });

  test('does not take a send: nothing was changed, and the next one is taken', async () => {
    const registry = await start('only');
    log.setFaults({ sendFails: 1 });
    const answer = apply(registry, tenant('acme', 'Acme'));
    await systemPacing.wait(100);
    log.setFaults({ sendFails: 0 });
    expect([(await answer).status, code(await answer)]).toEqual([503, 'CHANGE_LOST']);
    expect(await nameOf(registry, 'acme')).toBeUndefined();
    await insist(registry, tenant('acme', 'Acme'));
  });

  test('takes a send after it was given up: it never holds, is called void in the audit, and what holds is written again', async () => {
    const registry = await start('only');
    await insist(registry, tenant('acme', 'holds'));
    log.setFaults({ sendArrivesLate: 1, delayMsMax: 150 });
    const answer = apply(registry, tenant('acme', 'late'));
    await systemPacing.wait(30);
    log.setFaults({ sendArrivesLate: 0, delayMsMax: 0 });
    const { status } = await answer;
    await insist(registry, tenant('other', 'other'));
    const name = await nameOf(registry, 'acme');
    expect(name).toBe(status === 200 ? 'late' : 'holds');
    log.compact(TOPIC);
    expect(await nameOf(await start('fresh'), 'acme')).toBe(name);
    if (status !== 200) {
      const voids = async (): Promise<number> => {
        const { json } = await registry.call('GET', '/v1/audit');
        return (json['records'] as readonly { readonly action: string }[]).filter(({ action }) => action === 'void').length;
      };
      await waitFor(async () => (await voids()) > 0, { timeoutMs: 5_000, describe: 'the late change to be called void' });
    }
  });

  test('stores a send twice: the change is there once', async () => {
    const registry = await start('only');
    log.setFaults({ sendStoredTwice: 1 });
    for (let count = 1; count <= 5; count += 1) await insist(registry, tenant('acme', `${count}`));
    expect((await registry.call('GET', '/v1/documents/tenant/acme')).json).toMatchObject({ version: 5 });
    const { json } = await registry.call('GET', '/v1/audit?kind=tenant');
    expect(json['records']).toHaveLength(5);
  });

  test('is away: changes are answered 503 in time, reads go on, and all is well when it is back', async () => {
    const registry = await start('only');
    await insist(registry, tenant('acme', 'Acme'));
    log.goAway();
    const refused = await apply(registry, tenant('acme', 'x'));
    expect(refused.status).toBe(503);
    expect(['CHANGE_UNSETTLED', 'CHANGE_LOST']).toContain(code(refused));
    expect(await nameOf(registry, 'acme')).toBe('Acme');
    log.comeBack();
    await insist(registry, tenant('acme', 'back'));
    expect(await nameOf(registry, 'acme')).toBe('back');
  });
});

test('changes that come at once take effect one after the other', async () => {
  const registry = await start('only');
  const replies = await Promise.all(Array.from({ length: 100 }, (_, index) => apply(registry, tenant('acme', `${index}`))));
  const versions = replies.map(({ json }) => (json['results'] as readonly { readonly version: number }[])[0]?.version ?? 0);
  expect(versions.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
});

test('more changes than may wait are refused', async () => {
  const registry = await start('only', { config: { changes_waiting_max: 3 } });
  log.setFaults({ delayMsMax: 50 });
  const replies = await Promise.all(Array.from({ length: 30 }, (_, index) => apply(registry, tenant('acme', `${index}`))));
  log.setFaults({ delayMsMax: 0 });
  expect(new Set(replies.map((reply) => code(reply)))).toEqual(new Set(['', 'REGISTRY_BUSY']));
});

describe('the key hash secret', () => {
  const key = { id: 'k', tenant: 'acme', owner: 'ada' };
  const documents = [tenant('acme', 'Acme'), { kind: 'owner', id: 'ada', tenant: 'acme', name: 'Ada' }];

  test('is recorded once, and a start with another one is refused', async () => {
    const registry = await start('first');
    expect((await registry.call('GET', '/v1/documents/key_hash_secret/1')).json).toMatchObject({ document: { generation: 1 } });
    await stop(registry);
    await expect(start('second', { keyHashSecrets: { current: OTHER_SECRET } })).rejects.toMatchObject({
      code: 'KEY_HASH_SECRET_MISMATCH',
    });
    const again = await start('third');
    expect((await again.call('GET', '/v1/documents?kind=key_hash_secret')).json['documents']).toHaveLength(1);
  });

  test('is rotated by giving both, old keys go on working, new ones are of the new generation', async () => {
    const registry = await start('first');
    await insist(registry, ...documents);
    const { json: old } = await registry.call('POST', '/v1/keys', key);
    await stop(registry);
    const keyHashSecrets = { current: OTHER_SECRET, previous: HASH_SECRET };
    const rotated = await start('second', { keyHashSecrets });
    const { json: fresh } = await rotated.call('POST', '/v1/keys', { ...key, id: 'new' });
    expect(fresh['key']).toMatchObject({ key: { secrets: [{ generation: 2 }] } });
    const both = await liveControl({ log, topic: TOPIC, readSecret: () => '', keyHashSecrets });
    expect([old, fresh].map(({ secret }) => both.current().findKey(String(secret))?.id)).toEqual(['k', 'new']);
    await both.close();
    const newest = await liveControl({ log, topic: TOPIC, readSecret: () => '', keyHashSecrets: { current: OTHER_SECRET } });
    expect([old, fresh].map(({ secret }) => newest.current().findKey(String(secret))?.id)).toEqual([undefined, 'new']);
    expect(newest.current().problems).toMatchObject([{ kind: 'virtual_key', id: 'k', code: 'KEY_HASH_SECRET_MISSING' }]);
    await newest.close();
    await expect(liveControl({ log, topic: TOPIC, readSecret: () => '', keyHashSecrets: { current: HASH_SECRET } })).rejects.toMatchObject({
      code: 'KEY_HASH_SECRET_MISMATCH',
    });
  });
});

describe('documents of the config file', () => {
  const section = {
    tenants: [{ id: 'acme', name: 'Acme' }],
    owners: [{ id: 'ada', tenant: 'acme', name: 'Ada' }],
    virtual_keys: [{ id: 'k', tenant: 'acme', owner: 'ada', secret: 'env:K' }],
  };
  const secrets = { 'env:K': 'tlk_0123456789abcdefghij' };

  test('are there when the start is over, and the API leaves them alone', async () => {
    const registry = await start('only', { documents: section, secrets });
    expect((await registry.call('GET', '/v1/documents/virtual_key/k')).json).toMatchObject({
      managed_by: 'config',
      key: { secrets: [{}] },
    });
    expect(code(await apply(registry, tenant('acme', 'x')))).toBe('DOCUMENT_MANAGED_BY_CONFIG');
    const live = await liveControl({ log, topic: TOPIC, readSecret: () => '', keyHashSecrets: { current: HASH_SECRET } });
    expect(live.current().findKey(secrets['env:K'])?.id).toBe('k');
    await live.close();
  });

  test('go with the file, and the same file changes nothing', async () => {
    await stop(await start('first', { documents: section, secrets }));
    const second = await start('second', { documents: section, secrets });
    expect((await second.call('GET', '/v1/documents/tenant/acme')).json).toMatchObject({ version: 1 });
    await stop(second);
    const third = await start('third', { documents: { tenants: section.tenants } });
    expect((await third.call('GET', '/v1/documents/virtual_key/k')).status).toBe(404);
    expect((await third.call('GET', '/v1/documents/tenant/acme')).json).toMatchObject({ version: 1 });
    expect((await third.call('GET', '/v1/audit?kind=virtual_key')).json).toMatchObject({
      records: [{ action: 'delete', managed_by: 'config' }, { action: 'create' }],
    });
  });

  test.each([
    ['name what is not there', { owners: section.owners }, 'CONFIG_DOCUMENTS_REFUSED'],
    ['have a key that is too short', { ...section, virtual_keys: [{ ...section.virtual_keys[0], secret: 'env:SHORT' }] }, 'SECRET_WEAK'],
  ])('that %s keep the registry from starting', async (_name, documents, expected) => {
    await expect(start('only', { documents, secrets: { 'env:SHORT': 'short' } })).rejects.toMatchObject({ code: expected });
  });
});

test.each([
  ['too short', 'short', 'ADMIN_TOKEN_INVALID'],
  ['the same as another one', 'tla-reader-0123456789abcdefghij', 'ADMIN_TOKEN_INVALID'],
])('an admin token that is %s keeps the registry from starting', async (_name, text, expected) => {
  await expect(start('only', { secrets: { 'env:ADMIN': text } })).rejects.toMatchObject({ code: expected });
});
