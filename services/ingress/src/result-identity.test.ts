import { isUuid } from '@tokenledger/domain';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isResultSource, resultEventId, resultPartition, resultSource } from './result-identity.ts';

const account = { provider: 'openai', channelId: 'openai-main' };
/** As files of journals are named: a slash stands as a tilde. */
const FILE_NAME = /^[\w.~-]{1,200}$/;

test('a source names provider, channel and what the provider calls it', () => {
  expect(resultSource(account, 'resp_68a1')).toBe('openai/openai-main/resp_68a1');
  expect(isResultSource(resultSource(account, 'resp_68a1'))).toBe(true);
  expect(isResultSource('ingress/01900000-0000-7000-8000-000000000000')).toBe(false);
});

test('whatever a provider calls it, the source is one, names a file, and is another for another name', () => {
  const id = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,63}$/);
  fc.assert(
    fc.property(id, id, fc.string({ unit: 'binary', maxLength: 200 }), fc.string(), (provider, channelId, name, other) => {
      const source = resultSource({ provider, channelId }, name);
      expect(source.replaceAll('/', '~')).toMatch(FILE_NAME);
      expect(isResultSource(source)).toBe(true);
      expect(resultSource({ provider, channelId }, other) === source).toBe(other === name);
    }),
  );
});

test('partition and event id follow from source and number alone', () => {
  // What was posted before an upgrade must be the same after it.
  expect(resultPartition('openai/openai-main/file-1', 24)).toBe(10);
  expect(resultEventId('openai/openai-main/file-1', 7)).toBe('8769a290-948e-8222-be71-b34ea87656b4');
  expect(resultPartition('a/b/c', 1)).toBe(0);
  const id = resultEventId('a/b/c', 1);
  expect(isUuid(id)).toBe(true);
  expect(id).toMatch(/^.{14}8/);
  expect(resultEventId('a/b/c', 1)).toBe(id);
  expect(new Set([id, resultEventId('a/b/c', 2), resultEventId('a/b/d', 1)]).size).toBe(3);
});
