/** Where an event stands: what was served, and what the ledger says of its cost by now, every correction of its rating included. Pure. */
import { type LineItem, type PicoUsd, REPRICED, type UnpricedReason, type UsageEvent } from '@tokenledger/domain';

/** What a row says of one attempt: of an event what it cost, of a correction by how much that changes. */
export interface RowAttempt {
  readonly cost: PicoUsd | null;
  readonly unpricedReason: UnpricedReason;
  readonly lines: readonly LineItem[];
}

/** One row of the ledger: an event, or a correction of its rating. */
export interface LedgerRow {
  readonly event: UsageEvent;
  readonly partition: number;
  readonly priceVersion: string;
  /** One per attempt of the event. */
  readonly attempts: readonly RowAttempt[];
}

export interface AttemptStanding {
  /** Null when it is not known. */
  readonly cost: PicoUsd | null;
  /** Of the cost; none while it is not known. No two are of the same class, price and entry. */
  readonly lines: readonly LineItem[];
}

export interface Standing {
  /** As it was recorded. */
  readonly event: UsageEvent;
  readonly partition: number;
  /** Of the newest row. */
  readonly priceVersion: string;
  readonly attempts: readonly AttemptStanding[];
}

export interface Standings {
  readonly standings: readonly Standing[];
  /** Corrections whose event is not among the rows: it has left, by retention. */
  readonly orphans: number;
}

/** `rows`: every row of the events that they are of, in any order. */
export function standingsOf(rows: readonly LedgerRow[]): Standings {
  const standings: Standing[] = [];
  let orphans = 0;
  for (const group of Map.groupBy(rows, ({ event }) => (event.kind === 'rerate' ? event.adjustsEventId : event.eventId)).values()) {
    const original = group.find(({ event }) => event.kind !== 'rerate');
    if (original === undefined) orphans += group.length;
    else standings.push(standingOf(original, group.length === 1 ? NOTHING : group.filter((row) => row !== original)));
  }
  return { standings, orphans };
}

const NOTHING: readonly LedgerRow[] = Object.freeze([]);

function standingOf(original: LedgerRow, corrections: readonly LedgerRow[]): Standing {
  const { event, partition } = original;
  if (corrections.length === 0)
    return { event, partition, priceVersion: original.priceVersion, attempts: original.attempts.map(asRecorded) };
  const newest = corrections.reduce((left, right) => (right.event.recordedAtMs > left.event.recordedAtMs ? right : left));
  return {
    event,
    partition,
    priceVersion: newest.priceVersion,
    attempts: original.attempts.map((attempt, index) =>
      corrected(
        attempt,
        corrections.flatMap((row) => row.attempts[index] ?? []),
      ),
    ),
  };
}

/** Lines of an attempt without a cost are part of no amount. */
function asRecorded({ cost, lines }: RowAttempt): AttemptStanding {
  return { cost, lines: cost === null ? [] : lines };
}

function corrected(recorded: RowAttempt, corrections: readonly RowAttempt[]): AttemptStanding {
  const { cost, lines } = asRecorded(recorded);
  // A correction gives a cost, takes it, or leaves it as it is: so what counts is how often each was done, in whatever order.
  let known = cost === null ? 0 : 1;
  let sum = cost ?? 0n;
  for (const correction of corrections) {
    if (correction.unpricedReason === REPRICED) known += 1;
    else if (correction.cost !== null && correction.unpricedReason !== '') known -= 1;
    sum += correction.cost ?? 0n;
  }
  if (known === 0) return { cost: null, lines: [] };
  return { cost: sum, lines: netLines([...lines, ...corrections.flatMap((correction) => correction.lines)]) };
}

/** Lines of the same class, price and entry as one; those that cancel each other are gone. */
export function netLines(lines: readonly LineItem[]): readonly LineItem[] {
  const net = new Map<string, LineItem>();
  for (const line of lines) {
    const key = lineKey(line);
    const before = net.get(key);
    net.set(key, before === undefined ? line : { ...line, quantity: before.quantity + line.quantity, amount: before.amount + line.amount });
  }
  return [...net.values()].filter(({ quantity, amount }) => quantity !== 0 || amount !== 0n);
}

export function negated(line: LineItem): LineItem {
  return { ...line, quantity: -line.quantity, amount: -line.amount };
}

function lineKey({ usageClass, unitPrice, perUnits, entryId }: LineItem): string {
  return `${usageClass} ${unitPrice} ${perUnits} ${entryId}`;
}
