/** Reads an answer of OpenAI's responses: usage, status, model, tier. */
import { totalTokens } from '@tokenledger/domain';
import type { AnswerFold } from '../answer-fold.ts';
import { isJsonObject, lengthAt, textAt, type JsonObject } from '../json-object.ts';
import { LastUsage } from '../last-usage.ts';
import { MarkerSearch } from '../marker-search.ts';
import { CONTRADICTORY, OTHER_MODEL_USAGE, UNCLASSIFIED, type Normalised } from '../normalised.ts';
import { openaiErrorClass } from '../openai-api.ts';
import type { Identified } from '../surface.ts';
import { unixSeconds } from '../unix-seconds.ts';
import { madeImages, normaliseResponseUsage, usedToolsBilledByCall, webSearches } from './normalise.ts';

/** The ends of `response.completed"`, `.incomplete"`, `.failed"` and `.cancelled"`: they stand in the type of an event and in few others. */
const MARKERS = new MarkerSearch([
  { kind: 'member', text: '"usage"' },
  { kind: 'text', text: '"error"' },
  { kind: 'text', text: 'pleted"' },
  { kind: 'text', text: 'mplete"' },
  { kind: 'text', text: 'failed"' },
  { kind: 'text', text: 'celled"' },
  { kind: 'text', text: ' [DONE]' },
  { kind: 'text', text: ':[DONE]' },
]);

/** Types of the events that end a stream; a client waits for no other. */
const END_TYPES: ReadonlySet<unknown> = new Set([
  'response.completed',
  'response.incomplete',
  'response.failed',
  'response.cancelled',
  'error',
]);

/** Statuses of a background response that has its usage, or never will. */
const DONE: ReadonlySet<string> = new Set(['completed', 'incomplete', 'failed']);

const USAGE_RULES = {
  totals: ['input_tokens', 'output_tokens'],
  normalise: normaliseResponseUsage,
  usageIn: (answer: JsonObject) => responseIn(answer)['usage'],
} as const;

export class ResponseAnswer implements AnswerFold {
  readonly markers = MARKERS;
  /** OpenAI sends none after the last event; some who speak its API do. */
  readonly endMarker = '[DONE]';
  /** In a JSON string the quotes would be escaped. */
  readonly endInSight =
    /(?:^|\n)(?:event: ?response\.(?:completed|incomplete|failed|cancelled)|data: ?\[DONE\])|"type": ?"response\.(?:completed|incomplete|failed|cancelled)"/;
  /** Usage comes once, at the end. */
  readonly statedInput = null;
  ended = false;
  sawContent = false;
  model = '';
  serviceTier = '';
  upstreamId = '';
  finishReason = '';
  errorClass = '';
  #background: { readonly status: string; readonly createdAtMs: number | null } | undefined;
  #output: readonly unknown[] = [];
  readonly #usage = new LastUsage(USAGE_RULES);

  get settled(): boolean {
    return this.sawContent && this.model !== '';
  }

  /** `background` stands in the answer of whoever asks (https://platform.openai.com/docs/guides/background), so that all count by it alike. What was cancelled may
   *  still be billed: without usage it is not done. */
  get identified(): Identified | undefined {
    if (this.#background === undefined || this.upstreamId === '') return undefined;
    const { status, createdAtMs } = this.#background;
    return { id: this.upstreamId, isDone: DONE.has(status) || (status === 'cancelled' && this.rawUsage !== null), createdAtMs };
  }

  get rawUsage(): unknown {
    return this.#usage.raw;
  }

  get flags(): readonly string[] {
    const flags = [...this.#usage.flags];
    if (madeImages(this.#output)) flags.push(OTHER_MODEL_USAGE);
    if (usedToolsBilledByCall(this.#output)) flags.push(UNCLASSIFIED);
    return flags;
  }

  normalised(): Normalised | undefined {
    const normalised = this.#usage.normalised;
    if (normalised?.kind !== 'usage') return normalised;
    const usage = { ...normalised.usage, web_search_requests: webSearches(this.#output) };
    // Output for no token at all: what was stated stands, and is told to be wrong.
    const isVoid = totalTokens(usage) === 0 && this.#output.length > 0;
    return { kind: 'usage', usage, flags: isVoid ? [...normalised.flags, CONTRADICTORY] : normalised.flags };
  }

  contentBytes(event: JsonObject): number {
    return isDelta(event) ? lengthAt(event, 'delta') : 0;
  }

  body(answer: JsonObject, text: string): void {
    this.#response(answer, text);
  }

  event(event: JsonObject, text: string): void {
    if (isJsonObject(event['response'])) this.#response(event, text);
    else if (event['type'] === 'error') this.errorClass = openaiErrorClass(isJsonObject(event['error']) ? event['error'] : event);
    else if (!this.sawContent) this.sawContent = isDelta(event) && lengthAt(event, 'delta') > 0;
    this.ended ||= END_TYPES.has(event['type']);
  }

  /** The first events of a stream hold the response as it stands, without usage and with the tier that was asked for. */
  #response(answer: JsonObject, text: string): void {
    const response = responseIn(answer);
    this.model = textAt(response, 'model') || this.model;
    this.serviceTier = textAt(response, 'service_tier') || this.serviceTier;
    this.upstreamId = textAt(response, 'id') || this.upstreamId;
    this.finishReason = finishReason(response);
    if (response['background'] === true) {
      this.#background = { status: textAt(response, 'status'), createdAtMs: unixSeconds(response['created_at']) };
    }
    if (Array.isArray(response['output'])) this.#output = response['output'];
    const error = response['error'];
    if (error !== undefined && error !== null) this.errorClass = openaiErrorClass(error);
    this.#usage.take(answer, text);
  }
}

function responseIn(answer: JsonObject): JsonObject {
  return isJsonObject(answer['response']) ? answer['response'] : answer;
}

/** `response.output_text.delta`, `.reasoning_summary_text.delta`, `.function_call_arguments.delta` and their like. */
function isDelta(event: JsonObject): boolean {
  const type = event['type'];
  return typeof type === 'string' && type.endsWith('.delta');
}

/** Why an incomplete response is that; else its status once it is final. */
function finishReason(response: JsonObject): string {
  const details = response['incomplete_details'];
  const reason = isJsonObject(details) ? textAt(details, 'reason') : '';
  if (reason !== '') return reason;
  const status = textAt(response, 'status');
  return status === 'queued' || status === 'in_progress' ? '' : status;
}
