import {
  type ConfigDocument,
  type ControlDocument,
  type ControlRecord,
  documentKey,
  documentsOf,
  documentsSection,
  type ManagedBy,
} from '@tokenledger/control';
import { isRejected } from '@tokenledger/domain';
import { expect, test } from 'vitest';
import { type ConfigPlan, planConfig } from './config-plan.ts';
import type { Refusal } from './refusal.ts';
import type { Records } from './request.ts';

const NOW_MS = Date.parse('2026-06-01T00:00:00.000Z');
const HASH = (fill: string): string => `${fill.repeat(43)}=`;

const configured: readonly ConfigDocument[] = documentsOf(
  documentsSection.parse({
    virtual_keys: [{ id: 'k', tenant: 'acme', owner: 'ada', secret: 'env:K' }],
    owners: [{ id: 'ada', tenant: 'acme', name: 'Ada' }],
    tenants: [{ id: 'acme', name: 'Acme' }],
    channels: ['one', 'two'].map((id) => ({
      id,
      provider: 'p',
      surfaces: ['openai.chat'],
      base_url: 'http://127.0.0.1:1',
      credential: 'env:C',
    })),
  }),
);
const hashes = new Map([
  [
    'k',
    [
      { generation: 2, hash: HASH('B') },
      { generation: 1, hash: HASH('A') },
    ],
  ],
]);

const plan = (records: Records, documents: readonly ConfigDocument[] = configured, ofKeys = hashes) =>
  planConfig(records, { documents, hashes: ofKeys, nowMs: NOW_MS });
const drafted = (planned: ConfigPlan | Refusal): readonly string[] =>
  isRejected(planned)
    ? planned.issues.map(({ path, code }) => `${path} ${code}`)
    : planned.drafts.map(({ action, kind, id }) => `${action} ${kind}/${id}`);

function recordsOf(documents: readonly ControlDocument[], managedBy: ManagedBy = 'config'): Records {
  return new Map(
    documents.map((document): [string, ControlRecord] => [
      documentKey(document),
      {
        kind: document.kind,
        id: document.id,
        version: 1,
        epoch: 1,
        change_id: 'c',
        change_size: 1,
        changed_at: '',
        changed_by: 'registry',
        managed_by: managedBy,
        document,
      },
    ]),
  );
}
/** As they are once the plan was carried out. */
function applied(planned: ConfigPlan | Refusal): readonly ControlDocument[] {
  return isRejected(planned) ? [] : planned.drafts.flatMap(({ document }) => document ?? []);
}

test('an empty topic gets everything, what is named before what names it', () => {
  expect(drafted(plan(new Map()))).toEqual([
    'create tenant/acme',
    'create owner/ada',
    'create virtual_key/k',
    'create channel/one',
    'create channel/two',
  ]);
});

test('a key comes with the hash of the newest generation, channels in the order of the file', () => {
  const documents = applied(plan(new Map()));
  expect(documents.find(({ kind }) => kind === 'virtual_key')).toMatchObject({
    hashes: [{ generation: 2, hash: HASH('B') }],
    revoked: false,
  });
  expect(documents.flatMap((document) => (document.kind === 'channel' ? document.priority : []))).toEqual([100, 101]);
});

test('the same file again changes nothing', () => {
  expect(drafted(plan(recordsOf(applied(plan(new Map())))))).toEqual([]);
});

test('a key whose text is still the same keeps its hash of an earlier generation', () => {
  const before = applied(plan(new Map(), configured, new Map([['k', [{ generation: 1, hash: HASH('A') }]]])));
  expect(drafted(plan(recordsOf(before)))).toEqual([]);
});

test('a key with another text gets another hash, and the old one is gone', () => {
  const before = recordsOf(applied(plan(new Map())));
  const planned = plan(before, configured, new Map([['k', [{ generation: 2, hash: HASH('C') }]]]));
  expect(drafted(planned)).toEqual(['update virtual_key/k']);
  expect(applied(planned)[0]).toMatchObject({ hashes: [{ hash: HASH('C') }] });
});

test('what has left the file goes, what names others first', () => {
  expect(drafted(plan(recordsOf(applied(plan(new Map()))), []))).toEqual([
    'delete channel/one',
    'delete channel/two',
    'delete virtual_key/k',
    'delete owner/ada',
    'delete tenant/acme',
  ]);
});

test('what has left the file and is named by a document of the API stays, and all that it names', () => {
  const key: ControlDocument = {
    kind: 'virtual_key',
    id: 'other',
    tenant: 'acme',
    owner: 'ada',
    class: 'production',
    fixed: {},
    hashes: [],
    revoked: false,
  };
  const records = new Map([...recordsOf(applied(plan(new Map()))), ...recordsOf([key], 'api')]);
  const planned = plan(records, []);
  expect(drafted(planned)).toEqual(['delete channel/one', 'delete channel/two', 'delete virtual_key/k']);
  expect(isRejected(planned) ? [] : planned.kept).toEqual(['owner/ada', 'tenant/acme']);
});

test('a document of the API that the file names, too, becomes one of the file', () => {
  expect(drafted(plan(recordsOf(applied(plan(new Map())), 'api'))).slice(0, 2)).toEqual(['update tenant/acme', 'update owner/ada']);
});

test('a document that names nothing keeps the whole file from being applied', () => {
  const documents = configured.filter(({ kind }) => kind !== 'owner');
  expect(drafted(plan(new Map(), documents))).toEqual(['virtual_key/k.owner REFERENCE_MISSING']);
});
