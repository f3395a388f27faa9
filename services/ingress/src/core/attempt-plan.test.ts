import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type AttemptFailure,
  AttemptPlan,
  attemptResult,
  isRetryable,
  type PlanContext,
  type PlannedAttempt,
  retryAfterMs,
} from './attempt-plan.ts';
import { targetOf } from './sample-route.ts';

const A = targetOf('a');
const B = targetOf('b');
const DEADLINE = 60_000;
const LIMITS = { attemptsMax: 5, retries: 1, retryAfterMaxMs: 10_000 };
const context = (change: Partial<PlanContext> = {}): PlanContext => ({ now: 0, random: 1, takes: () => true, ...change });
const FIRST = { takes: () => true, hasRoom: () => true };
const status = (afterMs: number | null): AttemptFailure => ({ kind: 'status', retryAfterMs: afterMs });
const UNANSWERED: AttemptFailure = { kind: 'unanswered' };

function planned(order = [A, B], limits = LIMITS): AttemptPlan {
  const plan = new AttemptPlan(order, limits, DEADLINE, 'first');
  plan.first(FIRST);
  return plan;
}

describe('what follows a failure', () => {
  test.each<readonly [string, AttemptFailure, Partial<PlanContext>, object | null]>([
    ['429 that says when: the same channel, then', status(2_000), {}, { target: A, reason: 'retry', delayMs: 2_000 }],
    ['429 that says at once: the same channel, at once', status(0), {}, { target: A, reason: 'retry', delayMs: 0 }],
    ['429 that says up to the limit: the same channel, then', status(10_000), {}, { target: A, reason: 'retry', delayMs: 10_000 }],
    ['429 that says later: the next channel, at once', status(10_001), {}, { target: B, reason: 'fallback', delayMs: 0 }],
    ['5xx that says nothing: the same channel after a pause', status(null), {}, { target: A, reason: 'retry', delayMs: 200 }],
    ['no answer: the next channel, at once', UNANSWERED, {}, { target: B, reason: 'fallback', delayMs: 0 }],
    [
      'no answer, and the next channel is passed over: the same again',
      UNANSWERED,
      { takes: ({ id }) => id === 'a' },
      { target: A, reason: 'retry', delayMs: 200 },
    ],
    [
      '5xx, and the channel is passed over now: the next',
      status(null),
      { takes: ({ id }) => id === 'b' },
      { target: B, reason: 'fallback', delayMs: 0 },
    ],
    ['5xx, and nobody takes requests: nothing', status(null), { takes: () => false }, null],
    [
      'a wait that would pass the deadline: the next channel',
      status(5_000),
      { now: 56_000 },
      { target: B, reason: 'fallback', delayMs: 0 },
    ],
    ['after the deadline: nothing', status(0), { now: DEADLINE }, null],
  ])('%s', (_, failure, change, expected) => {
    const next = planned().after(failure, context(change));
    if (expected === null) expect(next).toBeNull();
    else expect(next).toEqual(expected);
  });

  test('retries are counted for each channel, and pauses double', () => {
    const plan = planned([A, B], { ...LIMITS, attemptsMax: 10, retries: 2 });
    const made = Array.from({ length: 6 }, () => plan.after(status(null), context()));
    expect(made.map((next) => next && `${next.target.channel.id} ${next.delayMs}`)).toEqual([
      'a 200',
      'a 400',
      'b 0',
      'b 200',
      'b 400',
      null,
    ]);
  });

  test('a longer wait than is obeyed, of the last channel, ends it', () => {
    expect(planned([A]).after(status(60_000), context())).toBeNull();
  });
});

test('a channel that is passed over does not come first, unless all are; one that is full never does', () => {
  type Taking = PlanContext['takes'];
  const first = (takes: Taking, hasRoom: Taking) => new AttemptPlan([A, B], LIMITS, DEADLINE, 'sticky').first({ takes, hasRoom });
  const all = (): boolean => true;
  const none = (): boolean => false;
  const onlyB: Taking = ({ id }) => id === 'b';
  expect(first(all, all)).toEqual({ target: A, reason: 'sticky', delayMs: 0 });
  expect(first(onlyB, all)).toEqual({ target: B, reason: 'passed_over', delayMs: 0 });
  expect(first(none, all)).toEqual({ target: A, reason: 'sticky', delayMs: 0 });
  expect(first(none, onlyB)).toEqual({ target: B, reason: 'passed_over', delayMs: 0 });
  expect(first(none, none)).toBeNull();
});

