/** Reads an answer of Bedrock's InvokeModel: the model's own words are read by the surface that has the same, and what Bedrock counts completes them. */
import { outputTokens, type Usage } from '@tokenledger/domain';
import { MessageAnswer } from '../anthropic-messages/usage-reader.ts';
import type { AnswerFold } from '../answer-fold.ts';
import { ConverseAnswer } from '../bedrock-converse/usage-reader.ts';
import { bodyErrorType, readBedrockHeaders, type BedrockHeaders } from '../bedrock-runtime.ts';
import type { EventStreamMessage } from '../event-stream-frames.ts';
import type { MessageFold } from '../event-stream-reader.ts';
import { boundedText, isJsonObject, parseJson, textAt, type JsonObject } from '../json-object.ts';
import { MarkerSearch } from '../marker-search.ts';
import type { Normalised } from '../normalised.ts';
import { ChatAnswer } from '../openai-chat/usage-reader.ts';
import type { AnswerDescription } from '../surface.ts';
import { completedUsage } from './completed-usage.ts';
import { endsPlainly, guardrailIntervened, holdsEmbeddings, plainContentBytes, plainFinishReason } from './plain-answer.ts';
import { countsInHeaders, countsInMetrics, METRICS, type StatedCounts } from './stated-counts.ts';

const NO_MARKERS = new MarkerSearch([]);

/** Words that only Amazon's own models have. */
const CONVERSE_MEMBERS = [
  'output',
  'messageStart',
  'contentBlockStart',
  'contentBlockDelta',
  'contentBlockStop',
  'messageStop',
  'metadata',
] as const;
/** Claude's: Cohere's have a dash. */
const MESSAGE_TYPES = /^(?:message$|message_|content_block_|ping$|error$)/;

export class InvokeAnswer implements MessageFold {
  /** Its streams are binary: there are no events to search. */
  readonly markers = NO_MARKERS;
  readonly endMarker = '';
  readonly endInSight = /(?!)/;
  readonly settled = false;
  readonly #answer: AnswerDescription;
  readonly #headers: BedrockHeaders;
  /** What Bedrock itself counted; null while it has not said. */
  #stated: StatedCounts | null;
  /** Reads the model's own words; null while none was heard, or for a model whose words state no usage. */
  #own: AnswerFold | null = null;
  #plainReason = '';
  #endedPlainly = false;
  #intervened = false;
  #sawPlainContent = false;
  #writesNothing = false;
  #exception = '';

  constructor(answer: AnswerDescription) {
    this.#answer = answer;
    this.#headers = readBedrockHeaders(answer);
    this.#stated = countsInHeaders(answer.headers ?? {});
  }

  get sawContent(): boolean {
    return this.#sawPlainContent || this.#own?.sawContent === true;
  }

  /** The last chunk holds the metrics. Where a guardrail answers in place of the model there are none. */
  get ended(): boolean {
    if (this.#stated !== null && METRICS in this.#stated.raw) return true;
    return this.#own === null ? this.#endedPlainly : this.#own.ended;
  }

  get flags(): readonly string[] {
    return this.#own?.flags ?? [];
  }

  get rawUsage(): unknown {
    const own = this.#own?.rawUsage ?? null;
    if (this.#stated === null) return own;
    return own === null || isJsonObject(own) ? { ...own, ...this.#stated.raw } : own;
  }

  get model(): string {
    return this.#own?.model ?? '';
  }

  get serviceTier(): string {
    return this.#own?.serviceTier || this.#headers.serviceTier;
  }

  get upstreamId(): string {
    return this.#headers.requestId || (this.#own?.upstreamId ?? '');
  }

  get finishReason(): string {
    return this.#own?.finishReason || this.#plainReason || (this.#intervened ? 'guardrail_intervened' : '');
  }

  get errorClass(): string {
    return this.#exception || this.#headers.errorType || (this.#own?.errorClass ?? '');
  }

  normalised(): Normalised | undefined {
    const usage = completedUsage(this.#own?.normalised(), this.#stated?.normalised);
    if (usage?.kind !== 'usage' || !this.#writesNothing || outputTokens(usage.usage) !== null) return usage;
    return { ...usage, usage: { ...usage.usage, visible_output: 0 } };
  }

  get statedInput(): Usage | null {
    const own = this.#own?.statedInput ?? null;
    if (own !== null || this.#stated?.normalised.kind !== 'usage') return own;
    return { ...this.#stated.normalised.usage, visible_output: null };
  }

  contentBytes(event: JsonObject): number {
    return this.#own === null ? plainContentBytes(event) : this.#own.contentBytes(event);
  }

  body(answer: JsonObject, text: string): void {
    this.#exception ||= bodyErrorType(answer, this.#answer.httpStatus);
    this.#hear(answer);
    this.#own?.body(answer, text);
  }

  message({ kind, name, payload }: EventStreamMessage): JsonObject | undefined {
    if (kind !== 'event') {
      this.#exception = boundedText(name) || 'unknown_error';
      return undefined;
    }
    const part = parseJson(payload.toString('latin1'));
    if (!isJsonObject(part) || typeof part['bytes'] !== 'string') return undefined;
    const text = Buffer.from(part['bytes'], 'base64').toString('latin1');
    const event = parseJson(text);
    if (!isJsonObject(event)) return undefined;
    this.event(event, text);
    return event;
  }

  event(event: JsonObject, text: string): void {
    const metrics = event[METRICS];
    if (isJsonObject(metrics)) this.#stated = countsInMetrics(metrics);
    this.#hear(event);
    this.#own?.event(event, text);
    this.#sawPlainContent ||= this.#own === null && plainContentBytes(event) > 0;
  }

  #hear(answer: JsonObject): void {
    this.#own ??= readerOf(answer, this.#answer);
    this.#plainReason = plainFinishReason(answer) || this.#plainReason;
    this.#endedPlainly ||= endsPlainly(answer);
    this.#intervened ||= guardrailIntervened(answer);
    this.#writesNothing ||= holdsEmbeddings(answer);
  }
}

/** By the words of an answer: the path may name an endpoint or a profile, which says nothing of the model. */
function readerOf(answer: JsonObject, description: AnswerDescription): AnswerFold | null {
  if (MESSAGE_TYPES.test(textAt(answer, 'type'))) return new MessageAnswer();
  if (Array.isArray(answer['choices'])) return new ChatAnswer();
  return CONVERSE_MEMBERS.some((name) => isJsonObject(answer[name])) ? new ConverseAnswer(description) : null;
}
