// The admin API of the registry over a real socket: documents, versions, keys, the audit, and what it refuses.
import { readFileSync } from 'node:fs';
import { SHIPPED_PRICE_BOOK } from '@tokenledger/pricing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { READ_TOKEN, runRegistry, type RunningRegistry, WRITE_TOKEN } from '../../support/running-registry.ts';

const TENANT = { kind: 'tenant', id: 'acme', name: 'Acme' };
const OWNER = { kind: 'owner', id: 'ada', tenant: 'acme', name: 'Ada', team: 'search' };
const PROJECT = { kind: 'project', id: 'chat', tenant: 'acme', name: 'Chat' };
const CHANNEL = {
  kind: 'channel',
  id: 'openai',
  provider: 'openai',
  surfaces: ['openai.chat'],
  base_url: 'https://api.openai.com',
  credential: 'env:OPENAI',
};

let registry: RunningRegistry;
beforeAll(async () => {
  registry = await runRegistry();
});
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
});

const post = (path: string, body: unknown, token?: string) => registry.call('POST', path, body, token);
const get = (path: string, token?: string) => registry.call('GET', path, undefined, token);
const apply = (...documents: readonly unknown[]) => post('/v1/apply', { documents });
const results = (reply: { readonly json: { readonly [name: string]: unknown } }) =>
  reply.json['results'] as readonly Record<string, unknown>[];
const error = (reply: { readonly json: { readonly [name: string]: unknown } }) =>
  reply.json['error'] as { readonly code: string; readonly message: string; readonly issues: readonly Record<string, unknown>[] };

describe('applying documents', () => {
  test('creates them together, whatever their order, and says so', async () => {
    const reply = await post('/v1/apply', { documents: [OWNER, CHANNEL, TENANT, PROJECT], note: 'first' });
    expect(reply.status).toBe(200);
    expect(results(reply).map(({ kind, id, action, version }) => [kind, id, action, version])).toEqual([
      ['owner', 'ada', 'create', 1],
      ['channel', 'openai', 'create', 1],
      ['tenant', 'acme', 'create', 1],
      ['project', 'chat', 'create', 1],
    ]);
    expect(await get('/v1/documents/owner/ada')).toMatchObject({
      status: 200,
      json: { kind: 'owner', id: 'ada', version: 1, managed_by: 'api', changed_by: 'admin', document: { ...OWNER, email: '' } },
    });
  });

  test('again changes nothing, not even a version', async () => {
    const reply = await apply(TENANT, OWNER);
    expect(reply.json).toMatchObject({
      change_id: null,
      results: [
        { action: 'unchanged', version: 1 },
        { action: 'unchanged', version: 1 },
      ],
    });
  });

  test('with a change shows what was before and what is after', async () => {
    const reply = await apply({ ...OWNER, team: 'ranking' });
    expect(results(reply)).toMatchObject([{ action: 'update', version: 2, before: { team: 'search' }, after: { team: 'ranking' } }]);
  });

  test('as a dry run says the same and changes nothing', async () => {
    const reply = await post('/v1/apply', { documents: [{ ...OWNER, team: 'ads' }], dry_run: true });
    expect(reply.json).toMatchObject({
      change_id: null,
      dry_run: true,
      results: [{ action: 'update', version: 3, after: { team: 'ads' } }],
    });
    expect((await get('/v1/documents/owner/ada')).json).toMatchObject({ version: 2 });
  });

  test('of which one is wrong changes none of them, and names every place', async () => {
    const reply = await apply(
      { kind: 'tenant', id: 'new', name: 'New' },
      { kind: 'owner', id: 'bob', tenant: 'nowhere', name: 'Bob' },
      { ...PROJECT, tenant: 'new' },
      { kind: 'price_book', id: 'mine', text: 'blocks: []' },
    );
    expect(reply.status).toBe(400);
    expect(error(reply).issues.map(({ path, code }) => [path, code])).toEqual([
      ['documents[1].tenant', 'REFERENCE_MISSING'],
      ['documents[2].tenant', 'DOCUMENT_FIXED'],
      ['documents[3].text', 'PRICE_BOOK_INVALID'],
    ]);
    expect((await get('/v1/documents/tenant/new')).status).toBe(404);
  });

  test('that are not documents is refused by path', async () => {
    const reply = await apply({ ...TENANT, colour: 'red' }, { kind: 'owner', id: 'Ada', tenant: 'acme', name: 'x' });
    expect(reply.status).toBe(400);
    expect(error(reply).code).toBe('INPUT_INVALID');
    expect(error(reply).issues.map(({ path }) => path)).toEqual(['documents[0]', 'documents[1].id']);
  });

  test('seen in another version is a conflict', async () => {
    const body = { documents: [{ ...OWNER, team: 'ads' }], expected_versions: { 'owner/ada': 1 } };
    const reply = await post('/v1/apply', body);
    expect(reply.status).toBe(409);
    expect(error(reply)).toMatchObject({ code: 'DOCUMENT_VERSION_CONFLICT', issues: [{ path: 'expected_versions["owner/ada"]' }] });
  });
});

