import { type BillLine, CLASS_NAMES, type ClassName } from '@tokenledger/provider-simulator';
import { expect, test } from 'vitest';
import type { ClientEnd, ClientRequest } from './load.ts';
import { type Evidence, type LedgerRow, verdict } from './verdict.ts';

const CLASSES = Object.fromEntries(CLASS_NAMES.map((name, index) => [name, index])) as Record<ClassName, number>;
const ENDED = { kind: 'answered', status: 200, recorded: true, endedMs: 9 } as const;

const client = (number: number, ended: ClientEnd = ENDED): ClientRequest => ({
  id: `task-${number}`,
  path: '/v1/messages',
  streamed: true,
  ingress: 'ingress-1',
  beganMs: 1,
  ended,
});

const line = (number: number): BillLine => ({
  id: `answer-${number}`,
  request_id: `attempt-${number}`,
  surface: 'anthropic.messages',
  model: 'm',
  served_model: 'm',
  service_tier: '',
  streamed: true,
  status: 200,
  completed: true,
  reported: true,
  usage: null,
  classes: CLASSES,
  at_ms: 5,
});

const row = (number: number, fields: Partial<LedgerRow> = {}): LedgerRow => ({
  event_id: `event-${number}`,
  task_id: `task-${number}`,
  source: 's',
  log_partition: 0,
  sequence: number,
  outcome: 'ok',
  attempts: [{ attempt_id: `attempt-${number}`, usage_source: 'reported', usage: CLASSES }],
  ...fields,
});

const refused = (number: number, fields: Partial<LedgerRow> = {}): LedgerRow =>
  row(number, { outcome: 'refused_invalid', attempts: [], ...fields });
const unresolved = (number: number): LedgerRow =>
  row(number, {
    outcome: 'unresolved',
    attempts: [{ attempt_id: `attempt-${number}`, usage_source: 'estimated', usage: { ...CLASSES, visible_output: 77 } }],
  });

/** Two answered requests, one refused, and one whose ingress was killed before the provider had it. */
const RIGHT: Evidence = {
  bill: [line(1), line(2)],
  rows: [row(1), row(2), refused(3), unresolved(4)],
  clients: [client(1), client(2), client(3, { ...ENDED, status: 400 }), client(4, { kind: 'broken', endedMs: 9 })],
  lanes: [{ source: 's', log_partition: 0, last: 4, rows: 4, distinct: 4 }],
  incomplete: [],
  rollups: [{ view: 'usage_by_hour', base: { events: '4' }, sums: { events: '4' } }],
  unresolvedMax: 1,
  deadLetters: 0,
};

const found = (fields: Partial<Evidence>): readonly string[] => [...new Set(verdict({ ...RIGHT, ...fields }).map(({ what }) => what))];

test('what agrees has no differences', () => {
  expect(verdict(RIGHT)).toEqual([]);
});

test.each<readonly [string, Partial<Evidence>]>([
  ['the attempt is billed and not in the ledger', { bill: [...RIGHT.bill, line(9)] }],
  ['the provider was sent the attempt twice', { bill: [...RIGHT.bill, line(2)] }],
  ['the provider knows no such attempt', { bill: [line(1)] }],
  ['the attempt is in the ledger twice', { rows: [...RIGHT.rows, row(5, { attempts: row(1).attempts })] }],
  ['an event is there twice', { rows: [...RIGHT.rows, row(2)] }],
  ['a request has more than one event', { rows: [...RIGHT.rows, refused(5, { task_id: 'task-3' })] }],
  ['a refused request has an attempt', { rows: [row(1), row(2, { outcome: 'refused_limit' }), refused(3)] }],
  ['tokens differ: visible_output', { bill: [line(1), { ...line(2), classes: { ...CLASSES, visible_output: 6_000 } }] }],
  [
    'the provider reported usage and the ledger has none from it',
    { rows: [row(1), row(2, { attempts: [{ attempt_id: 'attempt-2', usage_source: 'estimated', usage: CLASSES }] }), refused(3)] },
  ],
  ['an answered request has no event', { rows: [row(1), row(2)] }],
  ['an answered request is unresolved', { rows: [row(1), unresolved(2), refused(3)] }],
  ['an answered request is not ok', { rows: [row(1), row(2, { outcome: 'upstream_error' }), refused(3)] }],
  ['a request that was never sent has an event', { clients: [client(1), client(2, { kind: 'unsent', endedMs: 2 })] }],
  [
    'a request that could not be recorded has an event',
    { clients: [client(3, { kind: 'answered', status: 503, recorded: false, endedMs: 2 })] },
  ],
  ['numbers are missing', { lanes: [{ source: 's', log_partition: 0, last: 5, rows: 4, distinct: 4 }] }],
  [
    'the view completeness shows a difference',
    { incomplete: [{ source: 's', log_partition: 0, missing: '1', repeats: '0', missing_ranges: '[(5,5)]' }] },
  ],
  ['numbers are repeated', { lanes: [{ source: 's', log_partition: 0, last: 4, rows: 5, distinct: 4 }] }],
  ['there are more than were in flight when an ingress was killed', { unresolvedMax: 0 }],
  ['events differs from the sum of the rows', { rollups: [{ view: 'usage_by_hour', base: { events: '4' }, sums: { events: '3' } }] }],
  ['nothing was to be rejected', { deadLetters: 1 }],
])('finds that %s', (what, fields) => {
  expect(found(fields)).toContain(what);
});
