import type { Attribution } from '@tokenledger/domain';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ATTRIBUTION_HEADERS, type AttributionKey, readAttribution } from './attribution.ts';

const attribution = { tenantId: 'acme', projectId: '', application: 'portal', feature: '', labels: {} } as unknown as Attribution;
const key: AttributionKey = { attribution, fixed: new Set(['application']), projects: new Set(['chat']) };
const read = (...headers: string[]) => readAttribution(key, headers);
const latin1 = (text: string): string => Buffer.from(text).toString('latin1');

test('without headers the key says it all, and nothing is copied', () => {
  expect(read()).toBe(attribution);
});

test('headers complete what the key leaves open', () => {
  expect(
    read(
      'x-tokenledger-feature',
      'search',
      'x-tokenledger-project',
      'chat',
      'x-tokenledger-task',
      'triage',
      'x-tokenledger-task-id',
      't-9',
    ),
  ).toMatchObject({
    tenantId: 'acme',
    feature: 'search',
    projectId: 'chat',
    taskType: 'triage',
    taskId: 't-9',
  });
});

test("a key's fixed value wins over a header", () => {
  expect(read('x-tokenledger-application', 'other')).toMatchObject({ application: 'portal' });
});

test('how sensitive a request is stands among its labels; what the key says of it wins', () => {
  expect(read('x-tokenledger-sensitivity', 'high')).toMatchObject({ labels: { sensitivity: 'high' } });
  expect(read('x-tokenledger-sensitivity', 'high', 'x-tokenledger-labels', 'ring=blue,sensitivity=low')).toMatchObject({
    labels: { ring: 'blue', sensitivity: 'high' },
  });
  const strict = { ...key, attribution: { ...attribution, labels: { sensitivity: 'secret' } } };
  expect(readAttribution(strict, ['x-tokenledger-sensitivity', 'none', 'x-tokenledger-labels', 'sensitivity=none'])).toMatchObject({
    labels: { sensitivity: 'secret' },
  });
  expect(read('x-tokenledger-sensitivity', '')).toMatchObject({ kind: 'rejected' });
});

test('labels are names and values', () => {
  expect(read('x-tokenledger-labels', 'team=red, cost.center = 12')).toMatchObject({ labels: { team: 'red', 'cost.center': '12' } });
});

test('text beyond ASCII is UTF-8', () => {
  expect(read('x-tokenledger-user', latin1('Zoë 🦊'))).toMatchObject({ userId: 'Zoë 🦊' });
});

test.each([
  ['an unknown header', 'x-tokenledger-featrue', 'a', /not known; known are .*x-tokenledger-feature/],
  ['an empty value', 'x-tokenledger-feature', ' ', /1 to 128/],
  ['a value that is too long', 'x-tokenledger-feature', 'a'.repeat(129), /1 to 128/],
  ['control characters', 'x-tokenledger-feature', 'a\tb', /control characters/],
  ['bytes that are not UTF-8', 'x-tokenledger-feature', '\u00ff\u00fe', /UTF-8/],
  ["a project of somebody else's", 'x-tokenledger-project', 'secret', /not a project of this key's tenant/],
  ['labels without a value', 'x-tokenledger-labels', 'a=', /name=value/],
  ['too many labels', 'x-tokenledger-labels', Array.from({ length: 17 }, (_, index) => `l${index}=1`).join(','), /at most 16/],
  ['a label that would be a prototype', 'x-tokenledger-labels', '__proto__=1', /name=value/],
])('%s is refused', (_what, name, value, message) => {
  expect(read(name, value)).toMatchObject({ kind: 'rejected', code: 'ATTRIBUTION_INVALID', message: expect.stringMatching(message) });
});

test('no header text throws, and none changes the tenant or what the key fixes', () => {
  const headers = fc.array(fc.tuple(fc.constantFrom(...ATTRIBUTION_HEADERS), fc.string({ unit: 'binary', maxLength: 200 })));
  fc.assert(
    fc.property(headers, (pairs) => {
      const result = readAttribution(key, pairs.flat());
      return 'kind' in result || (result.tenantId === 'acme' && result.application === 'portal');
    }),
  );
  expect(read('x-tokenledger-user', 'tenant')).toMatchObject({ tenantId: 'acme' });
});
