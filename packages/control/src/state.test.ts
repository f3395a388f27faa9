import { expect, test } from 'vitest';
import { documentsOf, documentsSection, resolveControl, secretReader } from './index.ts';

const secret = Buffer.alloc(32, 7);
const section = {
  tenants: [{ id: 'acme', name: 'Acme' }],
  projects: [{ id: 'chat', tenant: 'acme', name: 'Chat' }],
  owners: [{ id: 'ada', tenant: 'acme', name: 'Ada', team: 'search' }],
  virtual_keys: [{ id: 'k1', tenant: 'acme', project: 'chat', owner: 'ada', secret: 'env:K1', fixed: { feature: 'summaries' } }],
  channels: [{ id: 'openai', provider: 'openai', surfaces: ['openai.chat'], base_url: 'http://127.0.0.1:1/', credential: 'env:UP' }],
};
const environment = { K1: 'tlk_0123456789abcdefghij', UP: 'upstream-secret' };

function resolve(change: Partial<Record<keyof typeof section, unknown>> = {}, env: Record<string, string> = environment) {
  const documents = documentsOf(documentsSection.parse({ ...section, ...change }));
  return resolveControl(documents, { readSecret: secretReader(env, '.'), keyHashSecret: secret });
}

test('a key is found by its text and carries its attribution', () => {
  const key = resolve().findKey('tlk_0123456789abcdefghij');
  expect(key?.attribution).toMatchObject({
    tenantId: 'acme',
    projectId: 'chat',
    ownerId: 'ada',
    team: 'search',
    virtualKeyId: 'k1',
    feature: 'summaries',
  });
  expect([...(key?.fixed ?? [])]).toEqual(['projectId', 'feature']);
});

test('what a key says of lists, of the response cache and of sensitivity is resolved, and nothing where it says nothing', () => {
  const plain = resolve().findKey(environment.K1);
  expect(plain).toMatchObject({ models: null, cacheTtlMs: null, attribution: { labels: {} } });
  const [document] = section.virtual_keys;
  const said = { fixed: { sensitivity: 'secret' }, response_cache: { ttl_s: 60 }, models: { deny: ['a'] } };
  const key = resolve({ virtual_keys: [{ ...document, ...said }] }).findKey(environment.K1);
  expect(key).toMatchObject({
    cacheTtlMs: 60_000,
    models: { always: [{ level: 'virtual_key' }] },
    attribution: { labels: { sensitivity: 'secret' } },
  });
});

test('a text that is nearly a key finds nothing', () => {
  expect(resolve().findKey('tlk_0123456789abcdefghik')).toBeUndefined();
  expect(resolve().findKey('')).toBeUndefined();
});

test('the first channel that speaks a surface serves it, others have none', () => {
  expect(resolve().channelFor('openai.chat')).toMatchObject({ id: 'openai', baseUrl: 'http://127.0.0.1:1', credential: 'upstream-secret' });
  expect(resolve().channelFor('anthropic.messages')).toBeUndefined();
});

test('a missing secret names the variable to set', () => {
  expect(() => resolve({}, { K1: environment.K1 })).toThrow(/UP is not set/);
});

test('a reference to nothing, or across tenants, is refused', () => {
  expect(() => resolve({ owners: [] })).toThrow(/owner 'ada', which does not exist/);
  expect(() =>
    resolve({ tenants: [...section.tenants, { id: 'rival', name: 'Rival' }], owners: [{ id: 'ada', tenant: 'rival', name: 'Ada' }] }),
  ).toThrow(/of tenant 'rival'/);
});

test('two documents with one id, two keys with one secret, and short keys are refused', () => {
  expect(() => resolve({ tenants: [...section.tenants, ...section.tenants] })).toThrow(/there twice/);
  expect(() => resolve({ virtual_keys: [...section.virtual_keys, { ...section.virtual_keys[0], id: 'k2' }] })).toThrow(/same secret/);
  expect(() => resolve({}, { ...environment, K1: 'short' })).toThrow(/at least 20/);
});

test('an unknown field of a document is refused with its path', () => {
  const parsed = documentsSection.safeParse({ ...section, tenants: [{ id: 'acme', name: 'Acme', colour: 'red' }] });
  expect(parsed.success).toBe(false);
  expect(parsed.error?.issues[0]?.path).toEqual(['tenants', 0]);
});
