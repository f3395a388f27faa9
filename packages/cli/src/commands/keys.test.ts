import { expect, test } from 'vitest';
import { SAMPLE_KEY } from '../registry/view-sample.ts';
import { keyLines } from './keys.ts';

const NOW = Date.parse('2026-11-21T12:00:00Z');
const secret = (expires: string | null) => ({ generation: 1, created_at: '2026-11-01T00:00:00.000Z', expires_at: expires });
const answer = { change_id: '019aa6c0-1111-7abc-8def-000000000001', key: SAMPLE_KEY, secret: 'tlk_the-secret' };

test('a secret is printed on a line of its own, with the word that it is shown once', () => {
  expect(keyLines(answer, 'created', NOW)).toEqual([
    'The key bot of tenant acme is created (version 3). Its secret:',
    '',
    '    tlk_the-secret',
    '',
    'It is shown this once and kept nowhere: store it now. If it is lost, rotate the key.',
  ]);
});

test('a rotation with overlap says until when the old secret works, and counts no expired one', () => {
  const secrets = [secret(null), secret('2026-11-22T12:00:00.000Z'), secret('2026-11-20T00:00:00.000Z')];
  const lines = keyLines({ ...answer, key: { ...SAMPLE_KEY, key: { revoked: false, secrets } } }, 'rotated', NOW);
  expect(lines.at(-1)).toBe('Until 2026-11-22T12:00:00.000Z the secret from before works as well.');
});
