/** Every event of a period as it stands, slice by slice; while one is worked on, the next is read. */
import type { ClickHouse } from '@tokenledger/clickhouse';
import { type LedgerRow, type Standing, standingsOf } from './core/standing.ts';
import { planSlices, readSlice, retiredDays, type Selection } from './ledger-reader.ts';
import { patiently } from './patience.ts';

export interface ReadOptions {
  readonly clickhouse: ClickHouse;
  readonly selection: Selection;
  /** Rows that are in memory at a time, twice over; 4,000 unless given. */
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

const SLICE_ROWS_MAX = 4_000;

export async function eachStanding(options: ReadOptions, use: (standing: Standing) => Promise<void> | void): Promise<Unread> {
  const { clickhouse, selection, onRead, sliceRowsMax = SLICE_ROWS_MAX } = options;
  let [orphans, read] = [0, 0];
  const slices = await patiently(() => planSlices(clickhouse, selection, sliceRowsMax));
  const rowsInAll = slices.reduce((sum, { rows }) => sum + rows, 0);
  const load = (index: number): Promise<readonly LedgerRow[]> | undefined => {
    const slice = slices[index];
    const rows = slice === undefined ? undefined : patiently(() => readSlice(clickhouse, selection, slice));
    // It is awaited in its turn; until then its failure is nobody's.
    rows?.catch(() => {});
    return rows;
  };
  let next = load(0);
  for (let index = 0; next !== undefined; index += 1) {
    const rows = await next;
    next = load(index + 1);
    const found = standingsOf(rows);
    orphans += found.orphans;
    for (const standing of found.standings) await use(standing);
    read += rows.length;
    onRead?.({ rows: read, of: rowsInAll });
  }
  return { orphans, retiredDays: await patiently(() => retiredDays(clickhouse, selection)) };
}
