import { expect, test } from 'vitest';
import { identityHeaders, readIdentity, SEQUENCE_HEADER, SOURCE_HEADER } from './headers.ts';

test('identity is read from the headers as it was written', () => {
  const identity = { source: 'ingress-1/0191', sequence: Number.MAX_SAFE_INTEGER };
  expect(readIdentity(identityHeaders(identity))).toEqual(identity);
});

test.each([
  {},
  { [SOURCE_HEADER]: 's' },
  { [SEQUENCE_HEADER]: '1' },
  { [SOURCE_HEADER]: '', [SEQUENCE_HEADER]: '1' },
  ...['', '0', '-1', '01', '1.5', '1e3', ' 1', '9007199254740993', '99999999999999999'].map((sequence) => ({
    [SOURCE_HEADER]: 's',
    [SEQUENCE_HEADER]: sequence,
  })),
])('%o is no identity', (headers) => {
  expect(readIdentity(headers)).toBeNull();
});
