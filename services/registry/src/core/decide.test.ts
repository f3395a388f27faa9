import {
  type ContractDocument,
  type ControlDocument,
  type ControlRecord,
  controlRecordSchema,
  type DocumentInput,
  documentKey,
  type KeySecret,
  type VirtualKey,
} from '@tokenledger/control';
import { isRejected } from '@tokenledger/domain';
import { describe, expect, test } from 'vitest';
import { decide } from './decide.ts';
import type { Refusal } from './refusal.ts';
import type { ChangeRequest, Decided, Records } from './request.ts';

const NOW_MS = Date.parse('2026-06-01T00:00:00.000Z');
const LEAD_MS = 70_000;
const at = (inMs: number): string => new Date(NOW_MS + inMs).toISOString();

const secret = (fill: string, more: Partial<KeySecret> = {}): KeySecret => ({
  hash: `${fill.repeat(43)}=`,
  generation: 1,
  created_at: at(-1000),
  ...more,
});
const TENANT: ControlDocument = { kind: 'tenant', id: 'acme', name: 'Acme' };
const RIVAL: ControlDocument = { kind: 'tenant', id: 'rival', name: 'Rival' };
const OWNER: ControlDocument = { kind: 'owner', id: 'ada', tenant: 'acme', name: 'Ada', team: '', email: '' };
const KEY: VirtualKey = {
  kind: 'virtual_key',
  id: 'k',
  tenant: 'acme',
  owner: 'ada',
  class: 'production',
  fixed: {},
  hashes: [secret('A')],
  revoked: false,
};
const BOOK: ControlDocument = { kind: 'price_book', id: 'b', text: 'anything' };
const ACTIVATION: ControlDocument = { kind: 'price_book_activation', id: 'x', price_book: 'b', activates_at: at(LEAD_MS) };
const CONTRACT: ContractDocument = {
  kind: 'contract',
  id: 'c',
  provider: 'p',
  effective_from: at(LEAD_MS),
  discounts: [{ factor: '0.85' }],
};
const CARD: ControlDocument = {
  kind: 'rate_card',
  id: 'r',
  tenant: 'acme',
  effective_from: at(LEAD_MS),
  basis: 'cost',
  markup: '1.2',
  currency: 'EUR',
};
const tiers = (measure: 'usd' | 'tokens', ...above: readonly string[]): NonNullable<ContractDocument['volume_tiers']> => [
  { measure, applies_to: 'beyond', tiers: above.map((each) => ({ above: each, factor: '0.9' })) },
];
const FX: ControlDocument = { kind: 'fx_rate', id: 'f', currency: 'EUR', per_usd: '0.92', effective_from: at(LEAD_MS), source: 'a bank' };
const GENERATION: ControlDocument = { kind: 'key_hash_secret', id: '1', generation: 1, check: `${'C'.repeat(43)}=`, created_at: at(-1000) };

function records(...documents: readonly (ControlDocument | (Partial<ControlRecord> & { readonly document: ControlDocument }))[]): Records {
  return new Map(
    documents.map((one): [string, ControlRecord] => {
      const { document, ...more } = 'document' in one ? one : { document: one };
      const { kind, id } = document;
      const record = controlRecordSchema.parse({
        kind,
        id,
        version: 3,
        epoch: 1,
        change_id: '00000000-0000-7000-8000-000000000001',
        change_size: 1,
        changed_at: at(-1000),
        changed_by: 'me',
        managed_by: 'api',
        document,
        ...more,
      });
      return [documentKey(record), record];
    }),
  );
}

const ask = (state: Records, request: ChangeRequest): Decided | Refusal =>
  decide(state, request, { nowMs: NOW_MS, activationLeadMs: LEAD_MS });
const apply = (state: Records, ...documents: readonly DocumentInput[]) => ask(state, { kind: 'apply', documents, expectedVersions: {} });
const outcome = (decided: Decided | Refusal): string =>
  isRejected(decided)
    ? decided.issues.map(({ path, code }) => `${path} ${code}`).join(', ')
    : decided.results.map(({ action, version }) => `${action} ${version}`).join(', ');

