import { generateKeyPairSync, verify } from 'node:crypto';
import { expect, test } from 'vitest';
import { ServiceAccountTokens } from './service-account.ts';
import type { SignableRequest } from './surface.ts';
import { SURFACES } from './surfaces.ts';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const EMAIL = 'ledger@project.iam.gserviceaccount.com';
const SECRET = JSON.stringify({
  type: 'service_account',
  client_email: EMAIL,
  private_key_id: 'key-1',
  private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
});
const NOW_MS = 1_750_000_000_500;

function parts(token: string): readonly [unknown, unknown, boolean] {
  const [header = '', claims = '', signature = ''] = token.split('.');
  const json = (part: string): unknown => JSON.parse(Buffer.from(part, 'base64url').toString());
  const signed = verify('RSA-SHA256', Buffer.from(`${header}.${claims}`), publicKey, Buffer.from(signature, 'base64url'));
  return [json(header), json(claims), signed];
}

test('a token names the account, holds for an hour, and is signed with its key', () => {
  expect(parts(new ServiceAccountTokens().tokenOf(SECRET, NOW_MS))).toEqual([
    { alg: 'RS256', typ: 'JWT', kid: 'key-1' },
    { iss: EMAIL, sub: EMAIL, scope: 'https://www.googleapis.com/auth/cloud-platform', iat: 1_750_000_000, exp: 1_750_003_600 },
    true,
  ]);
});

test('a token is used again until ten minutes before its end, and never before it was issued', () => {
  const tokens = new ServiceAccountTokens();
  const first = tokens.tokenOf(SECRET, NOW_MS);
  expect(tokens.tokenOf(SECRET, NOW_MS + 2_999_000)).toBe(first);
  expect(tokens.tokenOf(SECRET, NOW_MS + 3_000_000)).not.toBe(first);
  expect(tokens.tokenOf(SECRET, NOW_MS)).toBe(first); // the same second gives the same bytes
});

test.each(['{}', '{', JSON.stringify({ client_email: EMAIL, private_key: 'a private word' })])(
  'a credential that is none says so, without a word of it',
  (secret) => {
    const token = (): string => new ServiceAccountTokens().tokenOf(secret, NOW_MS);
    expect(token).toThrow(/service account/);
    expect(token).not.toThrow(/private word|gserviceaccount/);
  },
);

test('each surface of Vertex AI sends such a token, and any other credential as it stands', async () => {
  const request: SignableRequest = {
    method: 'POST',
    url: new URL('https://us-east5-aiplatform.googleapis.com/'),
    headers: [],
    body: Buffer.alloc(0),
    region: 'us-east5',
    nowMs: NOW_MS,
  };
  for (const name of ['vertex.generate', 'vertex.embed', 'vertex.messages'] as const) {
    const surface = SURFACES[name];
    expect(surface.credentialHeaders(SECRET, 'vertex')).toEqual({});
    const [header, value = ''] = (await surface.sign?.(SECRET, request)) ?? [];
    expect(header).toBe('authorization');
    expect(parts(value.replace('Bearer ', ''))).toMatchObject([{}, { iss: EMAIL }, true]);
    expect(await surface.sign?.('ya29.token', request)).toEqual([]);
    await expect(surface.sign?.('{', request)).rejects.toThrow(/service account/);
  }
});
