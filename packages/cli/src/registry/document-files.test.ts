import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseDocuments, readDocumentFiles } from './document-files.ts';

const acme = { kind: 'tenant', id: 'acme', name: 'Acme' };

test('sections, a list with kinds, single documents and several in one file are the same documents', () => {
  const sections = 'tenants:\n  - { id: acme, name: Acme }\nowners:\n  - { id: ada, tenant: acme, name: Ada }\n';
  const list = '- { kind: tenant, id: acme, name: Acme }\n- { kind: owner, id: ada, tenant: acme, name: Ada }\n';
  const several = '---\nkind: tenant\nid: acme\nname: Acme\n---\nkind: owner\nid: ada\ntenant: acme\nname: Ada\n';
  const json = JSON.stringify({ tenants: [{ id: 'acme', name: 'Acme' }], owners: [{ id: 'ada', tenant: 'acme', name: 'Ada' }] });
  const config = `ingress: { port: 8080 }\ndocuments:\n  price_book: book.yaml\n${sections.replaceAll(/^/gm, '  ')}`;
  for (const text of [sections, list, several, json, config]) {
    expect(parseDocuments(text, 'f').map(({ document }) => document)).toEqual([
      acme,
      { kind: 'owner', id: 'ada', tenant: 'acme', name: 'Ada' },
    ]);
  }
});

test('a document knows the line that it begins at', () => {
  const text = 'tenants:\n  - id: acme\n    name: Acme\n  - { id: globex, name: Globex }\n';
  expect(parseDocuments(text, 'a.yaml').map(({ place }) => place)).toEqual(['a.yaml:2', 'a.yaml:4']);
});

test('values are read as YAML has them', () => {
  expect(parseDocuments('{ kind: tenant, id: acme, level: 3, on: true, none: null, list: [a, b] }', 'f')[0]?.document).toEqual({
    kind: 'tenant',
    id: 'acme',
    level: 3,
    on: true,
    none: null,
    list: ['a', 'b'],
  });
});

test('a price book may name its file, beside its own', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tokenledger-files-'));
  try {
    writeFileSync(join(folder, 'book.yaml'), 'blocks: [0.30]\n');
    writeFileSync(join(folder, 'documents.yaml'), 'price_books:\n  - { id: mine, file: book.yaml }\n');
    await expect(readDocumentFiles([join(folder, 'documents.yaml')])).resolves.toMatchObject([
      { document: { kind: 'price_book', id: 'mine', text: 'blocks: [0.30]\n' } },
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('an empty file has no documents', () => {
  expect(parseDocuments('', 'f')).toEqual([]);
  expect(parseDocuments('# nothing yet\n---\n', 'f')).toEqual([]);
});

test.each([
  ['tenants: [', /^f:1: /],
  ['hello', /^f:1: expected documents: a mapping with kind and id/],
  ['tenant: [{ id: acme }]', /^f:1: 'tenant' is neither a section of documents/],
  ['tenants: { id: acme }', /^f:1: tenants is not a list/],
  ['tenants:\n  - acme', /^f:2: expected a document/],
  ['- { id: acme }', /^f:1: the document has no kind/],
  ['owners: [{ kind: tenant, id: acme }]', /^f:1: a tenant stands among those of kind owner/],
  ['a: 1\na: 2', /^f:2: /],
])('%j is refused with its line', (text, message) => {
  expect(() => parseDocuments(text, 'f')).toThrow(message);
});
