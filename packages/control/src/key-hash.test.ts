import { isRejected } from '@tokenledger/domain';
import { expect, test } from 'vitest';
import {
  generateKeyText,
  KEY_CLASS_NAMES,
  KEY_CLASSES,
  keyHashCheck,
  keyHasher,
  type KeyHashSecret,
  keyText,
  matchHashSecrets,
} from './index.ts';

const [first, second, third] = [1, 2, 3].map((fill) => Buffer.alloc(32, fill)) as [Buffer, Buffer, Buffer];
const recorded = (...secrets: readonly Buffer[]): readonly KeyHashSecret[] =>
  secrets.map((secret, index) => ({
    kind: 'key_hash_secret',
    id: String(index + 1),
    generation: index + 1,
    check: keyHashCheck(secret),
    created_at: '2026-01-01T00:00:00.000Z',
  }));

test.each([
  ['nothing is recorded', { current: first }, recorded(), 'first'],
  ['it is the newest', { current: first }, recorded(first), 'known 1: 1'],
  ['it is the newest and the one before is there', { current: second, previous: first }, recorded(first, second), 'known 2: 1,2'],
  ['it is the newest and the one before is missing', { current: second }, recorded(first, second), 'known 2: 2'],
  ['it is the newest and the other one was never recorded', { current: first, previous: third }, recorded(first), 'known 1: 1'],
  ['it is new and the one before is the newest', { current: second, previous: first }, recorded(first), 'rotating 1 to 2: 1'],
  ['it is another one', { current: third }, recorded(first), 'KEY_HASH_SECRET_MISMATCH'],
  ['both are others', { current: third, previous: second }, recorded(first), 'KEY_HASH_SECRET_MISMATCH'],
  ['it is an earlier one', { current: first }, recorded(first, second), 'KEY_HASH_SECRET_MISMATCH'],
  ['the two were swapped', { current: first, previous: second }, recorded(first, second), 'KEY_HASH_SECRET_MISMATCH'],
  [
    'it is new and the one before is not the newest',
    { current: third, previous: first },
    recorded(first, second),
    'KEY_HASH_SECRET_MISMATCH',
  ],
])('a start where %s', (_name, secrets, generations, expected) => {
  const match = matchHashSecrets(secrets, generations.toReversed());
  expect(textOf(match)).toBe(expected);
});

function textOf(match: ReturnType<typeof matchHashSecrets>): string {
  if (isRejected(match)) return match.code;
  if (match.kind === 'first') return 'first';
  const held = [...match.hashers.keys()].toSorted((a, b) => a - b).join();
  return match.kind === 'known' ? `known ${match.newest}: ${held}` : `rotating ${match.newest} to ${match.next}: ${held}`;
}

test('a mismatch names the generation and says what to do', () => {
  const match = matchHashSecrets({ current: first }, recorded(first, second));
  expect(isRejected(match) ? match.message : '').toMatch(
    /not the secret of generation 2.*it is that of generation 1.*key_hash_secret_previous/s,
  );
});

test('the text of a key has 256 bits, and its hash is nothing that it could be guessed by', () => {
  expect(keyText(Buffer.alloc(32, 0xff))).toBe(`tlk_${'_'.repeat(42)}8`);
  const texts = Array.from({ length: 100 }, () => generateKeyText());
  expect(new Set(texts).size).toBe(100);
  const hash = keyHasher(first).hash(texts[0] ?? '');
  expect(hash).toMatch(/^[A-Za-z0-9+/]{43}=$/);
  expect(keyHasher(second).hash(texts[0] ?? '')).not.toBe(hash);
});

test('each class is described, and a narrower one is never wider than the one before', () => {
  const limits = KEY_CLASS_NAMES.map((name) => KEY_CLASSES[name]);
  expect(limits.every(({ about }) => about.endsWith('.'))).toBe(true);
  const narrowed = (['requestsPerMinuteMax', 'tokensPerMinuteMax', 'requestsInFlightMax', 'spendPerDayMaxPicoUsd'] as const).filter(
    (limit) => {
      const [production, experimental, sandbox] = limits.map((one) => one[limit]);
      return production === null && Number(experimental) > Number(sandbox) && Number(sandbox) > 0;
    },
  );
  expect(narrowed).toHaveLength(4);
});
