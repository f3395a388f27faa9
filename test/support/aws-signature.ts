/** Checks a request's signature as AWS does, by the steps of its page and without its packages
 *  (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html). */
import { createHash, createHmac } from 'node:crypto';
import type { SeenRequest } from './scripted-upstream.ts';

export interface AwsKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8}\/([^/]+)\/([^/]+)\/aws4_request), SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/;

/** Gives what is wrong with it; `''` when it is right. */
export function signatureFault(request: SeenRequest, key: AwsKey, region: string, service: string): string {
  const parts = AUTHORIZATION.exec(request.headers.authorization ?? '');
  if (parts === null) return `no signature: ${request.headers.authorization}`;
  const [, id, scope, signedRegion, signedService, signedHeaders, signature] = parts as unknown as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  if (id !== key.accessKeyId) return `signed with the key ${id}`;
  if (signedRegion !== region || signedService !== service) return `signed for ${scope}`;
  if (request.headers['x-amz-security-token'] !== key.sessionToken) return 'the session has another token';
  if (request.headers['x-amz-content-sha256'] !== sha256(request.body)) return 'the body has another digest';
  const names = signedHeaders.split(';');
  const unsigned = Object.keys(request.headers).filter((name) => name.startsWith('x-amz') && !names.includes(name));
  if (!names.includes('host') || unsigned.length > 0) return `not signed: ${unsigned.join(', ') || 'host'}`;
  const text = ['AWS4-HMAC-SHA256', request.headers['x-amz-date'], scope, sha256(canonicalRequest(request, names))].join('\n');
  const signingKey = scope.split('/').reduce<string | Buffer>((previous, part) => hmac(previous, part), `AWS4${key.secretAccessKey}`);
  const expected = hmac(signingKey, text).toString('hex');
  return expected === signature ? '' : 'the signature is of another request';
}

function canonicalRequest(request: SeenRequest, names: readonly string[]): string {
  const [path = '', query = ''] = request.url.split('?');
  // What is sent is encoded already, and is encoded once more: so for every service but S3.
  const canonicalPath = path.split('/').map(encoded).join('/');
  const parameters = query.split('&').filter((each) => each !== '');
  const headers = names.map((name) => `${name}:${String(request.headers[name]).trim()}\n`).join('');
  return [request.method, canonicalPath, parameters.toSorted().join('&'), headers, names.join(';'), sha256(request.body)].join('\n');
}

function encoded(segment: string): string {
  return encodeURIComponent(segment).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
