/** Reads an answer of Anthropic's messages: usage, stop reason, model, tier. */
import type { Usage } from '@tokenledger/domain';
import type { AnswerFold } from '../answer-fold.ts';
import { isJsonObject, lengthAt, textAt, type JsonObject } from '../json-object.ts';
import { MarkerSearch } from '../marker-search.ts';
import { mergedUsage, TOO_LARGE } from '../merged-usage.ts';
import { CONTRADICTORY, type Normalised } from '../normalised.ts';
import { parseExactly } from '../raw-usage.ts';
import { normaliseMessageUsage } from './normalise.ts';

/** `message_start` and `message_delta` carry usage, `e_stop"` ends `"message_stop"`, `reason"` ends `"stop_reason"`. */
const MARKERS = new MarkerSearch([
  { kind: 'member', text: '"usage"' },
  { kind: 'member', text: 'reason"' },
  { kind: 'text', text: '"error"' },
  { kind: 'text', text: 'e_stop"' },
]);

/** Members of a content delta that are shown to someone; a signature is not. */
const CONTENT = ['text', 'thinking', 'partial_json'] as const;
const CUMULATIVE = ['input_tokens', 'cache_creation_input_tokens', 'cache_read_input_tokens'] as const;

export class MessageAnswer implements AnswerFold {
  readonly markers = MARKERS;
  readonly endMarker = '';
  /** In a JSON string the quotes would be escaped. */
  readonly endInSight = /(?:^|\n)event: ?message_stop|"type": ?"message_stop"/;
  ended = false;
  sawContent = false;
  model = '';
  upstreamId = '';
  finishReason = '';
  errorClass = '';
  #usage: JsonObject | null = null;
  /** What came in place of a usage object. */
  #noObject: unknown = null;
  /** Output tokens are final: those of `message_start` are not, and are not to be added to the later ones. */
  #outputKnown = false;
  #lastOutput: unknown = 0;
  readonly #flags = new Set<string>();

  get settled(): boolean {
    return this.sawContent && this.model !== '';
  }

  get flags(): readonly string[] {
    return [...this.#flags];
  }

  get rawUsage(): unknown {
    return this.#noObject ?? this.#usage;
  }

  /** Fast mode has prices of its own and excludes the other tiers, so that it is told as one (`usage.speed`). */
  get serviceTier(): string {
    const usage = this.#usage ?? {};
    return textAt(usage, 'speed') === 'fast' ? 'fast' : textAt(usage, 'service_tier');
  }

  normalised(): Normalised | undefined {
    if (this.#noObject !== null) return { kind: 'invalid' };
    if (this.#usage === null || !this.#outputKnown) return undefined;
    return normaliseMessageUsage(this.#usage, this.model);
  }

  /** `message_start` states the input; its output is a beginning. */
  get statedInput(): Usage | null {
    if (this.#usage === null || this.#noObject !== null) return null;
    const stated = normaliseMessageUsage(this.#usage, this.model);
    return stated.kind === 'usage' ? { ...stated.usage, visible_output: null, reasoning: null } : null;
  }

  contentBytes(event: JsonObject): number {
    const [delta, block] = [event['delta'], event['content_block']];
    let bytes = isJsonObject(block) ? lengthAt(block, 'name') : 0;
    if (isJsonObject(delta)) for (const name of CONTENT) bytes += lengthAt(delta, name);
    return bytes;
  }

  body(answer: JsonObject, text: string): void {
    this.#error(answer);
    this.#message(answer, text);
    this.#outputKnown = true;
  }

  event(event: JsonObject, text: string): void {
    switch (event['type']) {
      case 'message_start':
        if (isJsonObject(event['message'])) this.#message(event['message'], text);
        break;
      case 'message_delta':
        if (isJsonObject(event['delta'])) this.finishReason = textAt(event['delta'], 'stop_reason') || this.finishReason;
        this.#delta(event['usage'], text);
        break;
      case 'message_stop':
        this.ended = true;
        break;
      case 'error':
        this.#error(event);
        break;
      case 'content_block_start':
        if (isJsonObject(event['content_block'])) this.sawContent ||= textAt(event['content_block'], 'name') !== '';
        break;
      case 'content_block_delta':
        if (isJsonObject(event['delta'])) this.sawContent ||= hasContent(event['delta']);
        break;
      default:
        break;
    }
  }

  #message(message: JsonObject, text: string): void {
    this.model = textAt(message, 'model') || this.model;
    this.upstreamId = textAt(message, 'id') || this.upstreamId;
    this.finishReason = textAt(message, 'stop_reason') || this.finishReason;
    this.#merge(message['usage'], text);
  }

  /** The counts of a `message_delta` are cumulative: what it states replaces what was stated before, input included; what it leaves out or null stands. */
  #delta(usage: unknown, text: string): void {
    if (isJsonObject(usage)) {
      const previous = this.#usage ?? {};
      const lower = CUMULATIVE.some((name) => isLower(usage[name], previous[name]));
      if (lower || isLower(usage['output_tokens'], this.#lastOutput)) this.#flags.add(CONTRADICTORY);
      if (usage['output_tokens'] !== undefined && usage['output_tokens'] !== null) {
        this.#outputKnown = true;
        this.#lastOutput = usage['output_tokens'];
      }
    }
    this.#merge(usage, text);
  }

  #merge(usage: unknown, text: string): void {
    if (usage === undefined || usage === null) return;
    if (!isJsonObject(usage)) {
      this.#noObject = usage;
      return;
    }
    const stated = normaliseMessageUsage(usage, '').kind === 'invalid' ? (exactUsage(text) ?? usage) : usage;
    const merged = mergedUsage(this.#usage, stated, text);
    if (merged === undefined) this.#noObject = TOO_LARGE;
    else this.#usage = merged;
  }

  #error(event: JsonObject): void {
    const error = event['error'];
    if (error === undefined || error === null) return;
    this.errorClass = (isJsonObject(error) ? textAt(error, 'type') : '') || 'unknown_error';
  }
}

function hasContent(delta: JsonObject): boolean {
  return CONTENT.some((key) => textAt(delta, key) !== '');
}

function isLower(later: unknown, earlier: unknown): boolean {
  return typeof later === 'number' && typeof earlier === 'number' && later < earlier;
}

/** The usage object with all digits of its numbers; undefined when it nests too deep for that. */
function exactUsage(text: string): JsonObject | undefined {
  const answer = parseExactly(text);
  const holder = isJsonObject(answer) && isJsonObject(answer['message']) ? answer['message'] : answer;
  return isJsonObject(holder) && isJsonObject(holder['usage']) ? holder['usage'] : undefined;
}