describe('deleting a document', () => {
  test('that another one names is refused, and names it', async () => {
    const reply = await registry.call('DELETE', '/v1/documents/tenant/acme');
    expect(reply.status).toBe(409);
    expect(error(reply)).toMatchObject({ code: 'DOCUMENT_IN_USE', message: expect.stringContaining('owner/ada') as unknown });
  });

  test('takes it away, and a new one goes on with its versions', async () => {
    await apply({ kind: 'tenant', id: 'brief', name: 'Brief' });
    const gone = await registry.call('DELETE', '/v1/documents/tenant/brief?expected_version=1&note=over');
    expect(results(gone)).toMatchObject([{ action: 'delete', version: 2, after: null }]);
    expect((await get('/v1/documents/tenant/brief')).status).toBe(404);
    expect((await registry.call('DELETE', '/v1/documents/tenant/brief')).status).toBe(404);
    expect(results(await apply({ kind: 'tenant', id: 'brief', name: 'Again' }))).toMatchObject([{ action: 'create', version: 3 }]);
  });
});

describe('a key', () => {
  const KEY = { tenant: 'acme', project: 'chat', owner: 'ada' };

  test('is created with a secret that is shown once', async () => {
    const reply = await post('/v1/keys', { id: 'k1', ...KEY, class: 'sandbox' });
    expect(reply.status).toBe(201);
    expect(reply.json['secret']).toMatch(/^tlk_[A-Za-z0-9_-]{43}$/);
    expect(reply.json['key']).toMatchObject({
      id: 'k1',
      document: { class: 'sandbox' },
      key: { revoked: false, secrets: [{ generation: 1, expires_at: null }] },
    });
    expect((await get('/v1/documents/virtual_key/k1')).json).toMatchObject({ key: { secrets: [{ generation: 1 }] } });
    expect((await post('/v1/keys', { id: 'k1', ...KEY })).status).toBe(409);
  });

  test('without an id gets one', async () => {
    const { json } = await post('/v1/keys', KEY);
    expect((json['key'] as { readonly id: string }).id).toMatch(/^key-[0-9a-f]{16}$/);
  });

  test('gets another secret beside the old one, which ends after the overlap', async () => {
    const before = Date.now();
    const { json } = await post('/v1/keys/k1/rotate', { overlap_s: 600 });
    const { secrets } = (json['key'] as { readonly key: { readonly secrets: readonly { readonly expires_at: string | null }[] } }).key;
    expect(secrets).toHaveLength(2);
    expect(secrets[0]?.expires_at).toBeNull();
    const endsInMs = Date.parse(secrets[1]?.expires_at ?? '') - before;
    expect(endsInMs).toBeGreaterThanOrEqual(600_000);
    expect(endsInMs).toBeLessThan(660_000);
  });

  test('can be changed by applying, and keeps its secrets', async () => {
    const reply = await apply({ kind: 'virtual_key', id: 'k1', ...KEY, class: 'production', fixed: { feature: 'chat' } });
    expect(results(reply)).toMatchObject([{ action: 'update', after: { class: 'production', fixed: { feature: 'chat' } } }]);
    const { json } = await get('/v1/documents/virtual_key/k1');
    expect((json['key'] as { readonly secrets: readonly unknown[] }).secrets).toHaveLength(2);
  });

  test('is revoked for good, once', async () => {
    expect(results(await post('/v1/keys/k1/revoke', {}))).toMatchObject([{ action: 'update' }]);
    expect((await registry.call('POST', '/v1/keys/k1/revoke')).json).toMatchObject({ change_id: null, results: [{ action: 'unchanged' }] });
    expect((await get('/v1/documents/virtual_key/k1')).json).toMatchObject({ key: { revoked: true } });
    const rotated = await post('/v1/keys/k1/rotate', {});
    expect([rotated.status, error(rotated).code]).toEqual([409, 'KEY_REVOKED']);
  });

  test('that does not exist cannot be rotated or revoked', async () => {
    for (const action of ['rotate', 'revoke']) expect((await post(`/v1/keys/none/${action}`, {})).status).toBe(404);
  });
});

