import type { Attribution } from '@tokenledger/domain';
import { expect, test } from 'vitest';
import { OVERFLOW, recordedNames } from './recorded-names.ts';

const DAY_MS = 86_400_000;
const OWN: Attribution = {
  tenantId: 'acme',
  projectId: 'chat',
  ownerId: 'ada',
  team: '',
  userId: '',
  virtualKeyId: 'key',
  application: 'shop',
  applicationVersion: '',
  feature: '',
  workflowId: '',
  taskId: '',
  taskType: '',
  conversationId: '',
  environment: '',
  promptVersion: '',
  mcpServer: '',
  labels: { region: 'eu' },
  settlementKind: 'wallet',
  settlementId: 'w',
};

test('names up to the bound are recorded as they came, and again; what is beyond has one name', () => {
  const refused: string[] = [];
  const names = recordedNames(2, (field) => refused.push(field));
  const feature = (value: string) => names.attribution({ ...OWN, feature: value }, OWN, 0).feature;
  expect(['a', 'b', 'c', 'a', 'd', 'b'].map(feature)).toEqual(['a', 'b', OVERFLOW, 'a', OVERFLOW, 'b']);
  expect(refused).toEqual(['feature', 'feature']);
});

test('each tenant, field and day has a bound of its own', () => {
  const names = recordedNames(1, () => undefined);
  expect(names.model('acme', 'm1', 0)).toBe('m1');
  expect(names.model('acme', 'm2', DAY_MS - 1)).toBe(OVERFLOW);
  expect(names.model('other', 'm2', 0)).toBe('m2');
  expect(names.attribution({ ...OWN, feature: 'm2' }, OWN, 0).feature).toBe('m2');
  expect(names.model('acme', 'm2', DAY_MS)).toBe('m2');
  // A clock that goes back opens no day again.
  expect(names.model('acme', 'm1', 0)).toBe(OVERFLOW);
});

test('what the key says counts for nothing, nor do ids of users, workflows, tasks and conversations', () => {
  const names = recordedNames(0, () => {
    throw new Error('nothing is beyond the bound here');
  });
  expect(names.attribution(OWN, OWN, 0)).toBe(OWN);
  const ids = { ...OWN, userId: 'u', workflowId: 'w', taskId: 't', conversationId: 'c' };
  expect(names.attribution(ids, OWN, 0)).toBe(ids);
  expect(names.model('acme', '', 0)).toBe('');
});

test('labels beyond the bound leave how many they were', () => {
  const names = recordedNames(1, () => undefined);
  const labels = (given: Record<string, string>) => names.attribution({ ...OWN, labels: { ...given, region: 'eu' } }, OWN, 0).labels;
  expect(labels({ a: '1' })).toEqual({ a: '1', region: 'eu' });
  expect(labels({ a: '2', b: '1', c: '1' })).toEqual({ a: '2', region: 'eu', [OVERFLOW]: '2' });
});

test('an answer is recorded under a model within the bound, everything else of it as it is', () => {
  const names = recordedNames(1, () => undefined);
  const answer = { servedModel: 'm1', usage: 1 };
  expect(names.answer('acme', answer, 0)).toBe(answer);
  expect(names.answer('acme', { servedModel: 'm2', usage: 1 }, 0)).toEqual({ servedModel: OVERFLOW, usage: 1 });
  expect(names.answer('acme', null, 0)).toBeNull();
});
