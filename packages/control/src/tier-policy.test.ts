import { expect, test } from 'vitest';
import { tierPolicy, tiersOf } from './tier-policy.ts';

const confined = (id: string, ...tiers: readonly string[]) => ({ id, ...(tiers.length === 0 ? {} : { tiers }) });
const left = (policy: ReturnType<typeof tierPolicy>, project: string): readonly string[] | null | 'unasked' => {
  if (policy === null) return 'unasked';
  const tiers = tiersOf(policy, project);
  return tiers === null ? null : [...tiers];
};

test('where nobody is confined there is nothing to ask', () => {
  expect(left(tierPolicy(confined('acme'), confined('k1'), [confined('chat')]), 'chat')).toBe('unasked');
  expect(left(tierPolicy(undefined, confined('k1'), []), '')).toBe('unasked');
});

test('what tenant, project and key name must all be met', () => {
  const policy = tierPolicy(confined('acme', 'eu', 'us'), confined('k1', 'eu', 'local'), [
    confined('chat', 'local', 'eu'),
    confined('open'),
  ]);
  expect(left(policy, 'chat')).toEqual(['eu']);
  expect(left(policy, 'open')).toEqual(['eu']);
  expect(left(policy, '')).toEqual(['eu']);
});

test('a project confines its own requests alone', () => {
  const policy = tierPolicy(confined('acme'), confined('k1'), [confined('chat', 'eu'), confined('open')]);
  expect(left(policy, 'chat')).toEqual(['eu']);
  expect(left(policy, 'open')).toBeNull();
});

test('tiers that exclude each other leave none', () => {
  expect(left(tierPolicy(confined('acme', 'eu'), confined('k1', 'us'), []), '')).toEqual([]);
});
