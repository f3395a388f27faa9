/** The rows of what a source says of itself: its state in `sources`, and in `audit_log` that an operator closed it, or that it is a statement. Pure. */
import type { Cell } from '@tokenledger/clickhouse';
import { isRejected } from '@tokenledger/domain';
import type { LogRecord } from '@tokenledger/event-log';
import { decodeSourceState, encodeSourceState, type SourceState, type StatementFacts } from '@tokenledger/schemas';
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
  'statement',
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

/** Rows of `audit_log` for sources that were closed in place of their ingress, and for statements. */
export const classifySources: Classify = (records, owner) => {
  const audits: NumberedRow[] = [];
  const undecodable: Undecodable[] = [];
  for (const record of records) {
    const state = stateOf(record);
    if (state?.closedBy) audits.push(auditRow(state, record, owner, { action: 'close', kind: 'source', ...state.closedBy }));
    else if (state?.statement !== undefined) audits.push(auditRow(state, record, owner, postingOf(state.statement)));
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
  const { source, instance, openedAtMs, atMs, closed, closedBy, openRequests, partitions, statement } = state;
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
    statement === undefined ? '' : JSON.stringify(statement),
    owner.topic,
    owner.partition,
    owner.epoch,
  ];
}

/** What an operator did about a source. */
interface SourceAction {
  readonly action: 'close' | 'post';
  readonly kind: 'source' | 'statement';
  readonly by: string;
  readonly note: string;
}

/** The reason for which closed periods were opened goes before the note. */
function postingOf({ by, note, reopen }: StatementFacts): SourceAction {
  return { action: 'post', kind: 'statement', by, note: reopen === '' ? note : reopen };
}

/** In the order of `AUDIT_COLUMNS`. */
function auditRow(state: SourceState, record: LogRecord, owner: RowOwner, { action, kind, by, note }: SourceAction): NumberedRow {
  const change = action === 'close' ? `close/${state.source}/${state.atMs}` : `post/${state.source}`;
  const row: Row = [
    change,
    1,
    owner.topic,
    owner.partition,
    record.offset,
    owner.epoch,
    0,
    time(clampTime(state.atMs)),
    by,
    'cli',
    action,
    kind,
    state.source,
    '',
    0,
    0,
    '',
    Buffer.from(encodeSourceState(state)).toString('utf8'),
    note,
    '',
    time(clampTime(record.timestampMs)),
  ];
  return { source: change, sequence: 1, row };
}
