import { isRejected } from '@tokenledger/domain';
import { expect, test } from 'vitest';
import {
  claimKey,
  encodeClaim,
  encodeFixed,
  type FixedStatement,
  fixedKey,
  type OpenStatement,
  settledKey,
  statementLog,
} from './statement-log.ts';

const AMOUNT = { before: 5n, after: -7n, unpricedBefore: 1, unpricedAfter: 0 };

const fixed = (source: string): FixedStatement => ({
  source,
  recordedAtMs: 1_790_000_000_000,
  lanes: [{ partition: 5, linesPartition: 1, lines: 3, chunks: 1, from: 5, to: 6 }],
  facts: {
    kind: 'rerate',
    by: 'ann',
    note: '',
    from: '2026-10-01T00:00:00.000Z',
    to: '2026-11-01T00:00:00.000Z',
    reopen: '',
    reopened: [],
    details: { price_version: 'abc' },
  },
  found: {
    rows: [{ tenant: 'acme', model: 'small', events: 3, corrected: 3, amounts: { list: AMOUNT, cost: AMOUNT, billable: AMOUNT } }],
    orphans: 0,
    retiredDays: [],
  },
});

const records = {
  claim: (source: string) => ({ key: claimKey(source), value: encodeClaim({ source, ends: [1, 2] }) }),
  fixed: (source: string) => ({ key: fixedKey(source), value: encodeFixed(fixed(source)) }),
  settled: (source: string) => ({ key: settledKey(source), value: Buffer.from('{}') }),
};

/** `claim:a fixed:a` and so on. */
function logOf(text: string) {
  const log = statementLog();
  for (const word of text.split(' ')) {
    const [kind, source] = word.split(':') as [keyof typeof records, string];
    expect(log.take(records[kind](source))).toBeNull();
  }
  return log;
}

const names = (open: readonly OpenStatement[]): readonly string[] =>
  open.map((one) => (one.kind === 'fixed' ? `post ${one.statement.source}` : `drop ${one.claim.source}`));

test.each([
  ['the newest claim is being worked on', 'claim:a', []],
  ['whoever was overtaken before he fixed anything has lines to drop', 'claim:a claim:b', ['drop a']],
  ['what was fixed under the newest claim is to be posted', 'claim:a fixed:a', ['post a']],
  ['also after somebody else has claimed', 'claim:a fixed:a claim:b', ['post a']],
  ['what was fixed after somebody else claimed does not hold', 'claim:a claim:b fixed:a', ['drop a']],
  ['what is settled is done with', 'claim:a fixed:a settled:a claim:b settled:b claim:c', []],
  ['several are taken in their order', 'claim:a fixed:a claim:b claim:c', ['post a', 'drop b']],
])('%s', (_, text, expected) => {
  expect(names(logOf(text).open())).toEqual(expected);
});

test('a statement comes back as it was fixed', () => {
  const log = logOf('claim:a fixed:a');
  expect(log.isFixed('a')).toBe(true);
  expect(log.open()).toEqual([{ kind: 'fixed', statement: fixed('a') }]);
});

test('a record that cannot be read is refused: what is being posted must be known', () => {
  const refused = statementLog().take({ key: claimKey('a'), value: Buffer.from('{"ends":') });
  expect(isRejected(refused) && refused.code).toBe('STATEMENT_UNREADABLE');
});
