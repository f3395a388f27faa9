/** A schema registry over its HTTP interface: as much of it as the pipeline needs. (Confluent Schema Registry, "API reference".) */
import { AppError } from '@tokenledger/domain';

export interface SchemaRegistryOptions {
  /** Such as `https://registry.example:8081`, with or without a path. */
  readonly url: string;
  /** For basic authentication; none when the name is empty. */
  readonly username?: string;
  readonly password?: string;
  /** `register`: schemas that are missing are added. `look_up`: whoever runs the registry has added them. */
  readonly subjects?: 'register' | 'look_up';
  /** How long one request may take, in milliseconds. */
  readonly timeoutMs?: number;
}

export interface SchemaRegistry {
  /** Resolves with the id of a schema under a subject. Throws `SCHEMA_REGISTRY_UNAVAILABLE` (retryable), `SCHEMA_REGISTRY_REFUSED`. */
  idOf(subject: string, schema: unknown): Promise<number>;
  /** The schema with an id, as parsed JSON; undefined when the registry has none, or none in Avro. Throws as `idOf` does. */
  schemaOf(id: number): Promise<unknown>;
}

const TIMEOUT_MS = 5_000;
/** More than any schema of ours has, with room for other producers'. */
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;
const CONTENT_TYPE = 'application/vnd.schemaregistry.v1+json';
const NOT_FOUND = 404;

export function schemaRegistry(options: SchemaRegistryOptions): SchemaRegistry {
  const base = options.url.endsWith('/') ? options.url : `${options.url}/`;
  const headers = { accept: CONTENT_TYPE, 'content-type': CONTENT_TYPE, ...authorization(options) };

  async function ask(method: 'GET' | 'POST', path: string, body?: unknown): Promise<Answer> {
    const request = { method, headers, signal: AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS), redirect: 'error' as const };
    const url = new URL(path, base);
    try {
      const response = await fetch(url, body === undefined ? request : { ...request, body: JSON.stringify(body) });
      return { status: response.status, text: await boundedText(response) };
    } catch (cause) {
      throw unavailable(`${method} ${url.pathname}: ${reasonOf(cause)}`, cause);
    }
  }

  return {
    idOf: async (subject, schema) => {
      const path = `subjects/${encodeURIComponent(subject)}${options.subjects === 'look_up' ? '' : '/versions'}`;
      const { id } = fields(await ask('POST', path, { schema: JSON.stringify(schema), schemaType: 'AVRO' }));
      if (!isSchemaId(id)) throw refused(`it names no id for ${subject}`);
      return id;
    },
    schemaOf: async (id) => {
      const answer = await ask('GET', `schemas/ids/${id}`);
      if (answer.status === NOT_FOUND) return undefined;
      const { schema, schemaType } = fields(answer);
      // Avro is what goes without saying.
      if (typeof schema !== 'string' || (schemaType !== undefined && schemaType !== 'AVRO')) return undefined;
      return parsed(schema);
    },
  };
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

function authorization({ username = '', password = '' }: SchemaRegistryOptions): Readonly<Record<string, string>> {
  return username === '' ? {} : { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
}

function isSchemaId(id: unknown): id is number {
  return Number.isInteger(id) && (id as number) >= 0 && (id as number) < 2 ** 31;
}

/** The fields of an answer that is none of an error. */
function fields({ status, text }: Answer): Readonly<Record<string, unknown>> {
  // 429 and 5xx pass; what else is no success needs somebody to mend it.
  if (status >= 500 || status === 429) throw unavailable(`it answered ${status}: ${text.slice(0, 200)}`);
  if (status < 200 || status >= 300) throw refused(`it answered ${status}: ${text.slice(0, 500)}`);
  const body = parsed(text);
  if (typeof body !== 'object' || body === null) throw refused(`it answered ${status} without an object`);
  return body as Readonly<Record<string, unknown>>;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw refused(`its answer is no JSON: ${text.slice(0, 200)}`, cause);
  }
}

async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) throw new RangeError(`the answer exceeds ${ANSWER_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** `fetch` hides the reason one level down. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

function unavailable(reason: string, cause?: unknown): AppError {
  return new AppError('SCHEMA_REGISTRY_UNAVAILABLE', `The schema registry does not serve: ${reason}.`, { retryable: true, cause });
}

function refused(reason: string, cause?: unknown): AppError {
  return new AppError('SCHEMA_REGISTRY_REFUSED', `The schema registry refuses what it was asked for: ${reason}.`, { cause });
}