test('whatever fails, attempts are as many as configured at most, none begins after the deadline, and none goes back to a channel that was left', () => {
  const failures = fc.record({
    failure: fc.oneof(
      fc.constant(UNANSWERED),
      fc.record({ kind: fc.constant('status' as const), retryAfterMs: fc.option(fc.nat(20_000)) }),
    ),
    tookMs: fc.nat(20_000),
    random: fc.double({ min: 0, max: 1, noNaN: true }),
    passedOver: fc.uniqueArray(fc.nat(4)),
  });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.record({ attemptsMax: fc.integer({ min: 1, max: 10 }), retries: fc.nat(4), retryAfterMaxMs: fc.nat(20_000) }),
      fc.array(failures, { minLength: 12, maxLength: 12 }),
      (channels, limits, sequence) => {
        const order = Array.from({ length: channels }, (_, index) => targetOf(String(index)));
        const plan = new AttemptPlan(order, limits, DEADLINE, 'first');
        let last = plan.first(FIRST) as PlannedAttempt;
        let [now, attempts, begun] = [0, 1, 0];
        for (const { failure, tookMs, random, passedOver } of sequence) {
          now = begun + tookMs;
          const next = plan.after(failure, { now, random, takes: ({ id }) => !passedOver.includes(Number(id)) });
          if (next === null) break;
          begun = now + next.delayMs;
          attempts += 1;
          expect(begun).toBeLessThan(DEADLINE);
          expect(Number(next.target.channel.id)).toBeGreaterThanOrEqual(Number(last.target.channel.id));
          expect(passedOver).not.toContain(Number(next.target.channel.id));
          if (failure.kind === 'status' && failure.retryAfterMs !== null && next.reason === 'retry') {
            expect(next.delayMs).toBe(failure.retryAfterMs);
            expect(next.delayMs).toBeLessThanOrEqual(limits.retryAfterMaxMs);
          }
          last = next;
        }
        expect(attempts).toBe(plan.attemptsMade);
        expect(attempts).toBeLessThanOrEqual(limits.attemptsMax);
        expect(attempts).toBeLessThanOrEqual(channels * (limits.retries + 1));
      },
    ),
  );
});

test.each([
  ['', null],
  ['0', 0],
  ['7', 7_000],
  ['1.5', 1_500],
  ['Sat, 21 Nov 2026 12:00:10 GMT', 10_000],
  ['Sat, 21 Nov 2026 11:00:00 GMT', 0],
  ['soon', null],
  ['-1', null],
  ['99999999999', null],
])("Retry-After '%s' is read as %s milliseconds", (header, expected) => {
  expect(retryAfterMs(header, Date.parse('2026-11-21T12:00:00Z'))).toBe(expected);
});

test.each([
  [200, false],
  [400, false],
  [401, false],
  [408, false],
  [429, true],
  [500, true],
  [503, true],
  [529, true],
])('an answer with status %i may be tried again: %s', (code, expected) => {
  expect(isRetryable(code)).toBe(expected);
});

test.each<readonly [number | null, Error | undefined, string]>([
  [200, undefined, 'served'],
  [400, undefined, 'served'],
  [429, undefined, 'unsaid'],
  [500, undefined, 'failed'],
  [200, new Error('cut off'), 'failed'],
  [null, new Error('refused'), 'failed'],
])('status %s with failure %s says of a channel: %s', (code, failure, expected) => {
  expect(attemptResult(code, failure)).toBe(expected);
});

test('beside an attempt that is out another channel is asked, never the same, within bound and time', () => {
  expect(planned().beside(context())).toEqual({ target: B, reason: 'hedge', delayMs: 0 });
  expect(planned([A]).beside(context())).toBeNull();
  expect(planned([A, B], { ...LIMITS, attemptsMax: 1 }).beside(context())).toBeNull();
  expect(planned().beside(context({ now: DEADLINE }))).toBeNull();
  expect(planned().beside(context({ takes: ({ id }) => id === 'a' }))).toBeNull();
});
