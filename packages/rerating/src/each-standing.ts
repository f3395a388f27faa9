/** Every event of a period as it stands, slice by slice; while one is worked on, the next is read. */
import { setImmediate as turn } from 'node:timers/promises';
import type { ClickHouse } from '@tokenledger/clickhouse';
import { type LedgerRow, type Standing, standingsOf } from './core/standing.ts';
import { planSlices, readSlice, retiredDays, type Selection } from './ledger-reader.ts';
import { patiently } from './patience.ts';

export interface ReadOptions {
  readonly clickhouse: ClickHouse;
  readonly selection: Selection;
  /** Rows that are in memory at a time, as text and twice over; 8,000 unless given. */
  readonly sliceRowsMax?: number;
  /** Told of rows as they are read. */
  readonly onRead?: (progress: { readonly rows: number; readonly of: number }) => void;
}

/** What could not be read. */
export interface Unread {
  /** Corrections whose events have left by retention. */
  readonly orphans: number;
  /** Days of which raw rows have left. */
  readonly retiredDays: readonly string[];
}

const SLICE_ROWS_MAX = 8_000;
/** After so many rows others have their turn: what is read and sent meanwhile would wait. */
const TURN_ROWS = 100;

export async function eachStanding(options: ReadOptions, use: (standing: Standing) => Promise<void> | void): Promise<Unread> {
  const { clickhouse, selection, onRead, sliceRowsMax = SLICE_ROWS_MAX } = options;
  let [orphans, read] = [0, 0];
  const slices = await patiently(() => planSlices(clickhouse, selection, sliceRowsMax));
  const rowsInAll = slices.reduce((sum, { rows }) => sum + rows, 0);
  const load = (index: number): Promise<Iterable<LedgerRow>> | undefined => {
    const slice = slices[index];
    const rows = slice === undefined ? undefined : patiently(() => readSlice(clickhouse, selection, slice));
    // It is awaited in its turn; until then its failure is nobody's.
    rows?.catch(() => {});
    return rows;
  };
  let next = load(0);
  let turnAt = TURN_ROWS;
  for (let index = 0; next !== undefined; index += 1) {
    const rows = await next;
    next = load(index + 1);
    for (const moment of moments(rows)) {
      const found = standingsOf(moment);
      orphans += found.orphans;
      for (const standing of found.standings) await use(standing);
      read += moment.length;
      if (read < turnAt) continue;
      turnAt = read + TURN_ROWS;
      onRead?.({ rows: read, of: rowsInAll });
      await turn();
    }
    onRead?.({ rows: read, of: rowsInAll });
  }
  return { orphans, retiredDays: await patiently(() => retiredDays(clickhouse, selection)) };
}

/** Rows of the same tenant and moment together: an event, and what corrects it, are of the same. */
function* moments(rows: Iterable<LedgerRow>): Generator<readonly LedgerRow[]> {
  let moment: LedgerRow[] = [];
  for (const row of rows) {
    const [first] = moment;
    if (first !== undefined && !isSameMoment(first, row)) {
      yield moment;
      moment = [];
    }
    moment.push(row);
  }
  if (moment.length > 0) yield moment;
}

function isSameMoment({ event: left }: LedgerRow, { event: right }: LedgerRow): boolean {
  return left.occurredAtMs === right.occurredAtMs && left.attribution.tenantId === right.attribution.tenantId;
}
