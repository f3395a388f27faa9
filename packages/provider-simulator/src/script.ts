/** What one request asks the simulator to do. Read, in rising order of precedence, from the simulator's own default, the model's name (`gpt-4o?chunks=3`), a body member `sim_script`, and a header
 *  `x-sim-script` (JSON). */
import type { ClassName } from './classes.ts';

/** Everything optional: the default is a quick, complete answer with usage. */
export interface Script {
  /** Wait before the first byte of the answer. */
  readonly latency_ms?: number;
  /** Streams: wait before each event but the first. */
  readonly chunk_delay_ms?: number;
  /** Streams: events of content. Plain: tokens of content. */
  readonly chunks?: number;
  /** Bytes of content in each event of a stream. */
  readonly chunk_bytes?: number;
  /** Bytes of content in all; wins over `chunks` for plain answers. */
  readonly answer_bytes?: number;
  /** Answer with this error status (400 and above). */
  readonly status?: number;
  /** Errors: the answer was worked on until it failed; it is billed, and the error states the usage. */
  readonly billed?: boolean;
  readonly error_type?: string;
  readonly error_code?: string;
  readonly error_message?: string;
  /** Sent in place of the provider's error body, as it stands. */
  readonly error_body?: string;
  readonly retry_after_s?: number;
  /** Streams: after this many events an error event ends the stream. */
  readonly error_after_chunks?: number;
  /** Streams: after this many events nothing more is sent, for `stall_ms` or until the client leaves. */
  readonly stall_after_chunks?: number;
  readonly stall_ms?: number;
  /** Streams: after this many events the socket is destroyed. */
  readonly cut_after_chunks?: number;
  /** Plain: after this many bytes of the answer the socket is destroyed. */
  readonly cut_after_bytes?: number;
  /** Leave usage out, though it was asked for. */
  readonly no_usage?: boolean;
  /** Leave out what ends a stream (`[DONE]`, `message_stop`). */
  readonly no_end?: boolean;
  /** Quantities of classes in place of the ones that follow from the request. */
  readonly classes?: Readonly<Partial<Record<ClassName, number>>>;
  /** The usage object as it shall stand in the answer, however wrong; the bill then knows no classes. */
  readonly usage?: unknown;
  readonly encoding?: 'gzip' | 'br' | 'zstd' | '';
  readonly served_model?: string;
  readonly service_tier?: string;
  /** Call a tool when tools are given (default), or never. */
  readonly tools?: boolean;
  /** End lines of a stream in CRLF. */
  readonly crlf?: boolean;
}

const NUMBERS = [
  'latency_ms',
  'chunk_delay_ms',
  'chunks',
  'chunk_bytes',
  'answer_bytes',
  'status',
  'retry_after_s',
  'error_after_chunks',
  'stall_after_chunks',
  'stall_ms',
  'cut_after_chunks',
  'cut_after_bytes',
] as const;
const BOOLEANS = ['billed', 'no_usage', 'no_end', 'tools', 'crlf'] as const;
const TEXTS = ['error_type', 'error_code', 'error_message', 'error_body', 'served_model', 'service_tier', 'encoding'] as const;
const OTHERS = ['classes', 'usage'] as const;
const KNOWN: ReadonlySet<string> = new Set([...NUMBERS, ...BOOLEANS, ...TEXTS, ...OTHERS]);

/** A wrong script is the test's mistake: it must not pass for an answer of the provider. */
export class ScriptError extends Error {}

export function readScript(defaults: Script, model: string, body: unknown, header: string | undefined): Script {
  const query = model.indexOf('?');
  return {
    ...defaults,
    ...(query < 0 ? {} : checked(fromQuery(model.slice(query + 1)))),
    ...(body === undefined ? {} : checked(body)),
    ...(header === undefined ? {} : checked(fromHeader(header))),
  };
}

/** The model's name without its script. */
export function plainModel(model: string): string {
  const query = model.indexOf('?');
  return query < 0 ? model : model.slice(0, query);
}

function fromHeader(header: string): unknown {
  try {
    return JSON.parse(header);
  } catch (error) {
    throw new ScriptError(`x-sim-script is not JSON: ${String(error)}`);
  }
}

function fromQuery(query: string): Record<string, unknown> {
  const script: Record<string, unknown> = {};
  for (const [key, value] of new URLSearchParams(query)) {
    script[key] = (TEXTS as readonly string[]).includes(key) ? value : fromHeader(value);
  }
  return script;
}

function checked(value: unknown): Script {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new ScriptError('a script is a JSON object');
  const script = value as Record<string, unknown>;
  for (const key of Object.keys(script)) {
    if (!KNOWN.has(key)) throw new ScriptError(`a script has no '${key}'`);
  }
  for (const key of NUMBERS) {
    const number = script[key];
    if (number !== undefined && (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 0)) {
      throw new ScriptError(`'${key}' must be a whole number from 0`);
    }
  }
  expectType(script, BOOLEANS, 'boolean');
  expectType(script, TEXTS, 'string');
  return script;
}

function expectType(script: Readonly<Record<string, unknown>>, keys: readonly string[], type: 'boolean' | 'string'): void {
  for (const key of keys) {
    if (script[key] !== undefined && typeof script[key] !== type) throw new ScriptError(`'${key}' must be a ${type}`);
  }
}
