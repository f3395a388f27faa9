/** Posts what a month's volume changes for every day that is over, again and again: once a day is sealed, and whenever rows of its month or what was agreed have
 *  changed since. A crash costs nothing: all that is to be done is seen from the ledger. */
import type { ClickHouse } from '@tokenledger/clickhouse';
import { AppError } from '@tokenledger/domain';
import type { EventLog, Producer, Topics } from '@tokenledger/event-log';
import type { Agreements } from '@tokenledger/pricing';
import type { ClosedPeriod } from './core/closed-periods.ts';
import type { Period } from './core/slices.ts';
import { total } from './core/tally.ts';
import { lastSealedDay, VOLUME_PREFIX } from './volume-reader.ts';
import { hasVolumeTerms, monthOf, postVolumes, volumeDifferences } from './volumes.ts';

export interface DailyVolumesOptions {
  readonly log: EventLog;
  readonly topics: Topics;
  readonly clickhouse: ClickHouse;
  /** What the documents say now: the same object until they say something else. */
  readonly agreed: () => Promise<Agreed>;
  readonly instance: string;
  /** See `PostingOptions`. */
  readonly written: () => Promise<void>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** An id that no statement has had. */
  readonly newId: () => string;
  readonly onPosted: (posted: { readonly source: string; readonly through: string; readonly lines: number }) => void;
  /** A month stays as it is until its rows or the documents change: its period is closed, or its rows have left. */
  readonly onHeld: (error: AppError, through: string) => void;
}

export interface Agreed {
  readonly agreements: Agreements;
  readonly closedPeriods: readonly ClosedPeriod[];
}

export interface DailyVolumes {
  /** Gives how many months stay as they are, see `onHeld`. Throws what posting throws; it is called again. */
  look(signal: AbortSignal): Promise<number>;
  close(): Promise<void>;
}

/** What a look found nothing more to do about. */
interface Seen {
  readonly rows: string;
  readonly agreed: Agreed;
  readonly isHeld: boolean;
}

const DAY_MS = 86_400_000;
const HELD: ReadonlySet<string> = new Set(['PERIOD_CLOSED', 'VOLUME_UNKNOWN']);

export function dailyVolumes(options: DailyVolumesOptions): DailyVolumes {
  const seen = new Map<string, Seen>();
  let producer: Producer | undefined;
  return {
    async look(signal) {
      const agreed = await options.agreed();
      if (!hasVolumeTerms(agreed.agreements)) return 0;
      // An event that claims to be of next year does not end this month.
      const day = await lastSealedDay(options.clickhouse, options.now());
      if (day === null) return 0;
      const month = monthOf(Date.parse(day));
      // What comes late for a month that is over moves what comes after it there.
      const before = monthOf(month.fromMs - DAY_MS);
      const held = [
        await lookAt(before, false, agreed, signal),
        await lookAt({ ...month, toMs: Date.parse(day) + DAY_MS }, true, agreed, signal),
      ];
      return held.filter(Boolean).length;
    },
    async close() {
      await producer?.close();
    },
  };

  /** Whether it is held. */
  async function lookAt(period: Period, isThisMonth: boolean, agreed: Agreed, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    const through = new Date(period.toMs - DAY_MS).toISOString().slice(0, 10);
    const rows = await rowsOf(period);
    const last = seen.get(through);
    if (last !== undefined && last.rows === rows && last.agreed === agreed) return last.isHeld;
    let isHeld = false;
    try {
      await post(period, through, agreed, signal);
    } catch (error) {
      if (signal.aborted || !(error instanceof AppError) || !HELD.has(error.code)) throw error;
      // Rows of a month that is over may leave: nothing can be done about that.
      isHeld = isThisMonth || error.code !== 'VOLUME_UNKNOWN';
      if (isHeld) options.onHeld(error, through);
    }
    // Months and days before these two are not looked at again.
    for (const other of seen.keys()) if (other.slice(0, 7) === through.slice(0, 7)) seen.delete(other);
    seen.set(through, { rows, agreed, isHeld });
    return isHeld;
  }

  async function post(period: Period, through: string, { agreements, closedPeriods }: Agreed, signal: AbortSignal): Promise<void> {
    const onRead = (): void => signal.throwIfAborted();
    const reading = { clickhouse: options.clickhouse, period, agreements, onRead };
    // Looked at first, and claimed only where there is something to post: a claim would end what somebody else is about to correct.
    if (total((await volumeDifferences(reading)).rows).corrected === 0) return;
    producer ??= await options.log.producer();
    const { posted } = await postVolumes({
      ...options,
      ...reading,
      producer,
      source: `${VOLUME_PREFIX}${options.newId()}`,
      nowMs: options.now(),
      facts: { by: 'tokenledger', note: `volumes through ${through}`, reopen: '' },
      closedPeriods,
      onUnfinished: () => {},
      onDifferences: () => {},
      onSent: onRead,
    });
    if (posted !== null) options.onPosted({ source: posted.source, through, lines: posted.lines });
  }

  /** Events and corrections of their rating: those are never taken away, so their number says whether there are others. */
  async function rowsOf({ fromMs, toMs }: Period): Promise<string> {
    const [row] = await options.clickhouse.query<{ readonly rows: string }>(
      `SELECT count() AS rows FROM usage_events
       WHERE occurred_at >= fromUnixTimestamp64Milli({from:Int64}) AND occurred_at < fromUnixTimestamp64Milli({to:Int64}) AND NOT startsWith(source, '${VOLUME_PREFIX}')`,
      { params: { from: fromMs, to: toMs } },
    );
    return row?.rows ?? '';
  }
}
