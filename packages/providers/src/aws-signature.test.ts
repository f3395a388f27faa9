import { expect, test } from 'vitest';
import { signAwsRequest } from './aws-signature.ts';
import type { SignableRequest } from './surface.ts';

const SECRET = 'AKIDEXAMPLEAKIDEXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
const REQUEST: SignableRequest = {
  method: 'POST',
  url: new URL(
    'https://bedrock-runtime.us-east-1.amazonaws.com/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.x-v1%3A0/converse?b=2&a=%20x&a=1',
  ),
  headers: ['Content-Type', 'application/json', 'accept', '*/*', 'X-Amzn-Bedrock-Trace', 'ENABLED', 'user-agent', 'x'],
  body: Buffer.from('{"messages":[]}'),
  region: 'us-east-1',
  nowMs: Date.UTC(2015, 7, 30, 12, 36, 0),
};

async function signed(secret: string, request: SignableRequest): Promise<Readonly<Record<string, string>>> {
  const pairs = await signAwsRequest(secret, 'bedrock', request);
  return Object.fromEntries(
    Array.from({ length: pairs.length / 2 }, (_, index) => [pairs[2 * index], pairs[2 * index + 1]] as [string, string]),
  );
}

/** The signature was computed by the steps of AWS's page with Python's `hashlib`, `hmac` and `urllib`. */
test('host, type, Amazon’s own headers, path, query and body are signed', async () => {
  expect(await signed(SECRET, REQUEST)).toEqual({
    'x-amz-date': '20150830T123600Z',
    'x-amz-content-sha256': '5e4ce7b36ba37b78a5d5f9fd08e6b7b54ba6879d651aa46ec9e1d6fa24ebe30a',
    authorization:
      'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLEAKIDEXAMPLE/20150830/us-east-1/bedrock/aws4_request, SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-amzn-bedrock-trace, Signature=4c903a6536552add1d49ab36fca36d4bf50a7a45559c3940ed5e88c9e447c36b',
  });
});

test('a session’s token is sent and signed', async () => {
  const secret = '{"access_key_id":"AKIDEXAMPLEAKIDEXAMPLE","secret_access_key":"s","session_token":"t0k"}';
  const headers = await signed(secret, REQUEST);
  expect(headers['x-amz-security-token']).toBe('t0k');
  expect(headers['authorization']).toContain(';x-amz-security-token;');
});

test.each([
  'https://bedrock-runtime.eu-central-1.amazonaws.com/model/m/invoke',
  'https://vpce-1-a.bedrock-runtime.eu-central-1.vpce.amazonaws.com/model/m/invoke',
])('the host tells the region where nothing else does: %s', async (url) => {
  expect((await signed(SECRET, { ...REQUEST, region: '', url: new URL(url) }))['authorization']).toContain('/eu-central-1/bedrock/');
});

test('the port of an endpoint is part of what is signed', async () => {
  const [plain, other] = await Promise.all(
    ['http://127.0.0.1/m', 'http://127.0.0.1:8080/m'].map((url) => signed(SECRET, { ...REQUEST, url: new URL(url) })),
  );
  expect(plain?.['authorization']).not.toBe(other?.['authorization']);
});

test('a key that is sent as it is signs nothing', async () => {
  expect(await signed('ABSKQmVkcm9ja0FQSUtleS1leGFtcGxl', REQUEST)).toEqual({});
});
