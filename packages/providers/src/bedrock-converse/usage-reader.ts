/** Reads an answer of Bedrock's Converse: usage, stop reason, tier. It never names the model. Amazon's own models answer in the same words when they are invoked. */
import { bedrockTier, bodyErrorType, readBedrockHeaders, type BedrockHeaders } from '../bedrock-runtime.ts';
import type { EventStreamMessage } from '../event-stream-frames.ts';
import type { MessageFold } from '../event-stream-reader.ts';
import { boundedText, isJsonObject, lengthAt, parseJson, textAt, type JsonObject } from '../json-object.ts';
import { MarkerSearch } from '../marker-search.ts';
import { REPEATED, type Normalised } from '../normalised.ts';
import { parseExactly } from '../raw-usage.ts';
import type { AnswerDescription } from '../surface.ts';
import { normaliseConverseUsage } from './normalise.ts';

const NO_MARKERS = new MarkerSearch([]);

export class ConverseAnswer implements MessageFold {
  /** Its streams are binary: there are no events to search. */
  readonly markers = NO_MARKERS;
  readonly endMarker = '';
  readonly endInSight = /(?!)/;
  readonly settled = false;
  readonly model = '';
  ended = false;
  sawContent = false;
  serviceTier: string;
  finishReason = '';
  errorClass: string;
  rawUsage: unknown = null;
  readonly #httpStatus: number;
  readonly #headers: BedrockHeaders;
  #normalised: Normalised | undefined;
  readonly #flags = new Set<string>();

  constructor(answer: AnswerDescription) {
    this.#httpStatus = answer.httpStatus;
    this.#headers = readBedrockHeaders(answer);
    this.serviceTier = this.#headers.serviceTier;
    this.errorClass = this.#headers.errorType;
  }

  get flags(): readonly string[] {
    return [...this.#flags];
  }

  get upstreamId(): string {
    return this.#headers.requestId;
  }

  /** Usage comes once, at the end. */
  readonly statedInput = null;

  normalised(): Normalised | undefined {
    return this.#normalised;
  }

  body(answer: JsonObject, text: string): void {
    this.errorClass ||= bodyErrorType(answer, this.#httpStatus);
    this.finishReason = textAt(answer, 'stopReason');
    this.#metadata(answer, text);
  }

  message({ kind, name, payload }: EventStreamMessage): JsonObject | undefined {
    if (kind !== 'event') {
      this.errorClass = boundedText(name) || 'unknown_error';
      return undefined;
    }
    const text = payload.toString('latin1');
    const content = parseJson(text);
    if (!isJsonObject(content)) return undefined;
    const event = { [name]: content };
    this.event(event, text);
    return event;
  }

  /** `event`: what happened under the name of what happened, as an invoked model of Amazon's streams it. */
  event(event: JsonObject, text: string): void {
    this.sawContent ||= this.contentBytes(event) > 0;
    const { messageStop, metadata } = event;
    if (isJsonObject(messageStop)) this.finishReason = textAt(messageStop, 'stopReason') || this.finishReason;
    if (!isJsonObject(metadata)) return;
    this.ended = true;
    this.#metadata(metadata, text);
  }

  contentBytes({ contentBlockDelta, contentBlockStart }: JsonObject): number {
    return (
      (isJsonObject(contentBlockStart) ? startBytes(contentBlockStart) : 0) +
      (isJsonObject(contentBlockDelta) ? deltaBytes(contentBlockDelta) : 0)
    );
  }

  #metadata(metadata: JsonObject, text: string): void {
    const { usage, serviceTier, performanceConfig } = metadata;
    const tier = isJsonObject(serviceTier) ? textAt(serviceTier, 'type') : '';
    const latency = isJsonObject(performanceConfig) ? textAt(performanceConfig, 'latency') : '';
    this.serviceTier = bedrockTier(tier, latency) || this.serviceTier;
    if (usage === undefined || usage === null) return;
    if (this.#normalised !== undefined) this.#flags.add(REPEATED);
    this.#normalised = isJsonObject(usage) ? normaliseConverseUsage(usage) : { kind: 'invalid' };
    this.rawUsage = this.#normalised.kind === 'invalid' ? (exactUsage(text) ?? usage) : usage;
  }
}

/** The usage object with all digits of its numbers; undefined when it nests too deep for that. */
function exactUsage(text: string): unknown {
  const exact = parseExactly(text);
  const holder = isJsonObject(exact) && isJsonObject(exact['metadata']) ? exact['metadata'] : exact;
  return isJsonObject(holder) ? holder['usage'] : undefined;
}

function startBytes({ start }: JsonObject): number {
  const toolUse = isJsonObject(start) ? start['toolUse'] : undefined;
  return isJsonObject(toolUse) ? lengthAt(toolUse, 'name') : 0;
}

function deltaBytes({ delta }: JsonObject): number {
  if (!isJsonObject(delta)) return 0;
  const { toolUse, reasoningContent } = delta;
  const called = isJsonObject(toolUse) ? lengthAt(toolUse, 'input') : 0;
  const thought = isJsonObject(reasoningContent) ? lengthAt(reasoningContent, 'text') : 0;
  return lengthAt(delta, 'text') + called + thought;
}
