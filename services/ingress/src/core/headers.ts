/** Which headers pass: nothing hop-by-hop, no credential, nothing of ours goes upstream; no cookie and no account name comes back. */
import { ATTRIBUTION_PREFIX } from './attribution.ts';

const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

/** `content-length` and `host` are written anew; organisation and project would choose an account of the operator's credential; a client's signature is of a request that does not leave. */
const REQUEST_DROPPED = new Set([
  ...HOP_BY_HOP,
  'host',
  'content-length',
  'expect',
  'authorization',
  'x-api-key',
  'api-key',
  'x-goog-api-key',
  'x-goog-user-project',
  'x-amz-content-sha256',
  'x-amz-date',
  'x-amz-security-token',
  'cookie',
  'openai-organization',
  'openai-project',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
  'x-request-id',
]);

const ANSWER_DROPPED = new Set([...HOP_BY_HOP, 'set-cookie', 'openai-organization', 'openai-project', 'anthropic-organization-id']);

/** Headers that the ingress itself acts on; the first of each name counts. */
const READ = [
  'authorization',
  'x-api-key',
  'api-key',
  'x-goog-api-key',
  'traceparent',
  'content-encoding',
  'content-length',
  'content-type',
  'transfer-encoding',
  'connection',
  'anthropic-version',
] as const;
type ReadName = (typeof READ)[number];
const READ_NAMES: ReadonlySet<string> = new Set(READ);

export interface RequestHeaders {
  /** Flat name and value pairs to send upstream, without credential. */
  readonly upstream: string[];
  /** Flat lower-case name and value pairs of our own headers. */
  readonly attribution: readonly string[];
  readonly read: Readonly<Partial<Record<ReadName, string>>>;
}

/** `raw`: flat pairs as Node gives them, in one pass. */
export function readRequestHeaders(raw: readonly string[]): RequestHeaders {
  const upstream: string[] = [];
  const attribution: string[] = [];
  const read: Partial<Record<ReadName, string>> = {};
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] as string;
    const value = raw[index + 1] as string;
    const lower = name.toLowerCase();
    if (READ_NAMES.has(lower)) read[lower as ReadName] ??= value;
    if (lower.startsWith(ATTRIBUTION_PREFIX)) attribution.push(lower, value);
    else if (!REQUEST_DROPPED.has(lower)) upstream.push(name, value);
  }
  return { upstream: withoutNamed(upstream, namedByConnection(read.connection)), attribution, read };
}

/** Of a body that is announced: a request that says nothing of one has none. Undefined: any. */
export function bodyLength(read: RequestHeaders['read']): string | undefined {
  return read['transfer-encoding'] === undefined ? (read['content-length'] ?? '0') : undefined;
}

/** The answer's headers for the client, as flat name and value pairs. `headers`: lower-case names. `without`: names that our change of the body made untrue. */
export function answerHeaders(headers: Readonly<Record<string, string | string[] | undefined>>, without: ReadonlySet<string>): string[] {
  const passed: string[] = [];
  for (const name in headers) {
    if (ANSWER_DROPPED.has(name) || without.has(name) || name.startsWith(ATTRIBUTION_PREFIX)) continue;
    const value = headers[name];
    if (typeof value === 'string') passed.push(name, value);
    else for (const each of value ?? []) passed.push(name, each);
  }
  const { connection } = headers;
  return withoutNamed(passed, typeof connection === 'string' ? namedByConnection(connection) : undefined);
}

/** The Connection header may name further headers that end here; it seldom does. */
function namedByConnection(connection: string | undefined): ReadonlySet<string> | undefined {
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return undefined;
  return new Set(connection.split(',').map((token) => token.trim().toLowerCase()));
}

function withoutNamed(pairs: string[], named: ReadonlySet<string> | undefined): string[] {
  if (named === undefined) return pairs;
  return pairs.filter((_, index) => !named.has((pairs[index - (index % 2)] as string).toLowerCase()));
}

/** The first value of a header of an answer; `''` when there is none. */
export function singleHeader(value: string | string[] | undefined): string {
  return typeof value === 'string' ? value : (value?.[0] ?? '');
}

/** The provider's own id of a request; `''` when it names none. */
export function requestIdIn(headers: Readonly<Record<string, string | string[] | undefined>>): string {
  return singleHeader(headers['x-request-id']) || singleHeader(headers['request-id']) || singleHeader(headers['x-amzn-requestid']);
}

/** A stream is asked for unencoded: its frames are small, and its end must be recognised before it is passed on. `headers`: flat pairs, changed. */
export function plainAnswer(headers: string[]): void {
  for (let index = headers.length - 2; index >= 0; index -= 2) {
    if ((headers[index] as string).toLowerCase() === 'accept-encoding') headers.splice(index, 2);
  }
  headers.push('accept-encoding', 'identity');
}
