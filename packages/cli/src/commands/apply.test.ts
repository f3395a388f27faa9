import { expect, test } from 'vitest';
import { RegistryRefusal } from '../registry/client.ts';
import { parseDocuments } from '../registry/document-files.ts';
import { endingOf } from '../exit.ts';
import { changeLines, withPlaces } from './apply.ts';

const tenant = { kind: 'tenant', id: 'acme', name: 'Acme' } as const;
const result = { kind: 'tenant', id: 'acme', version: 1, before: null, after: tenant } as const;

test('each document is printed with what changes, and the last line counts them', () => {
  const lines = changeLines({
    change_id: '019aa6c0-1111-7abc-8def-000000000001',
    dry_run: false,
    results: [
      { ...result, action: 'create' },
      { ...result, id: 'globex', action: 'unchanged', before: tenant },
    ],
  });
  expect(lines).toEqual([
    '+ tenant/acme  create',
    '    + name: Acme',
    '= tenant/globex  unchanged',
    '1 created, 1 unchanged (change 019aa6c0-1111-7abc-8def-000000000001)',
  ]);
});

test('a dry run says that nothing was changed', () => {
  expect(changeLines({ change_id: null, dry_run: true, results: [{ ...result, action: 'create' }] }).at(-1)).toBe(
    '1 created (dry run: nothing was changed)',
  );
});

test('a refusal names file, line and document of each issue, with its code, and ends with 1', () => {
  const written = parseDocuments('owners:\n  - { id: ada, tenant: nowhere, name: Ada }\n  - { id: BAD }\n', 'acme.yaml');
  const refusal = new RegistryRefusal({
    code: 'REQUEST_INVALID',
    message: '2 values are wrong',
    issues: [
      { path: 'documents[0].tenant', code: 'REFERENCE_MISSING', message: "names tenant 'nowhere'" },
      { path: 'documents[1]', code: 'invalid', message: 'no name' },
      { path: 'note', code: 'too_big', message: 'too long' },
    ],
  });
  expect(endingOf(withPlaces(refusal, written))).toEqual({
    code: 1,
    text: [
      'tokenledger: the registry refused, and nothing was changed:',
      "  acme.yaml:2 owner/ada tenant: REFERENCE_MISSING: names tenant 'nowhere'",
      '  acme.yaml:3 owner/BAD: invalid: no name',
      '  note: too_big: too long',
    ].join('\n'),
  });
});
