/** Rows of the ledger as the terms of a month see them: what an event was rated at, and what was posted of its volume. Pure. */
import { perAmount } from './amounts.ts';
import { type LedgerRow, type RowAttempt, type Standing, standingsOf } from './standing.ts';

export interface VolumeRow extends LedgerRow {
  readonly priceVersion: string;
  /** Whether it corrects for the volume of a month; all others are of the rating. */
  readonly isVolume: boolean;
}

export interface VolumeEvent {
  /** With every correction of the rating. */
  readonly rated: Standing;
  /** By how much it was corrected for its volume so far: nothing at first. */
  readonly posted: Standing;
  /** Of the prices that it was rated by last. */
  readonly priceVersion: string;
}

/** `rows`: every row of the events that they are of. Events come in the order of their first rows. */
export function volumeEvents(rows: readonly VolumeRow[]): readonly VolumeEvent[] {
  return Array.from(Map.groupBy(rows, keyOf).values(), (group): VolumeEvent | null => {
    const [rating, volume] = [group.filter(({ isVolume }) => !isVolume), group.filter(({ isVolume }) => isVolume)];
    const original = rating.find(({ event }) => event.kind !== 'rerate');
    if (original === undefined) return null;
    const [rated] = standingsOf(rating).standings;
    const [posted] = standingsOf([unchanged(original), ...volume]).standings;
    if (rated === undefined || posted === undefined) return null;
    const last = rating.reduce((newest, row) => (row.event.recordedAtMs > newest.event.recordedAtMs ? row : newest), original);
    return { rated, posted, priceVersion: last.priceVersion };
  }).filter((event) => event !== null);
}

function keyOf({ event }: LedgerRow): string {
  return event.kind === 'rerate' ? event.adjustsEventId : event.eventId;
}

const NOTHING: RowAttempt = { amounts: perAmount(() => ({ value: 0n, reason: '' })), saved: null, lines: [] };

/** An event that nothing was posted of. */
function unchanged(row: LedgerRow): LedgerRow {
  return { ...row, attempts: row.attempts.map(() => NOTHING), avoidedCost: null, billed: null };
}
