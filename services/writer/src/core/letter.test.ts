import { RECORD_BYTES_MAX, recordBytes, type OutgoingRecord } from '@tokenledger/event-log';
import { identityHeaders, readDeadLetter, readIdentity } from '@tokenledger/schemas';
import { expect, test } from 'vitest';
import { letterOf } from './letter.ts';

const headers = identityHeaders({ source: 's', sequence: 4 });
const origin = { topic: 'tokenledger.usage.priced', partition: 3, offset: 70 };
const fits = (record: OutgoingRecord): boolean => recordBytes(record) <= RECORD_BYTES_MAX;
const letter = (value: Uint8Array | null, key = 'key-1') =>
  letterOf({ record: { ...origin, key, value, headers, timestampMs: 0 }, code: 'UNDECODABLE', message: 'the bytes end' }, fits);

test('a letter carries the bytes, the key and the identity, and says why and where from', () => {
  const value = Buffer.from([1, 2]);
  expect(letter(value)).toMatchObject({ key: 'key-1', value });
  expect(readIdentity(letter(value).headers ?? {})).toEqual({ source: 's', sequence: 4 });
  expect(readDeadLetter(letter(value).headers ?? {})).toEqual({ code: 'UNDECODABLE', message: 'the bytes end', origin });
});

test('bytes that do not fit beside the reason stay where they came from', () => {
  expect(letter(new Uint8Array(RECORD_BYTES_MAX))).toMatchObject({ key: 'key-1', value: null });
});

test('whatever the record, its letter fits and says where it came from', () => {
  const huge = letter(new Uint8Array(RECORD_BYTES_MAX), 'k'.repeat(RECORD_BYTES_MAX));
  expect(recordBytes(huge)).toBeLessThan(RECORD_BYTES_MAX);
  expect(readDeadLetter(huge.headers ?? {})).toMatchObject({ origin });
});
