/** Reads an answer of any of Cohere's APIs, plain or streamed, of either version: usage, finish reason. Answers name no model. */
import type { AnswerFold } from './answer-fold.ts';
import { cohereUsageIn, normaliseCohereUsage } from './cohere-usage.ts';
import { isJsonObject, lengthAt, textAt, type JsonObject } from './json-object.ts';
import { LastUsage } from './last-usage.ts';
import { MarkerSearch } from './marker-search.ts';
import { type Normalised, UNCLASSIFIED } from './normalised.ts';

/** `_units"` ends `"billed_units"`, `reason"` `"finish_reason"`; `message-end` and `stream-end` are types of last events. */
const MARKERS = new MarkerSearch([
  { kind: 'member', text: '"usage"' },
  { kind: 'member', text: '_units"' },
  { kind: 'member', text: 'reason"' },
  { kind: 'text', text: 'age-end' },
  { kind: 'text', text: 'eam-end' },
  { kind: 'text', text: ' [DONE]' },
  { kind: 'text', text: ':[DONE]' },
]);

const USAGE = { totals: [], usageIn: (answer: JsonObject) => cohereUsageIn(holderOf(answer)), normalise: normaliseCohereUsage };
const END_TYPES: ReadonlySet<unknown> = new Set(['message-end', 'stream-end']);

export class CohereAnswer implements AnswerFold {
  readonly markers = MARKERS;
  readonly endMarker = '[DONE]';
  readonly endInSight = /"(?:event_)?type": ?"(?:message|stream)-end"|(?:^|\n)event: ?(?:message|stream)-end|(?:^|\n)data: ?\[DONE\]/;
  readonly statedInput = null;
  readonly serviceTier = '';
  readonly bodyIsData: boolean;
  ended = false;
  sawContent = false;
  model = '';
  upstreamId = '';
  finishReason = '';
  errorClass = '';
  readonly #usage = new LastUsage(USAGE);

  /** `bodyIsData`: the answer is no text (vectors, scores). */
  constructor(bodyIsData = false) {
    this.bodyIsData = bodyIsData;
  }

  get settled(): boolean {
    return this.sawContent && this.upstreamId !== '';
  }

  get rawUsage(): unknown {
    return this.#usage.raw;
  }

  get flags(): readonly string[] {
    const { normalised, raw, flags } = this.#usage;
    return normalised?.kind === 'none' && raw !== null ? [...flags, UNCLASSIFIED] : flags;
  }

  normalised(): Normalised | undefined {
    return this.#usage.normalised;
  }

  contentBytes(event: JsonObject): number {
    return lengthAt(event, 'text') + messageBytes(event['delta']) + callBytes(event['tool_call_delta']);
  }

  body(answer: JsonObject, text: string): void {
    this.event(answer, text);
  }

  /** An event of the first version holds a whole answer at its end (`response`), one of the second a part of it (`delta`). */
  event(event: JsonObject, text: string): void {
    const holder = holderOf(event);
    if (this.upstreamId === '') this.upstreamId = textAt(event, 'id') || textAt(holder, 'generation_id') || textAt(event, 'generation_id');
    this.model = textAt(event, 'model') || this.model;
    const reason = textAt(holder, 'finish_reason') || textAt(event, 'finish_reason') || firstReason(holder['generations']);
    if (reason !== '') this.finishReason = reason;
    // `ERROR`, `ERROR_TOXIC`, `ERROR_LIMIT`.
    if (reason.startsWith('ERROR')) this.errorClass = reason.toLowerCase();
    this.#usage.take(event, text);
    this.sawContent ||= this.contentBytes(event) > 0;
    this.ended ||= END_TYPES.has(event['type'] ?? event['event_type']) || event['is_finished'] === true;
  }
}

/** Where an answer's last words stand. */
function holderOf(event: JsonObject): JsonObject {
  if (isJsonObject(event['response'])) return event['response'];
  return isJsonObject(event['delta']) ? event['delta'] : event;
}

function firstReason(generations: unknown): string {
  const first: unknown = Array.isArray(generations) ? generations[0] : undefined;
  return isJsonObject(first) ? textAt(first, 'finish_reason') : '';
}

function messageBytes(delta: unknown): number {
  const message = isJsonObject(delta) ? delta['message'] : undefined;
  if (!isJsonObject(message)) return 0;
  const content = isJsonObject(message['content']) ? lengthAt(message['content'], 'text') + lengthAt(message['content'], 'thinking') : 0;
  const call = isJsonObject(message['tool_calls']) ? callBytes(message['tool_calls']['function']) : 0;
  return content + lengthAt(message, 'tool_plan') + call;
}

function callBytes(call: unknown): number {
  if (!isJsonObject(call)) return 0;
  return lengthAt(call, 'name') + lengthAt(call, 'arguments') + lengthAt(call, 'parameters') + lengthAt(call, 'text');
}
