/** Reads an answer of OpenAI's chat completions, and of the completions before them, whose choices hold a `text` each: usage, finish reason, model, tier. */
import { isJsonObject, lengthAt, textAt, type JsonObject } from '../json-object.ts';
import type { AnswerFold } from '../answer-fold.ts';
import { MarkerSearch } from '../marker-search.ts';
import { CONTRADICTORY, REPEATED, type Normalised } from '../normalised.ts';
import { openaiErrorClass } from '../openai-api.ts';
import { parseExactly } from '../raw-usage.ts';
import { normaliseChatUsage } from './normalise.ts';
import { type ProviderRule, providerRule } from './provider-rules.ts';

/** `reason"` ends `"finish_reason"`. */
const MARKERS = new MarkerSearch([
  { kind: 'member', text: '"usage"' },
  { kind: 'member', text: 'reason"' },
  { kind: 'member', text: '"error"' },
  { kind: 'text', text: ' [DONE]' },
  { kind: 'text', text: ':[DONE]' },
]);

const TOTALS = ['prompt_tokens', 'completion_tokens'] as const;

export class ChatAnswer implements AnswerFold {
  readonly markers = MARKERS;
  readonly endMarker = '[DONE]';
  readonly endInSight = /(?:^|\n)data: ?\[DONE\]/;
  readonly ended = false;
  sawContent = false;
  model = '';
  serviceTier = '';
  upstreamId = '';
  finishReason = '';
  errorClass = '';
  rawUsage: unknown = null;
  #normalised: Normalised | undefined;
  readonly #flags = new Set<string>();
  readonly #rule: ProviderRule;

  /** `provider`: the channel's; `''`: by OpenAI's rule. */
  constructor(provider = '') {
    this.#rule = providerRule(provider);
  }

  get endsUnmarked(): boolean {
    return this.#rule.marksEnd !== true && this.finishReason !== '';
  }

  get settled(): boolean {
    return this.sawContent && this.model !== '';
  }

  get flags(): readonly string[] {
    return [...this.#flags];
  }

  normalised(): Normalised | undefined {
    return this.#normalised;
  }

  /** Usage comes once, at the end. */
  readonly statedInput = null;

  contentBytes(chunk: JsonObject): number {
    if (!Array.isArray(chunk['choices'])) return 0;
    let bytes = 0;
    for (const choice of chunk['choices']) {
      if (!isJsonObject(choice)) continue;
      bytes += isJsonObject(choice['delta']) ? deltaBytes(choice['delta']) : lengthAt(choice, 'text');
    }
    return bytes;
  }

  body(answer: JsonObject, text: string): void {
    this.event(answer, text);
  }

  /** A chunk has the shape of a whole answer, with `delta` in place of `message`. The last value of each member wins: usage is cumulative where it is repeated. */
  event(chunk: JsonObject, text: string): void {
    if (this.upstreamId === '') this.upstreamId = textAt(chunk, 'id');
    this.model = textAt(chunk, 'model') || this.model;
    this.serviceTier = textAt(chunk, 'service_tier') || this.serviceTier;
    if (Array.isArray(chunk['choices'])) this.#choices(chunk['choices']);
    if (chunk['error'] !== undefined && chunk['error'] !== null) this.errorClass = openaiErrorClass(chunk['error']);
    const usage = usageOf(chunk, this.#rule);
    if (usage !== undefined && usage !== null) this.#usage(usage, text);
  }

  #choices(choices: readonly unknown[]): void {
    for (const choice of choices) {
      if (!isJsonObject(choice)) continue;
      const reason = textAt(choice, 'finish_reason');
      if (reason !== '' && (this.finishReason === '' || choice['index'] === 0)) this.finishReason = reason;
      if (isJsonObject(choice['error'])) this.errorClass = openaiErrorClass(choice['error']);
      if (!this.sawContent) this.sawContent = isJsonObject(choice['delta']) ? hasContent(choice['delta']) : lengthAt(choice, 'text') > 0;
    }
  }

  #usage(usage: unknown, text: string): void {
    const normalised = isJsonObject(usage) ? normaliseChatUsage(usage, this.#rule, this.model) : { kind: 'invalid' as const };
    const previous = this.rawUsage;
    // An empty object takes nothing back.
    if (normalised.kind === 'none' && previous !== null) return;
    if (previous !== null && this.#rule.repeatsUsage !== true) this.#flags.add(REPEATED);
    if (isJsonObject(previous) && isJsonObject(usage) && TOTALS.some((total) => isLower(usage[total], previous[total]))) {
      this.#flags.add(CONTRADICTORY);
    }
    this.#normalised = normalised;
    this.rawUsage = normalised.kind === 'invalid' ? (exactUsage(text, this.#rule) ?? usage) : usage;
  }
}

/** Where a chunk states usage: beside its choices; Groq's own member, which also whoever stands before Groq passes on; inside the choice. */
function usageOf(chunk: JsonObject, rule: ProviderRule): unknown {
  const usage = chunk['usage'];
  if (usage !== undefined && usage !== null) return usage;
  const groq = chunk['x_groq'];
  if (isJsonObject(groq)) return groq['usage'];
  if (rule.usageInChoice !== true || !Array.isArray(chunk['choices'])) return undefined;
  const choice: unknown = chunk['choices'].find((one) => isJsonObject(one) && isJsonObject(one['usage']));
  return isJsonObject(choice) ? choice['usage'] : undefined;
}

/** Everything in a delta but its role is shown to someone. */
function hasContent(delta: JsonObject): boolean {
  for (const key in delta) {
    if (key === 'role') continue;
    const value = delta[key];
    if (typeof value === 'string' ? value !== '' : typeof value === 'object' && value !== null && Object.keys(value).length > 0)
      return true;
  }
  return false;
}

/** Members of a delta that hold what the model wrote. */
const TEXTS = ['content', 'reasoning_content', 'reasoning', 'refusal'] as const;

function deltaBytes(delta: JsonObject): number {
  let bytes = 0;
  for (const name of TEXTS) bytes += lengthAt(delta, name);
  const calls = delta['tool_calls'];
  for (const call of Array.isArray(calls) ? calls : []) {
    const called: unknown = isJsonObject(call) ? call['function'] : undefined;
    if (isJsonObject(called)) bytes += lengthAt(called, 'name') + lengthAt(called, 'arguments');
  }
  return bytes;
}

function isLower(later: unknown, earlier: unknown): boolean {
  return typeof later === 'number' && typeof earlier === 'number' && later < earlier;
}

/** The usage object with all digits of its numbers; undefined when it nests too deep for that. */
function exactUsage(text: string, rule: ProviderRule): unknown {
  const chunk = parseExactly(text);
  return isJsonObject(chunk) ? usageOf(chunk, rule) : undefined;
}
