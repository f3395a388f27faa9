/** What has to be posted so that the ledger says of an event what a new rating says: the difference, and nothing where there is none. Pure. */
import { createHash } from 'node:crypto';
import {
  type Attempt,
  type AttemptRating,
  invariant,
  type LineItem,
  type PricedEvent,
  REPRICED,
  type UsageEvent,
  uuidv8,
} from '@tokenledger/domain';
import { type AttemptStanding, negated, netLines, type Standing } from './standing.ts';

/** Under which number a correction is posted. */
export interface AdjustmentIdentity {
  readonly source: string;
  readonly sequence: number;
  /** Milliseconds since the epoch: from then on it is believed. */
  readonly recordedAtMs: number;
}

/** Per attempt, what a correction says.
 *
 *  | before  | after   | `cost`     | `unpricedReason`          |
 *  | ------- | ------- | ---------- | ------------------------- |
 *  | known   | known   | difference | `''`                      |
 *  | unknown | known   | all of it  | `repriced`                |
 *  | known   | unknown | less all   | why it is unknown now     |
 *  | unknown | unknown | null       | why it is unknown now     | */
export function differences(standing: Standing, rated: readonly AttemptRating[]): readonly AttemptRating[] | null {
  invariant(rated.length === standing.attempts.length, 'each attempt is rated');
  const all = standing.attempts.map((before, index) => difference(before, rated[index] as AttemptRating));
  return all.some(isChange) ? all : null;
}

function difference(before: AttemptStanding, { cost, unpricedReason, lineItems }: AttemptRating): AttemptRating {
  if (cost === null) {
    return before.cost === null
      ? { cost: null, unpricedReason, lineItems: [] }
      : { cost: -before.cost, unpricedReason, lineItems: before.lines.map(negated) };
  }
  if (before.cost === null) return { cost, unpricedReason: REPRICED, lineItems: netLines(lineItems) };
  return { cost: cost - before.cost, unpricedReason: '', lineItems: changedLines(before.lines, lineItems) };
}

/** Nothing where every class amounts to what it did: the same prices under other names correct nothing. */
function changedLines(before: readonly LineItem[], after: readonly LineItem[]): readonly LineItem[] {
  const byClass = new Map<string, bigint>();
  for (const { usageClass, amount } of after) byClass.set(usageClass, (byClass.get(usageClass) ?? 0n) + amount);
  for (const { usageClass, amount } of before) byClass.set(usageClass, (byClass.get(usageClass) ?? 0n) - amount);
  if ([...byClass.values()].every((amount) => amount === 0n)) return [];
  return netLines([...before.map(negated), ...after]);
}

function isChange({ cost, unpricedReason, lineItems }: AttemptRating): boolean {
  return lineItems.length > 0 || (cost !== null && (cost !== 0n || unpricedReason !== ''));
}

/** The correction as the pipeline takes it. It is of the event's own time and owner, so that it counts where the event does; what was measured stays with the event. */
export function adjustment(
  { event }: Pick<Standing, 'event'>,
  ratings: readonly AttemptRating[],
  priceVersion: string,
  identity: AdjustmentIdentity,
): PricedEvent {
  return {
    event: {
      ...event,
      ...identity,
      eventId: adjustmentId(identity.source, event.eventId),
      kind: 'rerate',
      adjustsEventId: event.eventId,
      completedAtMs: null,
      timeToFirstByteMs: null,
      timeToFirstTokenMs: null,
      durationMs: null,
      overheadUs: null,
      httpStatus: null,
      attempts: event.attempts.map(withoutFacts),
      counted: null,
      requestBytes: null,
      responseBytes: null,
    } satisfies UsageEvent,
    priceVersion,
    ratings,
  };
}

/** A statement corrects an event at most once, so both together are an identity that anybody can make again. */
function adjustmentId(source: string, eventId: string): string {
  return uuidv8(createHash('sha256').update(`${source} ${eventId}`).digest());
}

function withoutFacts(attempt: Attempt): Attempt {
  return {
    ...attempt,
    completedAtMs: null,
    timeToFirstByteMs: null,
    httpStatus: null,
    usage: null,
    usageSource: 'none',
    usageBasis: '',
    usageReason: 'unchanged',
    usageFlags: [],
    rawUsage: '',
  };
}
