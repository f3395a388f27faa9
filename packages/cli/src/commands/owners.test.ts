import { expect, test } from 'vitest';
import { SAMPLE_KEY, SAMPLE_OWNER } from '../registry/view-sample.ts';
import { ownerTable } from './owners.ts';

test('an owner is listed with the keys, and a key that is not in force says so', () => {
  const revoked = { ...SAMPLE_KEY, id: 'old', key: { revoked: true, secrets: [] } };
  const grace = { ...SAMPLE_OWNER, id: 'grace' };
  const lines = ownerTable([SAMPLE_OWNER, grace], [SAMPLE_KEY, revoked]).split('\n');
  expect(lines).toHaveLength(3);
  expect(lines[1]).toMatch(/^ada +acme +Ada Lovelace +search +- +bot, old \(revoked\)$/);
  expect(lines[2]).toMatch(/^grace .* -$/);
});