describe('who may', () => {
  test.each(['', 'tla-somebody-else-0123456789'])('nobody without a token that is known: %j', async (token) => {
    const reply = await get('/v1/documents', token);
    expect([reply.status, error(reply).code]).toEqual([401, 'UNAUTHENTICATED']);
    expect(reply.headers.get('www-authenticate')).toBe('Bearer');
  });

  test('a reader may not write', async () => {
    const reply = await post('/v1/apply', { documents: [TENANT] }, READ_TOKEN);
    expect([reply.status, error(reply).code]).toEqual([403, 'SCOPE_MISSING']);
    expect((await get('/v1/documents', READ_TOKEN)).status).toBe(200);
  });

  test('a writer may not touch keys in any way', async () => {
    const key = { kind: 'virtual_key', id: 'k1', tenant: 'acme', owner: 'ada' };
    const replies = [
      await post('/v1/apply', { documents: [key] }, WRITE_TOKEN),
      await post('/v1/keys', key, WRITE_TOKEN),
      await registry.call('DELETE', '/v1/documents/virtual_key/k1', undefined, WRITE_TOKEN),
    ];
    expect(replies.map(({ status }) => status)).toEqual([403, 403, 403]);
  });
});

describe('pages', () => {
  test('of documents meet each once, in order', async () => {
    await apply(...Array.from({ length: 25 }, (_, index) => ({ kind: 'tenant', id: `page-${String(index).padStart(2, '0')}`, name: 'x' })));
    const met: string[] = [];
    let cursor = '';
    do {
      const { json } = await get(`/v1/documents?kind=tenant&limit=10${cursor === '' ? '' : `&cursor=${cursor}`}`);
      met.push(...(json['documents'] as readonly { readonly id: string }[]).map(({ id }) => id));
      cursor = (json['next_cursor'] as string | null) ?? '';
    } while (cursor !== '');
    expect(met).toEqual([...met].toSorted());
    expect(new Set(met).size).toBe(met.length);
    expect(met.filter((id) => id.startsWith('page-'))).toHaveLength(25);
  });

  test('are of one tenant when asked', async () => {
    const { json } = await get('/v1/documents?tenant=acme');
    expect((json['documents'] as readonly { readonly kind: string }[]).map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['tenant', 'owner', 'project', 'virtual_key']),
    );
    expect(JSON.stringify(json)).not.toContain('page-');
  });

  test.each(['limit=0', 'limit=1001', 'limit=ten', 'cursor=!', 'kind=none', 'colour=red'])('refuse %s', async (query) => {
    const reply = await get(`/v1/documents?${query}`);
    expect([reply.status, error(reply).code]).toEqual([400, 'INPUT_INVALID']);
  });
});

