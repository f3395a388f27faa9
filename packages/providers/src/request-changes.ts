/** Changes of a JSON request that an operator asked for, each by as few bytes as can be: what is not changed stays byte for byte. */
import { isJsonObject, parseJson } from './json-object.ts';
import { type JsonMember, lastMember, objectMembers, skipSpace } from './json-members.ts';

/** `body` with another `model`. Undefined where it is no JSON object that names one. */
export function withModel(body: Buffer, model: string): Buffer | undefined {
  const member = memberOf(body, topOf(body), 'model');
  return member === undefined ? undefined : spliced(body, member.valueStart, member.valueEnd, JSON.stringify(model));
}

/** Where a surface has the bound of its output: members, the first that is there counts, each with the object that holds it where that is not the top. */
interface OutputBound {
  readonly within?: string;
  readonly names: readonly string[];
  /** What is added where there is none; absent: nothing, since the provider has a bound of its own then, or asks for one. */
  readonly added?: string;
}

/** https://platform.openai.com/docs/api-reference, https://docs.anthropic.com/en/api/messages, https://ai.google.dev/api/generate-content,
 *  https://docs.aws.amazon.com/bedrock/latest/APIReference, https://docs.cohere.com/reference/chat, https://github.com/ollama/ollama/blob/main/docs/api.md */
const OUTPUT_BOUNDS: ReadonlyMap<string, OutputBound> = new Map<string, OutputBound>([
  ['openai.chat', { names: ['max_completion_tokens', 'max_tokens'], added: 'max_tokens' }],
  ['openai.responses', { names: ['max_output_tokens'], added: 'max_output_tokens' }],
  ['openai.completions', { names: ['max_tokens'] }],
  ['anthropic.messages', { names: ['max_tokens'] }],
  ['vertex.messages', { names: ['max_tokens'] }],
  ['google.generate', { within: 'generationConfig', names: ['maxOutputTokens', 'max_output_tokens'], added: 'maxOutputTokens' }],
  ['vertex.generate', { within: 'generationConfig', names: ['maxOutputTokens', 'max_output_tokens'], added: 'maxOutputTokens' }],
  ['bedrock.converse', { within: 'inferenceConfig', names: ['maxTokens'], added: 'maxTokens' }],
  ['cohere.chat', { names: ['max_tokens'], added: 'max_tokens' }],
  ['ollama.chat', { within: 'options', names: ['num_predict'], added: 'num_predict' }],
  ['ollama.generate', { within: 'options', names: ['num_predict'], added: 'num_predict' }],
]);

/** Newer models of OpenAI's refuse the older name. */
const NEW_NAME_PROVIDERS: ReadonlySet<string> = new Set(['openai', 'azure']);

/** `body` asking for `tokens` of output at most; itself where it asks for no more, and where the surface has no such bound. */
export function withOutputBound(body: Buffer, surface: string, provider: string, tokens: number): Buffer {
  const bound = OUTPUT_BOUNDS.get(surface);
  const top = topOf(body);
  if (bound === undefined || objectMembers(body, top, body.length) === undefined) return body;
  const holder = bound.within === undefined ? undefined : memberOf(body, top, bound.within);
  const isHeld = holder !== undefined && isJsonObject(valueOf(body, holder));
  if (bound.within === undefined || isHeld) {
    const start = holder?.valueStart ?? top;
    for (const name of bound.names) {
      const member = memberOf(body, start, name);
      if (member !== undefined) return lowered(body, member, tokens);
    }
    return bound.added === undefined ? body : withMember(body, start, addedName(bound.added, surface, provider), String(tokens));
  }
  // Something else stands there, which the provider shall judge.
  if (holder !== undefined || bound.added === undefined) return body;
  return withMember(body, top, bound.within, JSON.stringify({ [bound.added]: tokens }));
}

function addedName(name: string, surface: string, provider: string): string {
  return surface === 'openai.chat' && NEW_NAME_PROVIDERS.has(provider) ? 'max_completion_tokens' : name;
}