const input = ({ hashes: _hashes, revoked: _revoked, ...rest }: VirtualKey): DocumentInput => rest;

describe('a document that is applied', () => {
  test.each<readonly [string, Records, DocumentInput, string]>([
    ['is created where there is none', records(), TENANT, 'create 1'],
    [
      'is created again after it was deleted',
      new Map([['tenant/acme', { ...(records(TENANT).get('tenant/acme') as ControlRecord), document: null }]]),
      TENANT,
      'create 4',
    ],
    ['is unchanged when it says the same', records(TENANT), TENANT, 'unchanged 3'],
    ['is updated when it says otherwise', records(TENANT), { ...TENANT, name: 'x' }, 'update 4'],
    ['of the config file is unchanged when it says the same', records({ document: TENANT, managed_by: 'config' }), TENANT, 'unchanged 3'],
    [
      'of the config file is refused when it says otherwise',
      records({ document: TENANT, managed_by: 'config' }),
      { ...TENANT, name: 'x' },
      'documents[0] DOCUMENT_MANAGED_BY_CONFIG',
    ],
    ['that names nothing is refused', records(TENANT), { ...OWNER, tenant: 'none', id: 'new' }, 'documents[0].tenant REFERENCE_MISSING'],
    [
      'of another tenant’s owner is refused',
      records(TENANT, RIVAL, OWNER),
      { ...input(KEY), tenant: 'rival' } as DocumentInput,
      'documents[0].owner REFERENCE_MISSING',
    ],
    ['cannot change its tenant', records(TENANT, RIVAL, OWNER), { ...OWNER, tenant: 'rival' }, 'documents[0].tenant DOCUMENT_FIXED'],
    ['that is no price book is refused', records(), BOOK, 'documents[0].text PRICE_BOOK_INVALID'],
    [
      'of a book that an activation names is fixed',
      records(BOOK, ACTIVATION),
      { ...BOOK, text: 'other' },
      'documents[0].text DOCUMENT_FIXED, documents[0].text PRICE_BOOK_INVALID',
    ],
    ['activates a book that is there, early enough', records(BOOK), ACTIVATION, 'create 1'],
    [
      'activates no book a moment too late',
      records(BOOK),
      { ...ACTIVATION, activates_at: at(LEAD_MS - 1) },
      'documents[0].activates_at ACTIVATION_TOO_SOON',
    ],
    ['moves an activation that is far enough', records(BOOK, ACTIVATION), { ...ACTIVATION, activates_at: at(LEAD_MS + 1) }, 'update 4'],
    [
      'moves no activation that is near',
      records(BOOK, { ...ACTIVATION, activates_at: at(LEAD_MS - 1) }),
      ACTIVATION,
      'documents[0] DOCUMENT_FIXED',
    ],
    [
      'repeats an activation that is over',
      records(BOOK, { ...ACTIVATION, activates_at: at(-1) }),
      { ...ACTIVATION, activates_at: at(-1) },
      'unchanged 3',
    ],
    ['agrees on what holds from early enough on', records(), CONTRACT, 'create 1'],
    [
      'agrees on nothing that holds too soon',
      records(),
      { ...FX, effective_from: at(0) },
      'documents[0].effective_from ACTIVATION_TOO_SOON',
    ],
    [
      'agrees on what has held for long, where events are rated by it from early enough on',
      records(),
      { ...CONTRACT, effective_from: at(-1_000_000), activates_at: at(LEAD_MS) },
      'create 1',
    ],
    [
      'agrees on nothing by which events are rated too soon',
      records(),
      { ...CONTRACT, effective_from: at(-1_000_000), activates_at: at(LEAD_MS - 1) },
      'documents[0].activates_at ACTIVATION_TOO_SOON',
    ],
    [
      'agrees on nothing by which events are rated before it holds',
      records(),
      { ...CONTRACT, effective_from: at(LEAD_MS + 1), activates_at: at(LEAD_MS) },
      'documents[0].activates_at INPUT_INVALID',
    ],
    [
      'agrees on nothing that ends before it begins',
      records(),
      { ...CONTRACT, effective_to: at(LEAD_MS) },
      'documents[0].effective_to INPUT_INVALID',
    ],
    ['agrees on no prices that are none', records(), { ...CONTRACT, prices: 'x' }, 'documents[0].prices PRICE_BOOK_INVALID'],
    ['agrees on tiers that rise', records(), { ...CONTRACT, volume_tiers: tiers('usd', '9.5', '10') }, 'create 1'],
    [
      'agrees on no tiers that do not',
      records(),
      { ...CONTRACT, volume_tiers: tiers('usd', '10', '9') },
      'documents[0].volume_tiers[0] INPUT_INVALID',
    ],
    [
      'agrees on no part of a token',
      records(),
      { ...CONTRACT, volume_tiers: tiers('tokens', '9.5') },
      'documents[0].volume_tiers[0] INPUT_INVALID',
    ],
    [
      'includes no searches among tokens',
      records(TENANT),
      { ...CARD, included: [{ measure: 'tokens', classes: ['web_search_requests'], up_to: '9', factor: '0' }] },
      'documents[0].included[0].classes INPUT_INVALID',
    ],
    ['gives a tenant that is there a rate card', records(TENANT), CARD, 'create 1'],
    ['gives no rate card to a tenant that is not', records(), CARD, 'documents[0].tenant REFERENCE_MISSING'],
    ['changes what is not near', records(CONTRACT), { ...CONTRACT, discounts: [] }, 'update 4'],
    [
      'changes nothing that may have been rated by',
      records({ ...FX, effective_from: at(LEAD_MS - 1) }),
      { ...FX, per_usd: '0.93' },
      'documents[0] DOCUMENT_FIXED',
    ],
  ])('%s', (_name, state, document, expected) => {
    expect(outcome(apply(state, document))).toBe(expected);
  });

  test('twice is refused', () => {
    expect(outcome(apply(records(), TENANT, TENANT))).toBe('documents[1] DOCUMENT_DUPLICATE');
  });

  test('may name one that stands beside it, in any order', () => {
    expect(outcome(apply(records(), input(KEY), OWNER, TENANT))).toBe('create 1, create 1, create 1');
  });

  test('as a key keeps its secrets, and begins without one', () => {
    const changed = apply(records(TENANT, OWNER, { ...KEY, revoked: true }), { ...input(KEY), class: 'sandbox' } as DocumentInput);
    expect(isRejected(changed) ? changed : changed.drafts[0]?.document).toMatchObject({
      class: 'sandbox',
      hashes: KEY.hashes,
      revoked: true,
    });
    const created = apply(records(TENANT, OWNER), input(KEY));
    expect(isRejected(created) ? created : created.drafts[0]?.document).toMatchObject({ hashes: [], revoked: false });
  });
});

