/** What becomes of each usage event: a priced event, a rejected one, or a dead letter. Pure: the same bytes give the same bytes, however the log is cut. */
import { checkUsageEvent, rejected, type Rejected, type UnpricedReason, type UsageEvent } from '@tokenledger/domain';
import type { LogRecord, OutgoingRecord, TransformOutput } from '@tokenledger/event-log';
import { type AgreedSchedule, type PriceSchedule, rateEvent } from '@tokenledger/pricing';
import {
  deadLetterHeaders,
  decodeUsageEvent,
  encodePriced,
  encodeRejected,
  type Identity,
  identityHeaders,
  readIdentity,
} from '@tokenledger/schemas';

/** What events are rated by. */
export interface InForce {
  /** Which book holds when. */
  readonly prices: PriceSchedule;
  /** Which contracts, rate cards and rates of exchange do. */
  readonly agreed: AgreedSchedule;
}

export interface PricerContext extends InForce {
  readonly pricedTopic: string;
  readonly deadLetterTopic: string;
  /** Whether the log takes a record of this size. Pure. */
  readonly fits: (record: OutgoingRecord) => boolean;
}

/** One record's output, and what is to be counted of it. */
export type Decision = (
  | { readonly kind: 'priced'; readonly unpriced: readonly Unpriced[] }
  | { readonly kind: 'rejected' | 'dead_letter'; readonly code: string }
) & { readonly output: TransformOutput };

/** An attempt without a cost, and for which price to look. */
export interface Unpriced {
  readonly reason: UnpricedReason;
  readonly provider: string;
  readonly model: string;
}

const NO_BYTES = new Uint8Array(0);

/** One decision for each record, in order.
 *
 *  | record                                             | becomes |
 *  | -------------------------------------------------- | ------- |
 *  | does not decode                                    | a dead letter |
 *  | no identity, neither in headers nor in the event   | a dead letter |
 *  | identity of headers and event differ               | rejected, under the headers' identity: it is the one that its source counts by |
 *  | a field that no event may have                     | rejected |
 *  | too large with its lines, or to be rejected        | a dead letter, as far as it fits |
 *  | else                                               | priced, its cost known or null with a reason | */
export function decide(records: readonly LogRecord[], context: PricerContext): readonly Decision[] {
  return records.map((record) => decideRecord(record, context));
}

function decideRecord(record: LogRecord, context: PricerContext): Decision {
  const event = decodeUsageEvent(record.value ?? NO_BYTES);
  if (event.kind === 'rejected') return deadLetter(record, event, context);
  const identity = readIdentity(record.headers) ?? identityOf(event);
  const refused = mismatch(event, identity) ?? checkUsageEvent(event);
  if (refused === null) return priced(record, event, context);
  return identity === null ? deadLetter(record, refused, context) : refuse(record, identity, refused, context);
}

function mismatch(event: UsageEvent, identity: Identity | null): Rejected | null {
  if (identity === null || (identity.source === event.source && identity.sequence === event.sequence)) return null;
  const different = identity.source === event.source ? `number ${identity.sequence}, not ${event.sequence}` : 'another source';
  return rejected('IDENTITY_MISMATCH', `the headers name ${different}`);
}

/** Null when nothing can be counted by it. */
function identityOf({ source, sequence }: UsageEvent): Identity | null {
  return source !== '' && sequence >= 1 ? { source, sequence } : null;
}

function priced(record: LogRecord, event: UsageEvent, context: PricerContext): Decision {
  const rated = rateEvent(event, context.prices.bookAt(event.occurredAtMs), context.agreed);
  const outgoing = { key: record.key, value: encodePriced(rated, record.value ?? NO_BYTES), headers: identityHeaders(event) };
  if (!context.fits(outgoing)) {
    return deadLetter(record, rejected('PRICED_TOO_LARGE', `the priced event has ${outgoing.value.length} bytes`), context);
  }
  const unpriced: Unpriced[] = [];
  for (const [index, { unpricedReason }] of rated.ratings.entries()) {
    const attempt = event.attempts[index];
    if (unpricedReason === '' || attempt === undefined) continue;
    unpriced.push({ reason: unpricedReason, provider: attempt.provider, model: attempt.servedModel || attempt.requestedModel });
  }
  return { kind: 'priced', unpriced, output: { topic: context.pricedTopic, record: outgoing } };
}

function refuse(record: LogRecord, identity: Identity, refused: Rejected, context: PricerContext): Decision {
  const value = encodeRejected({
    ...identity,
    code: refused.code,
    message: refused.message,
    originTopic: record.topic,
    originPartition: record.partition,
    originOffset: record.offset,
    originalBytes: record.value ?? NO_BYTES,
  });
  const outgoing = { key: record.key, value, headers: identityHeaders(identity) };
  if (!context.fits(outgoing)) return deadLetter(record, refused, context);
  return { kind: 'rejected', code: refused.code, output: { topic: context.pricedTopic, record: outgoing } };
}

/** Says first what is needed to find the record again: bytes, and then foreign headers and the key, are left where they came from when all does not fit. */
function deadLetter(record: LogRecord, reason: Rejected, context: PricerContext): Decision {
  const headers = deadLetterHeaders(record, reason);
  const whole = { key: record.key, value: record.value, headers };
  const withoutValue = { ...whole, value: null };
  const bare = { key: null, value: null, headers: deadLetterHeaders({ ...record, headers: {} }, reason) };
  const outgoing = [whole, withoutValue].find(context.fits) ?? bare;
  return { kind: 'dead_letter', code: reason.code, output: { topic: context.deadLetterTopic, record: outgoing } };
}
