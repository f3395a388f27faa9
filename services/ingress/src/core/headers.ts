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

/** `content-length` and `host` are written anew; organisation and project would choose an account of the operator's credential. */
const REQUEST_DROPPED = new Set([
  ...HOP_BY_HOP,
  'host',
  'content-length',
  'expect',
  'authorization',
  'x-api-key',
  'api-key',
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

export interface SplitHeaders {
  /** Flat name and value pairs to send upstream, without credential. */
  readonly upstream: string[];
  /** Flat lower-case name and value pairs of our own headers. */
  readonly attribution: string[];
}

/** `raw`: flat pairs as Node gives them. `connection`: the Connection header, whose tokens name further hop-by-hop headers. */
export function splitRequestHeaders(raw: readonly string[], connection: string | undefined): SplitHeaders {
  const named = namedByConnection(connection);
  const upstream: string[] = [];
  const attribution: string[] = [];
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] as string;
    const lower = name.toLowerCase();
    if (REQUEST_DROPPED.has(lower)) continue;
    const value = raw[index + 1] as string;
    if (lower.startsWith(ATTRIBUTION_PREFIX)) attribution.push(lower, value);
    else if (named === undefined || !named.has(lower)) upstream.push(name, value);
  }
  return { upstream, attribution };
}

/** The answer's headers for the client, as flat name and value pairs. `headers`: lower-case names. `without`: names that our change of the body made untrue. */
export function answerHeaders(headers: Readonly<Record<string, string | string[] | undefined>>, without: ReadonlySet<string>): string[] {
  const { connection } = headers;
  const named = typeof connection === 'string' ? namedByConnection(connection) : undefined;
  const passed: string[] = [];
  for (const name in headers) {
    if (ANSWER_DROPPED.has(name) || without.has(name) || name.startsWith(ATTRIBUTION_PREFIX) || named?.has(name) === true) continue;
    const value = headers[name];
    if (typeof value === 'string') passed.push(name, value);
    else for (const each of value ?? []) passed.push(name, each);
  }
  return passed;
}

function namedByConnection(connection: string | undefined): ReadonlySet<string> | undefined {
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return undefined;
  return new Set(connection.split(',').map((token) => token.trim().toLowerCase()));
}