describe('a document that is deleted', () => {
  test.each<readonly [string, Records, ChangeRequest & { readonly kind: 'delete' }, string]>([
    ['is gone', records(TENANT), { kind: 'delete', of: TENANT }, 'delete 4'],
    ['and is not there is refused', records(), { kind: 'delete', of: TENANT }, ' DOCUMENT_UNKNOWN'],
    ['and is named by another one is refused', records(TENANT, OWNER), { kind: 'delete', of: TENANT }, ' DOCUMENT_IN_USE'],
    [
      'and stands in the config file is refused',
      records({ document: TENANT, managed_by: 'config' }),
      { kind: 'delete', of: TENANT },
      ' DOCUMENT_MANAGED_BY_CONFIG',
    ],
    ['and tells the hash secret is refused', records(GENERATION), { kind: 'delete', of: GENERATION }, ' DOCUMENT_FIXED'],
    ['and is an activation to come is gone', records(BOOK, ACTIVATION), { kind: 'delete', of: ACTIVATION }, 'delete 4'],
    [
      'and is an activation that is over is refused',
      records(BOOK, { ...ACTIVATION, activates_at: at(0) }),
      { kind: 'delete', of: ACTIVATION },
      ' DOCUMENT_FIXED',
    ],
    ['and is a contract to come is gone', records(CONTRACT), { kind: 'delete', of: CONTRACT }, 'delete 4'],
    [
      'and is a contract that may have been rated by is refused',
      records({ ...CONTRACT, effective_from: at(0) }),
      { kind: 'delete', of: CONTRACT },
      ' DOCUMENT_FIXED',
    ],
    [
      'in another version is refused',
      records(TENANT),
      { kind: 'delete', of: TENANT, expectedVersion: 2 },
      'expected_versions["tenant/acme"] DOCUMENT_VERSION_CONFLICT',
    ],
    ['in the version that was seen is gone', records(TENANT), { kind: 'delete', of: TENANT, expectedVersion: 3 }, 'delete 4'],
  ])('%s', (_name, state, { of, expectedVersion }, expected) => {
    expect(outcome(ask(state, { kind: 'delete', of: { kind: of.kind, id: of.id }, expectedVersion }))).toBe(expected);
  });
});

