/** Whether an answer may come from the response cache, and the name under which it stands there: a digest of everything that may change it. */
import { createHash } from 'node:crypto';
import type { Target } from './target.ts';

/** Surfaces whose answer depends on the request alone. Not among them: what the provider keeps and later requests name (responses, batches), and answers that are files or
 *  lead to some (images, speech, transcriptions). */
const CACHED_SURFACES: ReadonlySet<string> = new Set([
  'openai.chat',
  'openai.completions',
  'openai.embeddings',
  'anthropic.messages',
  'google.generate',
  'google.embed',
  'vertex.generate',
  'vertex.embed',
  'vertex.messages',
  'vertex.predict',
  'bedrock.converse',
  'bedrock.invoke',
  'cohere.chat',
  'cohere.generate',
  'cohere.embed',
  'cohere.rerank',
  'ollama.chat',
  'ollama.generate',
  'ollama.embed',
]);

/** Members by which a request changes something at the provider or depends on what stands there: `store` of chat completions
 *  (https://platform.openai.com/docs/api-reference/chat/create), `container` of code execution (https://docs.anthropic.com/en/docs/agents-and-tools/tool-use/code-execution-tool).
 *  Wherever they stand in the body: it is not parsed once more, and a request too many that is not cached costs what it always did. */
const STATEFUL = ['"store"', '"container"'] as const;

/** Headers that tell one request from another without changing its answer. */
const TELLING_NOTHING: ReadonlySet<string> = new Set([
  'amz-sdk-invocation-id',
  'amz-sdk-request',
  'b3',
  'baggage',
  'cache-control',
  'date',
  'idempotency-key',
  'origin',
  'pragma',
  'referer',
  'sentry-trace',
  'traceparent',
  'tracestate',
  'user-agent',
  'x-amzn-trace-id',
  'x-client-request-id',
  'x-cloud-trace-context',
  'x-correlation-id',
  'x-ms-client-request-id',
]);
/** Of SDKs about themselves and their retries; of tracing. */
const TELLING_NOTHING_PREFIXES = ['x-stainless-', 'x-b3-', 'x-datadog-'] as const;

export interface CacheQuestion {
  readonly tenantId: string;
  /** The route or channel that would serve it. */
  readonly servedBy: string;
  readonly target: Target;
  readonly query: string;
  /** Flat pairs as they would leave, without credential. */
  readonly headers: readonly string[];
  readonly body: Buffer;
}

export interface CacheName {
  readonly key: string;
  /** The client wants a new answer (`no-cache`), which others may have. */
  readonly isFresh: boolean;
}

/** Null when the answer may neither come from the cache nor go into it. */
export function cacheName({ tenantId, servedBy, target, query, headers, body }: CacheQuestion): CacheName | null {
  if (target.endpoint === undefined || !CACHED_SURFACES.has(target.surface.name)) return null;
  const directives = cacheDirectives(headers);
  if (directives.has('no-store') || STATEFUL.some((member) => body.includes(member))) return null;
  const hash = createHash('sha256');
  const telling = tellingHeaders(headers);
  // Each part with its end, and how many there are, so that no two requests run together.
  const parts = [tenantId, servedBy, target.surface.name, target.method, target.path, query, String(telling.length), ...telling];
  for (const part of parts) hash.update(part).update('\0');
  return { key: hash.update(body).digest('base64'), isFresh: directives.has('no-cache') };
}

/** `name:value`, names in lower case, in an order that does not depend on the client. */
function tellingHeaders(headers: readonly string[]): readonly string[] {
  const telling: string[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    const name = (headers[index] as string).toLowerCase();
    if (TELLING_NOTHING.has(name) || TELLING_NOTHING_PREFIXES.some((prefix) => name.startsWith(prefix))) continue;
    telling.push(`${name}:${headers[index + 1]}`);
  }
  return telling.toSorted();
}

/** Of `cache-control`, in lower case, without arguments. `headers`: flat pairs. */
export function cacheDirectives(headers: readonly string[]): ReadonlySet<string> {
  const directives = new Set<string>();
  for (let index = 0; index < headers.length; index += 2) {
    if ((headers[index] as string).toLowerCase() !== 'cache-control') continue;
    for (const directive of (headers[index + 1] as string).toLowerCase().split(',')) {
      directives.add(directive.replace(/=.*$/s, '').trim());
    }
  }
  return directives;
}
