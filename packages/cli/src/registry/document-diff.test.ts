import { expect, test } from 'vitest';
import { diffLines } from './document-diff.ts';

const owner = { kind: 'owner', id: 'ada', tenant: 'acme', name: 'Ada Lovelace', team: '' };

test('a new document shows every value that it has', () => {
  expect(diffLines({ kind: 'owner', id: 'ada', action: 'create', before: null, after: owner })).toEqual([
    '+ owner/ada  create',
    '    + tenant: acme',
    '    + name: "Ada Lovelace"',
    '    + team: ""',
  ]);
});

test('a changed one shows what differs, with the path of nested values', () => {
  const before = { kind: 'virtual_key', id: 'k', fixed: { application: 'bot' }, surfaces: ['a', 'b'], hashes: [{ generation: 1 }] };
  const after = { ...before, fixed: { application: 'bot', feature: 'x' }, surfaces: ['a'], hashes: [{ generation: 1 }, { generation: 2 }] };
  expect(diffLines({ kind: 'virtual_key', id: 'k', action: 'update', before, after })).toEqual([
    '~ virtual_key/k  update',
    '    - surfaces: [a, b]',
    '    + surfaces: [a]',
    '    + fixed.feature: x',
    '    + hashes[1].generation: 2',
  ]);
});

test('an unchanged one is one line, and a deleted one shows what goes', () => {
  expect(diffLines({ kind: 'owner', id: 'ada', action: 'unchanged', before: owner, after: owner })).toEqual(['= owner/ada  unchanged']);
  expect(
    diffLines({ kind: 'tenant', id: 'acme', action: 'delete', before: { kind: 'tenant', id: 'acme', name: 'Acme' }, after: null }),
  ).toEqual(['- tenant/acme  delete', '    - name: Acme']);
});

test('a long difference is cut, and says how much is left out', () => {
  const after = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`field_${index}`, index]));
  const lines = diffLines({ kind: 'price_book', id: 'b', action: 'create', before: null, after });
  expect(lines).toHaveLength(62);
  expect(lines.at(-1)).toBe('      … and 40 more');
});
