import { isRejected, UNKNOWN_USAGE, type UsageEvent } from '@tokenledger/domain';
import { decodeUsageEvent, encodePriced, encodeUsageEvent, readIdentity, usageEventToJson } from '@tokenledger/schemas';
import { expect, test } from 'vitest';
import { SAMPLE_EVENT } from './sample-event.ts';
import { letterId, parseLetterId, retryOf } from './letter.ts';

const LETTER = { source: 'ingress/a', partition: 3, sequence: 7 };
const event: UsageEvent = SAMPLE_EVENT;

test.each([
  { letter: LETTER, id: 'ingress/a/3/7' },
  { letter: { source: '@tokenledger.usage.events/2', partition: 2, sequence: 6 }, id: '@tokenledger.usage.events/2/5' },
  { letter: { source: 'retry/ingress/a/3/7', partition: 3, sequence: 1 }, id: 'retry/ingress/a/3/7/3/1' },
])('the id of a letter is $id, and names it', ({ letter, id }) => {
  expect(letterId(letter)).toBe(id);
  expect(parseLetterId(id)).toEqual(letter);
});

test.each(['', 'x', 'a/b/c', 'a/1', 'a/1/0', 'a/-1/2'])('%o is no id', (id) => {
  expect(parseLetterId(id)).toBeNull();
});

test.each([
  { given: 'the bytes of an event', bytes: encodeUsageEvent(event), to: 'events' },
  { given: 'an event as JSON', bytes: Buffer.from(`\n${usageEventToJson(event)}`), to: 'events' },
  {
    given: 'the bytes of a priced event',
    bytes: encodePriced({ event, priceVersion: 'b', ratings: [], avoidedCost: null, billing: null }),
    to: 'priced',
  },
])('$given: put back under a source of its own, number 1, otherwise as it was', ({ bytes, to }) => {
  const retry = retryOf(LETTER, null, bytes);
  if (isRejected(retry)) throw new Error(retry.message);
  expect(retry.to).toBe(to);
  const headers = retry.record.headers ?? {};
  expect(readIdentity(headers)).toEqual({ source: 'retry/ingress/a/3/7', sequence: 1 });
  expect(retry.record.key).toBe(event.attribution.virtualKeyId);
  if (to === 'events') expect(decodeUsageEvent(retry.record.value!)).toEqual({ ...event, source: 'retry/ingress/a/3/7', sequence: 1 });
  expect(retryOf(LETTER, null, bytes)).toEqual(retry);
});

test('what would be a dead letter again is refused', () => {
  const usage = { ...UNKNOWN_USAGE, uncached_input: -5 };
  const negative = { ...event, attempts: event.attempts.map((attempt) => ({ ...attempt, usage })) };
  expect(retryOf(LETTER, 'k', encodeUsageEvent(negative))).toMatchObject({ kind: 'rejected', code: 'EVENT_INVALID' });
  expect(retryOf(LETTER, 'k', Buffer.from([1, 2, 3]))).toMatchObject({ kind: 'rejected', code: 'UNDECODABLE' });
  expect(retryOf(LETTER, 'k', Buffer.from('{"event_id": 1}'))).toMatchObject({ kind: 'rejected', code: 'UNDECODABLE' });
});
