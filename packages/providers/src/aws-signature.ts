/** Signs a request to AWS (Signature Version 4): the client's own signature names the ingress as its host, and a key of ours. */
import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import { awsCredential } from './aws-credential.ts';
import type { SignableRequest } from './surface.ts';

type Data = string | ArrayBuffer | ArrayBufferView;

/** SHA-256 and its HMAC in the shape that the signer asks for: native, where its own are not. */
class Sha256 {
  readonly #key: Data | undefined;
  #hash: Hash | Hmac;

  constructor(key?: Data) {
    this.#key = key;
    this.#hash = begin(key);
  }

  update(data: Data): void {
    this.#hash.update(bytesOf(data));
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest());
  }

  reset(): void {
    this.#hash = begin(this.#key);
  }
}

/** Headers that are part of what is signed: AWS asks for the host and all of its own, and takes the type along (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html).
 *  What others on the way may change is left out. */
const SIGNED = /^(?:content-type|x-amzn?-.+)$/;

/** `bedrock-runtime.eu-central-1.amazonaws.com`, `vpce-….us-east-1.vpce.amazonaws.com` */
const HOST_REGION = /\.([a-z]{2}(?:-[a-z]+)+-\d+)\.(?:vpce\.)?amazonaws\./;

/** Gives `authorization`, `x-amz-date`, `x-amz-content-sha256` and, for a key that expires, `x-amz-security-token` as flat pairs; none when the secret holds a key that is sent as it is.
 *  `service`: as signatures name it. Where the request names no region, its host does. */
export async function signAwsRequest(secret: string, service: string, request: SignableRequest): Promise<readonly string[]> {
  const credential = awsCredential(secret);
  if (credential.kind === 'api_key') return [];
  const { accessKeyId, secretAccessKey, sessionToken } = credential;
  const { method, url, body, nowMs } = request;
  const region = request.region || (HOST_REGION.exec(url.hostname)?.[1] ?? '');
  const signer = new SignatureV4({
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken === '' ? {} : { sessionToken }) },
    region,
    service,
    sha256: Sha256,
  });
  const own = signedHeaders(request);
  const { protocol, hostname, pathname: path } = url;
  const signed = await signer.sign(
    { method, protocol, hostname, path, query: queryOf(url), headers: own, body },
    { signingDate: new Date(nowMs) },
  );
  return Object.entries(signed.headers).flatMap(([name, value]) => (Object.hasOwn(own, name) ? [] : [name, value]));
}

function signedHeaders({ url, headers }: SignableRequest): Record<string, string> {
  const signed: Record<string, string> = { host: url.host };
  for (let index = 0; index < headers.length; index += 2) {
    const name = (headers[index] as string).toLowerCase();
    if (SIGNED.test(name)) signed[name] = name in signed ? `${signed[name]},${headers[index + 1]}` : (headers[index + 1] as string);
  }
  return signed;
}

function queryOf(url: URL): Record<string, string[]> {
  const query: Record<string, string[]> = {};
  for (const [name, value] of url.searchParams) (query[name] ??= []).push(value);
  return query;
}

function begin(key: Data | undefined): Hash | Hmac {
  return key === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(key));
}

function bytesOf(data: Data): string | Uint8Array {
  if (typeof data === 'string') return data;
  return ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);
}