/** A number below 0 is no bound to Ollama, nor is null to anybody; what is no number the provider shall refuse. */
function lowered(body: Buffer, member: JsonMember, tokens: number): Buffer {
  const value = valueOf(body, member);
  const isOver = value === null || (typeof value === 'number' && (value > tokens || value < 0));
  return isOver ? spliced(body, member.valueStart, member.valueEnd, String(tokens)) : body;
}

const CACHE_CONTROL = '{"type":"ephemeral"}';

/** `body` with its unchanging beginning marked for the provider's cache; itself where it marks something already, and where the provider caches unasked (OpenAI, Gemini)
 *  or not at all. Anthropic marks the longest prefix by itself when asked at the top of a request; on Vertex AI and Bedrock the system prompt is marked, and what comes
 *  before it with it: the tools. (https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching,
 *  https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html) */
export function withCachedPrompt(body: Buffer, surface: string, provider: string): Buffer {
  const top = topOf(body);
  if (body.includes('"cache_control"') || body.includes('"cachePoint"') || objectMembers(body, top, body.length) === undefined) return body;
  if (surface === 'anthropic.messages' && provider === 'anthropic') return withMember(body, top, 'cache_control', CACHE_CONTROL);
  const system = memberOf(body, top, 'system');
  if (system === undefined) return body;
  if (surface === 'vertex.messages') return withMarkedSystem(body, system);
  return surface === 'bedrock.converse' ? withCachePoint(body, system) : body;
}

/** A text, or a list of blocks of which the last is marked. */
function withMarkedSystem(body: Buffer, { valueStart, valueEnd }: JsonMember): Buffer {
  const system = parseJson(body.toString('utf8', valueStart, valueEnd));
  if (typeof system === 'string' && system !== '') {
    const block = `[{"type":"text","text":${body.toString('utf8', valueStart, valueEnd)},"cache_control":${CACHE_CONTROL}}]`;
    return spliced(body, valueStart, valueEnd, block);
  }
  if (!Array.isArray(system) || !isJsonObject(system.at(-1)) || Object.keys(system.at(-1) as object).length === 0) return body;
  const last = lastEnd(body, valueEnd - 1);
  return spliced(body, last - 1, last - 1, `,"cache_control":${CACHE_CONTROL}`);
}

/** A list of blocks, after which the point stands. */
function withCachePoint(body: Buffer, { valueStart, valueEnd }: JsonMember): Buffer {
  const system = parseJson(body.toString('utf8', valueStart, valueEnd));
  if (!Array.isArray(system) || system.length === 0) return body;
  return spliced(body, valueEnd - 1, valueEnd - 1, ',{"cachePoint":{"type":"default"}}');
}

/** Where the value before the bracket at `at` ends. */
function lastEnd(body: Buffer, at: number): number {
  let end = at;
  while (end > 0 && WHITE_SPACE.has(body[end - 1] as number)) end--;
  return end;
}

const WHITE_SPACE: ReadonlySet<number> = new Set([0x20, 0x0a, 0x0d, 0x09]);

function topOf(body: Buffer): number {
  return skipSpace(body, 0, body.length);
}

function memberOf(body: Buffer, start: number, name: string): JsonMember | undefined {
  const members = objectMembers(body, start, body.length);
  return members === undefined ? undefined : lastMember(body, members, name);
}

function valueOf(body: Buffer, { valueStart, valueEnd }: JsonMember): unknown {
  return parseJson(body.toString('utf8', valueStart, valueEnd));
}

/** One more member, at the beginning of the object that is at `start`. */
function withMember(body: Buffer, start: number, name: string, json: string): Buffer {
  const isEmpty = objectMembers(body, start, body.length)?.length === 0;
  return spliced(body, start + 1, start + 1, `${JSON.stringify(name)}:${json}${isEmpty ? '' : ','}`);
}

function spliced(body: Buffer, from: number, to: number, text: string): Buffer {
  return Buffer.concat([body.subarray(0, from), Buffer.from(text), body.subarray(to)]);
}