describe('the audit', () => {
  test('tells who changed what, newest first, page by page', async () => {
    const records: Record<string, unknown>[] = [];
    let cursor = '';
    do {
      const { json } = await get(`/v1/audit?limit=7${cursor === '' ? '' : `&cursor=${cursor}`}`);
      records.push(...(json['records'] as Record<string, unknown>[]));
      cursor = (json['next_cursor'] as string | null) ?? '';
    } while (cursor !== '');
    expect(records.at(-1)).toMatchObject({ action: 'create', kind: 'key_hash_secret', changed_by: 'registry' });
    const times = records.map(({ changed_at }) => String(changed_at));
    expect(times).toEqual(times.toSorted().toReversed());
    const ofKey = records.filter(({ kind, id }) => kind === 'virtual_key' && id === 'k1');
    expect(ofKey.map(({ action }) => action)).toEqual(['revoke', 'update', 'rotate', 'create']);
    expect(records.find(({ note }) => note === 'first')).toMatchObject({ changed_by: 'admin', managed_by: 'api' });
  });

  test('of one document has only that one', async () => {
    const { json } = await get('/v1/audit?kind=owner&id=ada');
    expect((json['records'] as readonly Record<string, unknown>[]).map(({ version_after }) => version_after)).toEqual([2, 1]);
  });
});

describe('what is no request', () => {
  test.each([
    ['a path that does not exist', 'GET', '/v1/nothing', undefined, 404, 'ADMIN_ROUTE_UNKNOWN'],
    ['a body that is no JSON', 'POST', '/v1/apply', '{', 400, 'BODY_INVALID'],
    [
      'a body that is too large',
      'POST',
      '/v1/apply',
      JSON.stringify({ documents: [], note: 'x'.repeat(4 * 1024 * 1024) }),
      413,
      'CHANGE_TOO_LARGE',
    ],
    ['a key with a prototype', 'POST', '/v1/apply', '{"documents":[],"__proto__":{}}', 400, 'BODY_INVALID'],
    ['a kind that does not exist', 'GET', '/v1/documents/colour/red', undefined, 400, 'INPUT_INVALID'],
  ])('%s', async (_name, method, path, body, status, code) => {
    const reply = await registry.call(method, path, body);
    expect([reply.status, error(reply).code]).toEqual([status, code]);
  });
});

test('a change that is larger than the log takes at once changes nothing, its parts fit', async () => {
  const book = readFileSync(SHIPPED_PRICE_BOOK, 'utf8');
  const books = ['b1', 'b2'].map((id) => ({ kind: 'price_book', id, text: `${book}\n# ${id} ${'x'.repeat(690_000 - book.length)}` }));
  const reply = await apply(...books);
  expect([reply.status, error(reply).code]).toEqual([413, 'CHANGE_TOO_LARGE']);
  expect((await get('/v1/documents/price_book/b1')).status).toBe(404);
  for (const one of books) expect((await apply(one)).status).toBe(200);
  expect((await apply({ ...books[0], text: `${books[0]?.text}#` })).status).toBe(200);
  expect((await get('/v1/documents/price_book/b2')).json['document']).toEqual(books[1]);
});

test('a price book is fixed once an activation names it, and activations once they are near', async () => {
  const at = (inMs: number) => new Date(Date.now() + inMs).toISOString();
  const activation = { kind: 'price_book_activation', id: 'next', price_book: 'b1', activates_at: at(3_600_000) };
  expect(error(await apply({ ...activation, activates_at: at(30_000) }))).toMatchObject({
    code: 'ACTIVATION_TOO_SOON',
    issues: [{ path: 'documents[0].activates_at' }],
  });
  expect((await apply(activation)).status).toBe(200);
  expect((await apply({ ...activation, activates_at: at(7_200_000) })).status).toBe(200);
  const book = (await get('/v1/documents/price_book/b1')).json['document'] as { readonly text: string };
  expect(error(await apply({ ...book, text: `${book.text} ` }))).toMatchObject({ code: 'DOCUMENT_FIXED' });
  expect((await apply(book)).json).toMatchObject({ results: [{ action: 'unchanged' }] });
  expect((await registry.call('DELETE', '/v1/documents/price_book/b1')).status).toBe(409);
  expect((await registry.call('DELETE', '/v1/documents/price_book_activation/next')).status).toBe(200);
});

test('metrics tell of requests, changes and documents', async () => {
  const text = await registry.metrics();
  expect(text).toMatch(/tokenledger_registry_requests_total\{operation="apply",status="200"\} \d+/);
  expect(text).toMatch(/tokenledger_registry_changes_total\{fate="applied"\} \d+/);
  expect(text).toContain('\ntokenledger_registry_owner 1\n');
  expect(text).toContain('\ntokenledger_registry_documents_channel 1\n');
});
