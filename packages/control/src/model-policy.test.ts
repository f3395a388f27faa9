import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ModelLists, modelListsSchema, modelPolicy, ModelPatterns, refusedModel } from './model-policy.ts';

const keeper = (kind: 'tenant' | 'project' | 'virtual_key', id: string, models?: ModelLists) => ({ kind, id, models });
const policyOf = (lists: { tenant?: ModelLists; project?: ModelLists; key?: ModelLists }) =>
  modelPolicy({
    tenant: keeper('tenant', 'acme', lists.tenant),
    projects: [keeper('project', 'chat', lists.project), keeper('project', 'free')],
    key: keeper('virtual_key', 'k1', lists.key),
  });
const asks = (lists: Parameters<typeof policyOf>[0], model: string, project = 'chat') => {
  const policy = policyOf(lists);
  return policy === null ? 'unasked' : (refusedModel(policy, project, model) ?? 'passes');
};

test('where nobody keeps a list there is nothing to ask', () => {
  expect(policyOf({})).toBeNull();
  expect(policyOf({ key: {} })).toBeNull();
});

describe('a model must pass every list', () => {
  const tenant = { deny: ['gpt-4*'] };
  const project = { allow: ['gpt-*', 'claude-haiku-4-5'] };
  const key = { allow: ['*mini', 'claude-*'] };
  test.each([
    ['gpt-5-mini', 'passes'],
    ['GPT-5-Mini', 'passes'],
    ['claude-haiku-4-5', 'passes'],
    ['gpt-4o-mini', { level: 'tenant', id: 'acme', because: 'denied' }],
    [' GPT-4o-mini ', { level: 'tenant', id: 'acme', because: 'denied' }],
    ['gpt-5', { level: 'virtual_key', id: 'k1', because: 'not_allowed' }],
    ['claude-opus-4-5', { level: 'project', id: 'chat', because: 'not_allowed' }],
    ['', { level: 'tenant', id: 'acme', because: 'not_named' }],
  ])('%j: %j', (model, verdict) => {
    expect(asks({ tenant, project, key }, model)).toEqual(verdict);
  });
});

test("a project's list holds for its own requests alone", () => {
  const lists = { project: { allow: ['small'] } };
  expect(asks(lists, 'large', 'chat')).toMatchObject({ because: 'not_allowed' });
  expect(asks(lists, 'large', 'free')).toBe('passes');
});

test('what is denied is denied although it is allowed', () => {
  expect(asks({ key: { allow: ['a*'], deny: ['ab*'] } }, 'abc')).toMatchObject({ because: 'denied' });
  expect(asks({ key: { allow: ['a*'], deny: ['ab*'] } }, 'acc')).toBe('passes');
});

test('a request that names no model passes only where everything is allowed', () => {
  expect(asks({ key: { deny: ['x'] } }, '')).toMatchObject({ because: 'not_named' });
  expect(asks({ key: { allow: ['a*'] } }, '')).toMatchObject({ because: 'not_named' });
  expect(asks({ key: { allow: ['*'], deny: ['x'] } }, '')).toBe('passes');
});

test('a pattern matches what a regular expression with .* for each star matches', () => {
  const letters = fc.stringMatching(/^[ab.]{0,8}$/);
  const pattern = fc.stringMatching(/^[ab.*]{1,8}$/);
  fc.assert(
    fc.property(pattern, letters, (glob, name) => {
      const source = glob
        .split('*')
        .map((part) => part.replaceAll('.', String.raw`\.`))
        .join('.*');
      expect(new ModelPatterns([glob]).matches(name)).toBe(new RegExp(`^${source}$`).test(name));
    }),
    { numRuns: 2_000 },
  );
});

test('a pattern of many stars takes no longer on a name made to defeat it', () => {
  const startedAt = performance.now();
  expect(new ModelPatterns([`${'*a'.repeat(60)}b`]).matches('a'.repeat(100_000))).toBe(false);
  expect(performance.now() - startedAt).toBeLessThan(2_000);
});

test('an empty list and a pattern with spaces are refused', () => {
  expect(modelListsSchema.safeParse({ allow: [] }).success).toBe(false);
  expect(modelListsSchema.safeParse({ deny: ['gpt 4'] }).success).toBe(false);
});