test('a version that was expected and is not there, or is not expected and there, is a conflict', () => {
  const expectedVersions = { 'tenant/acme': 0, 'owner/ada': 1 };
  expect(outcome(ask(records(TENANT), { kind: 'apply', documents: [RIVAL], expectedVersions }))).toBe(
    'expected_versions["tenant/acme"] DOCUMENT_VERSION_CONFLICT, expected_versions["owner/ada"] DOCUMENT_VERSION_CONFLICT',
  );
});

describe('rotating a key', () => {
  const rotate = (key: VirtualKey, overlapS: number) =>
    ask(records(TENANT, OWNER, key), { kind: 'rotate_key', id: 'k', secret: secret('N'), overlapS });
  const ends = (decided: Decided | Refusal) => {
    const document = isRejected(decided) ? undefined : decided.drafts[0]?.document;
    return document?.kind === 'virtual_key'
      ? document.hashes.map(({ hash, expires_at: expires }) => `${hash[0]} ${expires ?? 'never'}`)
      : outcome(decided);
  };

  test.each<readonly [string, readonly KeySecret[], number, readonly string[]]>([
    ['gives the old secret an end', [secret('A')], 60, ['N never', `A ${at(60_000)}`]],
    ['ends it at once without overlap', [secret('A')], 0, ['N never']],
    ['never makes it last longer', [secret('A', { expires_at: at(5_000) })], 60, ['N never', `A ${at(5_000)}`]],
    ['shortens what would last longer', [secret('A', { expires_at: at(90_000) })], 60, ['N never', `A ${at(60_000)}`]],
    ['forgets what has expired', [secret('A'), secret('B', { expires_at: at(0) })], 60, ['N never', `A ${at(60_000)}`]],
    ['gives a key its first secret', [], 60, ['N never']],
  ])('%s', (_name, hashes, overlapS, expected) => {
    expect(ends(rotate({ ...KEY, hashes: [...hashes] }, overlapS))).toEqual(expected);
  });

  test('has a bound', () => {
    const hashes = Array.from({ length: 8 }, (_, index) => secret(String(index)));
    expect(outcome(rotate({ ...KEY, hashes }, 60))).toBe(' KEY_SECRETS_TOO_MANY');
    expect(ends(rotate({ ...KEY, hashes }, 0))).toEqual(['N never']);
  });

  test('is refused for one that was revoked, revoking it again changes nothing', () => {
    const revoked = { ...KEY, revoked: true };
    expect(outcome(rotate(revoked, 60))).toBe(' KEY_REVOKED');
    expect(outcome(ask(records(revoked), { kind: 'revoke_key', id: 'k' }))).toBe('unchanged 3');
  });

  test('is refused for one of the config file', () => {
    const state = records({ document: KEY, managed_by: 'config' });
    expect(outcome(ask(state, { kind: 'rotate_key', id: 'k', secret: secret('N'), overlapS: 0 }))).toBe(' DOCUMENT_MANAGED_BY_CONFIG');
    expect(outcome(ask(state, { kind: 'revoke_key', id: 'k' }))).toBe(' DOCUMENT_MANAGED_BY_CONFIG');
  });
});

test('what is answered never holds a hash', () => {
  const created = ask(records(TENANT, OWNER), { kind: 'create_key', key: { ...KEY }, secret: secret('S') });
  expect(isRejected(created) ? '' : JSON.stringify(created.results)).not.toMatch(/SSSS|"hash/);
});
