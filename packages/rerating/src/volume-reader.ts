/** Events of a month from ClickHouse in the order of their time and id, whoever's they are, with the corrections of their rating and of their volume. */
import type { ClickHouse } from '@tokenledger/clickhouse';
import type { Period } from './core/slices.ts';
import { type VolumeEvent, volumeEvents } from './core/volume-rows.ts';
import { EVENT_ID, RERATE_PREFIX, type Row, SELECTED, toLedgerRow } from './ledger-reader.ts';
import { patiently } from './patience.ts';

/** Statements whose corrections are for the volume of a month. */
export const VOLUME_PREFIX = 'volume/';

export interface VolumeSelection extends Period {
  /** Events one of whose attempts went to one of these… */
  readonly providers: readonly string[];
  /** …or of these tenants; null: of every one. */
  readonly tenants: readonly string[] | null;
}

/** Where a page of the order ended. */
interface Place {
  readonly ms: number;
  readonly id: string;
}

type VolumeLine = Row & { readonly event_key: string; readonly version: string; readonly is_volume: number };

interface Span extends Period {
  readonly rows: number;
}

/** `rowsMax`: rows that are in memory at a time, as text and twice over. While some are worked on, the next are read. */
export async function* eachVolumeEvent(
  clickhouse: ClickHouse,
  selection: VolumeSelection,
  rowsMax: number,
  onRead: (progress: { readonly rows: number; readonly of: number }) => void,
): AsyncGenerator<VolumeEvent> {
  const spans = spansOf(await patiently(() => minuteCounts(clickhouse, selection)), selection, rowsMax);
  const of = spans.reduce((sum, { rows }) => sum + rows, 0);
  let read = 0;
  const load = (span: Span | undefined, after: Place | null): Promise<Iterable<VolumeLine>> | undefined => {
    const rows = span === undefined ? undefined : patiently(() => readPage(clickhouse, selection, span, after, rowsMax));
    // It is awaited in its turn; until then its failure is nobody's.
    rows?.catch(() => {});
    return rows;
  };
  let next = load(spans[0], null);
  for (const [index, span] of spans.entries()) {
    let page = next;
    next = load(spans[index + 1], null);
    while (page !== undefined) {
      let [rows, last] = [0, null as Place | null];
      for (const lines of together(await page)) {
        yield* volumeEvents(lines.map((line) => ({ ...toLedgerRow(line), priceVersion: line.version, isVolume: Boolean(line.is_volume) })));
        rows += lines.length;
        const [first] = lines;
        if (first !== undefined) last = { ms: Number(first.occurred_at_ms), id: first.event_key };
      }
      read += rows;
      onRead({ rows: read, of });
      page = rows < rowsMax ? undefined : load(span, last);
    }
  }
}

/** Rows of one event after the other. */
function* together(lines: Iterable<VolumeLine>): Generator<readonly VolumeLine[]> {
  let event: VolumeLine[] = [];
  for (const line of lines) {
    if (event.length > 0 && event[0]?.event_key !== line.event_key) {
      yield event;
      event = [];
    }
    event.push(line);
  }
  if (event.length > 0) yield event;
}

async function minuteCounts(clickhouse: ClickHouse, selection: VolumeSelection): Promise<readonly Span[]> {
  const counts = await clickhouse.query<{ readonly minute_ms: string; readonly rows: string }>(
    `SELECT toUnixTimestamp(minute) * 1000 AS minute_ms, count() AS rows FROM usage_events
     WHERE ${conditions(selection)} GROUP BY minute ORDER BY minute`,
    { params: parameters(selection) },
  );
  return counts.map(({ minute_ms: minute, rows }) => ({ fromMs: Number(minute), toMs: Number(minute) + MINUTE_MS, rows: Number(rows) }));
}

const MINUTE_MS = 60_000;

/** Stretches of minutes with about as many rows as a page has, without gaps: what lands meanwhile is read too. */
function spansOf(minutes: readonly Span[], { fromMs, toMs }: Period, rowsMax: number): readonly Span[] {
  const spans: Span[] = [];
  let [from, rows] = [fromMs, 0];
  for (const minute of minutes) {
    if (rows > 0 && rows + minute.rows > rowsMax) {
      spans.push({ fromMs: from, toMs: minute.fromMs, rows });
      [from, rows] = [minute.fromMs, 0];
    }
    rows += minute.rows;
  }
  if (rows > 0) spans.push({ fromMs: from, toMs, rows });
  return spans;
}

/** All rows of an event, or none: those of the last one come along, however many rows there are. Fewer than `rowsMax`: there is no more in the span. */
async function readPage(
  clickhouse: ClickHouse,
  selection: VolumeSelection,
  { fromMs, toMs }: Period,
  after: Place | null,
  rowsMax: number,
): Promise<Iterable<VolumeLine>> {
  return clickhouse.queryLazily<VolumeLine>(
    `SELECT ${SELECTED}, ${EVENT_KEY} AS event_key, price_version AS version, startsWith(source, '${VOLUME_PREFIX}') AS is_volume
     FROM usage_events WHERE ${conditions(selection)}
     ${after === null ? '' : `AND (toUnixTimestamp64Milli(occurred_at), ${EVENT_KEY}) > ({after_ms:Int64}, {after_id:String})`}
     ORDER BY occurred_at, event_key LIMIT {rows:UInt64} WITH TIES`,
    { params: { ...parameters({ ...selection, fromMs, toMs }), rows: rowsMax, after_ms: after?.ms ?? 0, after_id: after?.id ?? '' } },
  );
}

/** A correction has the time of its event, so it stands beside it. */
const EVENT_KEY = `toString(${EVENT_ID})`;

function conditions({ tenants }: VolumeSelection): string {
  return [
    'occurred_at >= fromUnixTimestamp64Milli({from:Int64}) AND occurred_at < fromUnixTimestamp64Milli({to:Int64})',
    `(kind IN ('usage', 'import') OR (kind = 'rerate' AND (startsWith(source, '${RERATE_PREFIX}') OR startsWith(source, '${VOLUME_PREFIX}'))))`,
    'notEmpty(attempts.attempt_id)',
    ...(tenants === null ? [] : ['(tenant_id IN {tenants:Array(String)} OR hasAny(attempts.provider, {providers:Array(String)}))']),
  ].join(' AND ');
}

function parameters({ fromMs, toMs, tenants, providers }: VolumeSelection) {
  return { from: fromMs, to: toMs, tenants: tenants ?? [], providers };
}

/** The last day that is over and sealed, of those that have begun at `nowMs`; null before the first. */
export async function lastSealedDay(clickhouse: ClickHouse, nowMs: number): Promise<string | null> {
  const [row] = await clickhouse.query<{ readonly last: string; readonly rows: string }>(
    `SELECT toString(max(day)) AS last, count() AS rows FROM usage_sealed
     WHERE row_kind = 'sums' AND day <= toDate(fromUnixTimestamp64Milli({now:Int64}), 'UTC')`,
    { params: { now: nowMs } },
  );
  return row === undefined || row.rows === '0' ? null : row.last;
}
