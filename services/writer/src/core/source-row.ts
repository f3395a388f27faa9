/** The rows of what a source says of itself: its state in `sources`, and in `audit_log` that an operator closed it. Pure. */
import type { Cell } from '@tokenledger/clickhouse';
import { isRejected } from '@tokenledger/domain';
import type { LogRecord } from '@tokenledger/event-log';
import { decodeSourceState, encodeSourceState, type SourceState } from '@tokenledger/schemas';
import type { Classify, Undecodable } from './classify.ts';
import type { NumberedRow } from './decide.ts';
import type { Row, RowOwner } from './row.ts';
import { clampTime, time } from './time.ts';

export const SOURCE_COLUMNS: readonly string[] = [
  'source',
  'instance',
  'opened_at',
  'at',
  'closed',
  'closed_by',
  'note',
  'open_requests',
  'numbered',
  'log_topic',
  'log_partition',
  'epoch',
];

/** The newest state of each source of a batch. */
export function sourceRows(records: readonly LogRecord[], owner: RowOwner): readonly Row[] {
  const newest = new Map<string, SourceState>();
  for (const record of records) {
    const state = stateOf(record);
    if (state !== null && state.atMs >= (newest.get(state.source)?.atMs ?? 0)) newest.set(state.source, state);
  }
  return Array.from(newest.values(), (state) => sourceRow(state, owner));
}

/** Rows of `audit_log` for sources that were closed in place of their ingress. */
export const classifySources: Classify = (records, owner) => {
  const audits: NumberedRow[] = [];
  const undecodable: Undecodable[] = [];
  for (const record of records) {
    const state = stateOf(record);
    if (state?.closedBy) audits.push(closingRow(state, record, owner));
    else if (state === null && record.value !== null) {
      undecodable.push({
        record,
        code: 'SOURCE_UNREADABLE',
        message: 'it is not what a source says of itself, or this version cannot read it',
      });
    }
  }
  return { events: [], deadLetters: [], audits, undecodable };
};

function stateOf({ value }: LogRecord): SourceState | null {
  if (value === null) return null;
  const decoded = decodeSourceState(value);
  return isRejected(decoded) ? null : decoded;
}

function sourceRow(state: SourceState, owner: RowOwner): Row {
  const { source, instance, openedAtMs, atMs, closed, closedBy, openRequests, partitions } = state;
  const numbered: Record<string, Cell> = {};
  for (const [partition, last] of partitions) numbered[partition] = last;
  return [
    source,
    instance,
    time(clampTime(openedAtMs)),
    time(clampTime(atMs)),
    closed,
    closedBy?.by ?? '',
    closedBy?.note ?? '',
    openRequests,
    numbered,
    owner.topic,
    owner.partition,
    owner.epoch,
  ];
}

/** In the order of `AUDIT_COLUMNS`. */
function closingRow(state: SourceState, record: LogRecord, owner: RowOwner): NumberedRow {
  const change = `close/${state.source}/${state.atMs}`;
  const row: Row = [
    change,
    1,
    owner.topic,
    owner.partition,
    record.offset,
    owner.epoch,
    0,
    time(clampTime(state.atMs)),
    state.closedBy?.by ?? '',
    'cli',
    'close',
    'source',
    state.source,
    '',
    0,
    0,
    '',
    Buffer.from(encodeSourceState(state)).toString('utf8'),
    state.closedBy?.note ?? '',
    '',
    time(clampTime(record.timestampMs)),
  ];
  return { source: change, sequence: 1, row };
}
