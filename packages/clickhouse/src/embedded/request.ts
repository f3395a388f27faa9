/** A query as it comes over HTTP: the URL's parameters sorted into what they mean. https://clickhouse.com/docs/interfaces/http */
import type { IncomingHttpHeaders } from 'node:http';
import { EngineError } from './engine-error.ts';

export interface QueryRequest {
  /** The URL's `query`, `''` when there is none. What the body holds comes behind it. */
  readonly sql: string;
  readonly queryId: string;
  readonly database: string;
  /** Of the answer, unless the statement names one. */
  readonly format: string;
  /** Values of `{name:Type}` placeholders, as text. */
  readonly params: ReadonlyMap<string, string>;
  readonly settings: ReadonlyMap<string, string>;
  /** A GET may read only. */
  readonly readOnly: boolean;
  readonly session: { readonly id: string; readonly timeoutMs: number; readonly check: boolean } | undefined;
  readonly compressAnswer: boolean;
  /** Of the Native format that the client reads; 0 for the oldest. */
  readonly clientRevision: number;
}

/** Parameters of the interface itself, which are no settings. Credentials are accepted and not looked at: whoever can reach the loopback address may ask. */
const NO_SETTINGS: ReadonlySet<string> = new Set([
  'buffer_size',
  'client_protocol_version',
  'close_session',
  'compress',
  'database',
  'decompress',
  'default_format',
  'param_',
  'password',
  'query',
  'query_id',
  'quota_key',
  'role',
  'session_check',
  'session_id',
  'session_timeout',
  'stacktrace',
  'user',
  'wait_end_of_query',
]);

const SETTING_NAME = /^[A-Za-z_][A-Za-z0-9_.]*$/;
const PARAM_PREFIX = 'param_';
const SESSION_TIMEOUT_S = 60;
const SESSION_TIMEOUT_S_MAX = 3600;

/** Throws `EngineError` for what this server does not do. */
export function readRequest(method: string, params: URLSearchParams, headers: IncomingHttpHeaders, newId: () => string): QueryRequest {
  for (const name of ['compress', 'decompress'] as const) {
    if (isOn(params.get(name)))
      throw EngineError.refusal('NOT_IMPLEMENTED', `${name}=1 is not supported here: use Content-Encoding and Accept-Encoding instead`);
  }
  const settings = new Map<string, string>();
  const bound = new Map<string, string>();
  for (const [name, value] of params) {
    if (name.startsWith(PARAM_PREFIX)) bound.set(name.slice(PARAM_PREFIX.length), value);
    else if (!NO_SETTINGS.has(name)) settings.set(name, value);
  }
  for (const name of [...settings.keys(), ...bound.keys()]) {
    if (!SETTING_NAME.test(name)) throw EngineError.refusal('UNKNOWN_SETTING', `Unknown setting or parameter '${name}'.`);
  }
  return {
    sql: params.get('query') ?? '',
    queryId: params.get('query_id') || headerOf(headers, 'x-clickhouse-query-id') || newId(),
    database: params.get('database') || headerOf(headers, 'x-clickhouse-database') || 'default',
    format: params.get('default_format') || headerOf(headers, 'x-clickhouse-format') || '',
    params: bound,
    settings,
    readOnly: method !== 'POST',
    session: readSession(params),
    compressAnswer: isOn(params.get('enable_http_compression')),
    clientRevision: Number(params.get('client_protocol_version') ?? 0) || 0,
  };
}

function readSession(params: URLSearchParams): QueryRequest['session'] {
  const id = params.get('session_id') ?? '';
  if (id === '') return undefined;
  const timeoutS = Number(params.get('session_timeout') ?? SESSION_TIMEOUT_S);
  if (!(timeoutS > 0 && timeoutS <= SESSION_TIMEOUT_S_MAX))
    throw EngineError.refusal('BAD_ARGUMENTS', `session_timeout must be from 1 to ${SESSION_TIMEOUT_S_MAX} seconds`);
  return { id, timeoutMs: timeoutS * 1000, check: isOn(params.get('session_check')) };
}

function headerOf(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name];
  return typeof value === 'string' ? value : '';
}

function isOn(value: string | null): boolean {
  return value === '1' || value?.toLowerCase() === 'true';
}
