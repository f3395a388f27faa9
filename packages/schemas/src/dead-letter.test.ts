import { expect, test } from 'vitest';
import { deadLetterHeaders, ORIGIN_OFFSET_HEADER, readDeadLetter } from './dead-letter.ts';
import { identityHeaders, readIdentity } from './headers.ts';

const record = { topic: 'tokenledger.usage.events', partition: 3, offset: 0, headers: identityHeaders({ source: 's', sequence: 9 }) };
const headers = deadLetterHeaders(record, { code: 'UNDECODABLE', message: 'the bytes end' });

test('a dead letter says why, where from, and keeps the identity', () => {
  expect(readDeadLetter(headers)).toEqual({
    code: 'UNDECODABLE',
    message: 'the bytes end',
    origin: { topic: 'tokenledger.usage.events', partition: 3, offset: 0 },
  });
  expect(readIdentity(headers)).toEqual({ source: 's', sequence: 9 });
});

test.each(['', '-1', '1.5', '1e3', '99999999999999999'])('an origin offset of %j is not read', (offset) => {
  expect(readDeadLetter({ ...headers, [ORIGIN_OFFSET_HEADER]: offset })).toBeNull();
});

test('a record that is no dead letter is not read as one', () => {
  expect(readDeadLetter(record.headers)).toBeNull();
});
