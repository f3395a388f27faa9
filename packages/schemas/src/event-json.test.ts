import { isRejected } from '@tokenledger/domain';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { arbitraryUsageEvent } from './event.arbitrary.ts';
import { usageEventFromJson, usageEventToJson } from './event-json.ts';

test('an event survives the way to JSON and back', () => {
  fc.assert(
    fc.property(arbitraryUsageEvent, (event) => {
      expect(usageEventFromJson(usageEventToJson(event))).toEqual(event);
    }),
  );
});

test('what does not fit is rejected by the name of its field', () => {
  const [event] = fc.sample(arbitraryUsageEvent, { numRuns: 1, seed: 1 });
  const json = JSON.parse(usageEventToJson(event!)) as Record<string, unknown>;
  const broken = (fields: Record<string, unknown>) => usageEventFromJson(JSON.stringify({ ...json, ...fields }));
  expect(broken({ sequence: 'one' })).toMatchObject({ kind: 'rejected', message: expect.stringContaining('sequence') });
  expect(broken({ tenant_id: undefined })).toMatchObject({ kind: 'rejected', message: expect.stringContaining('tenant_id') });
  expect(broken({ attempts: null })).toMatchObject({ kind: 'rejected', message: expect.stringContaining('attempts') });
  expect(isRejected(usageEventFromJson('{'))).toBe(true);
  expect(isRejected(usageEventFromJson('[]'))).toBe(true);
});
