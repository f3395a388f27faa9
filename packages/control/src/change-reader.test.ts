import { describe, expect, test } from 'vitest';
import {
  type AuditRecord,
  auditKey,
  type ChangeReader,
  CLAIM_KEY,
  type ControlRecord,
  createChangeReader,
  documentKey,
  encodeControl,
} from './index.ts';

const AT = '2026-01-01T00:00:00.000Z';
const CHANGES = { a: '00000000-0000-7000-8000-00000000000a', b: '00000000-0000-7000-8000-00000000000b' } as const;

const tenant = (id: string, version: number, epoch: number, change: keyof typeof CHANGES = 'a', size = 1): ControlRecord => ({
  kind: 'tenant',
  id,
  version,
  epoch,
  change_id: CHANGES[change],
  change_size: size,
  changed_at: AT,
  changed_by: 'me',
  managed_by: 'api',
  document: { kind: 'tenant', id, name: `${id} ${version}` },
});
const audit = (epoch: number, change: keyof typeof CHANGES = 'a'): AuditRecord => ({
  change_id: CHANGES[change],
  n: 1,
  epoch,
  changed_at: AT,
  changed_by: 'me',
  managed_by: 'api',
  action: 'create',
  kind: 'tenant',
  id: 't',
  version_before: 0,
  version_after: 1,
  before: null,
  after: null,
  note: '',
  voids: '',
});

/** Feeds records at these offsets; a gap is what compaction took. */
function feeder(reader: ChangeReader) {
  return {
    put: (offset: number, record: ControlRecord) => kinds(reader.take({ key: documentKey(record), value: encodeControl(record), offset })),
    audit: (offset: number, record: AuditRecord) => kinds(reader.take({ key: auditKey(record), value: encodeControl(record), offset })),
    claim: (offset: number) => kinds(reader.take({ key: CLAIM_KEY, value: encodeControl({ claimed_at: AT, claimed_by: 'x' }), offset })),
    raw: (offset: number, key: string | null, value: string | null) =>
      kinds(reader.take({ key, value: value === null ? null : Buffer.from(value), offset })),
    holds: () => [...reader.records.values()].map(({ id, version }) => `${id} ${version}`),
  };
}
const kinds = (events: readonly { readonly kind: string }[]): string => events.map(({ kind }) => kind).join(' ');

describe('a change', () => {
  test('takes effect with its last document, not before', () => {
    const log = feeder(createChangeReader());
    expect(log.put(0, tenant('t', 1, 1, 'a', 2))).toBe('');
    expect(log.holds()).toEqual([]);
    expect(log.put(1, tenant('u', 1, 1, 'a', 2))).toBe('applied');
    expect(log.holds()).toEqual(['t 1', 'u 1']);
  });

  test.each([
    [
      'the document of a later one',
      (log: ReturnType<typeof feeder>) => log.put(5, tenant('u', 2, 1, 'b')),
      'applied applied',
      ['t 1', 'u 2'],
    ],
    ['its own audit', (log: ReturnType<typeof feeder>) => log.audit(2, audit(1)), 'applied audited', ['t 1']],
    ['a claim', (log: ReturnType<typeof feeder>) => log.claim(7), 'applied claimed', ['t 1']],
    ['rubbish', (log: ReturnType<typeof feeder>) => log.raw(7, 'x', 'y'), 'applied unreadable', ['t 1']],
  ])('of which a part was compacted away takes effect with what follows: %s', (_name, next, events, holds) => {
    const log = feeder(createChangeReader());
    log.put(0, tenant('t', 1, 1, 'a', 2));
    expect(next(log)).toBe(events);
    expect(log.holds()).toEqual(holds);
  });

  test('takes effect as well for a reader that leaves audit records out', () => {
    const reader = createChangeReader({ audit: false });
    const log = feeder(reader);
    log.put(0, tenant('t', 1, 1, 'a', 2));
    expect(log.audit(2, audit(1))).toBe('applied');
    expect(log.audit(3, audit(1))).toBe('');
    expect([log.holds(), reader.nextOffset]).toEqual([['t 1'], 4]);
  });

  test('that was sent twice changes nothing the second time', () => {
    const log = feeder(createChangeReader());
    for (const offset of [0, 2]) {
      log.put(offset, tenant('t', 1, 1, 'a', 2));
      log.put(offset + 1, tenant('u', 1, 1, 'a', 2));
    }
    expect(log.holds()).toEqual(['t 1', 'u 1']);
  });

  test('that arrives again after a later one takes nothing back', () => {
    const log = feeder(createChangeReader());
    log.put(0, tenant('t', 1, 1));
    log.put(1, tenant('t', 2, 1, 'b'));
    expect(log.put(2, tenant('t', 1, 1))).toBe('stray');
    expect(log.holds()).toEqual(['t 2']);
    expect(log.put(3, tenant('t', 1, 4))).toBe('applied');
    expect(log.holds()).toEqual(['t 1']);
  });

  test('of a later version of this program is left out, and told', () => {
    const log = feeder(createChangeReader());
    log.put(0, tenant('t', 1, 1));
    expect(log.raw(1, 'tenant/t', JSON.stringify({ ...tenant('t', 2, 1, 'b'), colour: 'red' }))).toBe('unreadable');
    expect(log.raw(2, 'tenant/other', JSON.stringify(tenant('t', 2, 1, 'b')))).toBe('unreadable');
    expect(log.raw(3, 'quota/t', JSON.stringify({ kind: 'quota' }))).toBe('unreadable');
    expect(log.raw(4, 'audit/x/1', null)).toBe('');
    expect(log.holds()).toEqual(['t 1']);
  });
});

describe('below a claim', () => {
  test('what an earlier owner writes never holds', () => {
    const log = feeder(createChangeReader());
    log.claim(0);
    log.put(1, tenant('t', 1, 1));
    expect(log.claim(2)).toBe('claimed');
    expect(log.put(3, tenant('t', 2, 1, 'b'))).toBe('stray');
    expect(log.audit(4, audit(1, 'b'))).toBe('stray');
    expect(log.put(5, tenant('u', 1, 3, 'b'))).toBe('applied');
    expect(log.holds()).toEqual(['t 1', 'u 1']);
  });

  test('a claim whose record was compacted away still shows in the epoch of what its owner wrote', () => {
    const reader = createChangeReader();
    const log = feeder(reader);
    log.put(4, tenant('t', 1, 4));
    expect(log.put(5, tenant('t', 2, 2, 'b'))).toBe('stray');
    expect(log.holds()).toEqual(['t 1']);
    expect([reader.epoch, reader.nextOffset]).toEqual([4, 6]);
  });
});
