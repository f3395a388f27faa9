/** Reads an answer of any of Ollama's APIs: one object, or a stream of one a line, the last of which counts. */
import type { AnswerFold } from './answer-fold.ts';
import { isJsonObject, lengthAt, textAt, type JsonObject } from './json-object.ts';
import { LastUsage } from './last-usage.ts';
import { MarkerSearch } from './marker-search.ts';
import type { Normalised } from './normalised.ts';
import { normaliseOllamaUsage, ollamaUsageIn } from './ollama-usage.ts';
import { toolText } from './tool-text.ts';

/** `_count"` ends the names of counts, `reason"` `"done_reason"`. */
const MARKERS = new MarkerSearch([
  { kind: 'member', text: '_count"' },
  { kind: 'member', text: 'reason"' },
  { kind: 'member', text: '"error"' },
]);

const TOTALS = ['prompt_eval_count', 'eval_count'];
const GENERATED = { totals: TOTALS, usageIn: ollamaUsageIn, normalise: (usage: JsonObject) => normaliseOllamaUsage(usage, false) };
const EMBEDDED = { totals: TOTALS, usageIn: ollamaUsageIn, normalise: (usage: JsonObject) => normaliseOllamaUsage(usage, true) };

export class OllamaAnswer implements AnswerFold {
  readonly markers = MARKERS;
  readonly endMarker = '';
  readonly endInSight = /"done": ?true/;
  readonly statedInput = null;
  readonly serviceTier = '';
  /** Answers bear no id. */
  readonly upstreamId = '';
  readonly bodyIsData: boolean;
  ended = false;
  sawContent = false;
  model = '';
  finishReason = '';
  errorClass = '';
  readonly #usage: LastUsage;

  constructor(embeds = false) {
    this.bodyIsData = embeds;
    this.#usage = new LastUsage(embeds ? EMBEDDED : GENERATED);
  }

  get settled(): boolean {
    return this.sawContent && this.model !== '';
  }

  get rawUsage(): unknown {
    return this.#usage.raw;
  }

  get flags(): readonly string[] {
    return this.#usage.flags;
  }

  normalised(): Normalised | undefined {
    return this.#usage.normalised;
  }

  contentBytes(event: JsonObject): number {
    const message = isJsonObject(event['message']) ? event['message'] : {};
    const texts = lengthAt(event, 'response') + lengthAt(event, 'thinking') + lengthAt(message, 'content') + lengthAt(message, 'thinking');
    return texts + callBytes(message['tool_calls']);
  }

  body(answer: JsonObject, text: string): void {
    this.event(answer, text);
  }

  event(event: JsonObject, text: string): void {
    this.model = textAt(event, 'model') || this.model;
    this.finishReason = textAt(event, 'done_reason') || this.finishReason;
    // A text for people, without a code.
    if (event['error'] !== undefined && event['error'] !== null) this.errorClass = 'unknown_error';
    this.#usage.take(event, text);
    this.sawContent ||= this.contentBytes(event) > 0;
    this.ended ||= event['done'] === true || this.errorClass !== '';
  }
}

function callBytes(calls: unknown): number {
  let bytes = 0;
  for (const call of Array.isArray(calls) ? calls : []) {
    const called: unknown = isJsonObject(call) ? call['function'] : undefined;
    if (isJsonObject(called)) bytes += toolText(called['name'], called['arguments']).length;
  }
  return bytes;
}
