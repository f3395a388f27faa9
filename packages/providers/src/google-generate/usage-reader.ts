/** Reads an answer of Google's `generateContent` and its stream: usage, finish reason, model, tier. */
import type { Usage } from '@tokenledger/domain';
import type { AnswerFold } from '../answer-fold.ts';
import { googleErrorClass } from '../google-api.ts';
import { isJsonObject, lengthAt, textAt, type JsonObject } from '../json-object.ts';
import { MarkerSearch } from '../marker-search.ts';
import { mergedUsage, TOO_LARGE } from '../merged-usage.ts';
import { CONTRADICTORY, type Normalised, UNFINISHED } from '../normalised.ts';
import { parseExactly } from '../raw-usage.ts';
import { BLOCK_REASONS, enumName, TRAFFIC_TYPES } from './enums.ts';
import { normaliseGenerateUsage } from './normalise.ts';

/** `tadata"` ends `"usageMetadata"`, `Reason"` ends `"finishReason"` and `"blockReason"`. */
const MARKERS = new MarkerSearch([
  { kind: 'member', text: 'tadata"' },
  { kind: 'member', text: 'Reason"' },
  { kind: 'member', text: '"error"' },
]);

/** More candidates cannot be asked for; what a set of bits holds. */
const CANDIDATES_MAX = 31;
/** Parts that are neither text nor a call, but shown to someone. */
const OTHER_CONTENT = ['inlineData', 'executableCode', 'codeExecutionResult', 'fileData'] as const;
/** Counts that only grow; the prompt's may change either way. */
const GROWING = ['candidatesTokenCount', 'thoughtsTokenCount'] as const;

export class GenerateAnswer implements AnswerFold {
  readonly markers = MARKERS;
  readonly endMarker = '';
  /** Every chunk states usage, so that none can be passed over. */
  readonly settled = false;
  /** In a JSON string the quotes would be escaped. */
  readonly endInSight = /"(?:finish|block)Reason": ?["\d]/;
  sawContent = false;
  model = '';
  serviceTier = '';
  upstreamId = '';
  finishReason = '';
  errorClass = '';
  readonly #finishReasons: readonly string[];
  #usage: JsonObject | null = null;
  /** What came in place of a usage object. */
  #noObject: unknown = null;
  #isBody = false;
  #blocked = false;
  /** A bit for each candidate. */
  #seen = 0;
  #finished = 0;
  readonly #flags = new Set<string>();

  /** `finishReasons`: names of the API's numbers. */
  constructor(finishReasons: readonly string[]) {
    this.#finishReasons = finishReasons;
  }

  /** A stream has no mark of its end but that all its candidates have finished, or that the prompt was refused. */
  get ended(): boolean {
    return this.#blocked || (this.#finished !== 0 && this.#finished === this.#seen);
  }

  get flags(): readonly string[] {
    return [...this.#flags];
  }

  get rawUsage(): unknown {
    return this.#noObject ?? this.#usage;
  }

  /** Counts of a stream that did not finish are those of its last chunk. */
  normalised(): Normalised | undefined {
    if (this.#noObject !== null) return { kind: 'invalid' };
    if (this.#usage === null) return undefined;
    const normalised = normaliseGenerateUsage(this.#usage);
    if (normalised.kind !== 'usage' || this.#isBody || this.ended) return normalised;
    return { ...normalised, flags: [...normalised.flags, UNFINISHED] };
  }

  get statedInput(): Usage | null {
    if (this.#usage === null || this.#noObject !== null) return null;
    const stated = normaliseGenerateUsage(this.#usage);
    if (stated.kind !== 'usage') return null;
    return { ...stated.usage, visible_output: null, reasoning: null, output_audio: null, output_image: null };
  }

  contentBytes(chunk: JsonObject): number {
    let bytes = 0;
    for (const part of partsOf(chunk)) bytes += lengthAt(part, 'text') + callLength(part['functionCall']);
    return bytes;
  }

  body(answer: JsonObject, text: string): void {
    this.#isBody = true;
    this.event(answer, text);
  }

  /** A chunk has the shape of a whole answer. */
  event(chunk: JsonObject, text: string): void {
    this.model = textAt(chunk, 'modelVersion') || this.model;
    this.upstreamId = textAt(chunk, 'responseId') || this.upstreamId;
    if (Array.isArray(chunk['candidates'])) this.#candidates(chunk['candidates']);
    this.sawContent ||= partsOf(chunk).some(isContent);
    const feedback = chunk['promptFeedback'];
    const blocked = isJsonObject(feedback) ? enumName(feedback['blockReason'], BLOCK_REASONS) : '';
    if (blocked !== '') {
      this.#blocked = true;
      this.finishReason ||= blocked;
    }
    if (chunk['error'] !== undefined && chunk['error'] !== null) this.errorClass = googleErrorClass(chunk['error']);
    const usage = chunk['usageMetadata'];
    if (usage !== undefined && usage !== null) this.#merge(usage, text);
  }

  #candidates(candidates: readonly unknown[]): void {
    for (const candidate of candidates) {
      if (!isJsonObject(candidate)) continue;
      const index = Number(candidate['index'] ?? 0);
      if (!(index >= 0 && index < CANDIDATES_MAX)) continue;
      this.#seen |= 1 << index;
      const reason = enumName(candidate['finishReason'], this.#finishReasons);
      if (reason === '') continue;
      this.#finished |= 1 << index;
      if (this.finishReason === '' || index === 0) this.finishReason = reason;
    }
  }

  /** Every chunk repeats the usage until then, the prompt included, whose count may change: what a later one states replaces what was stated before. */
  #merge(usage: unknown, text: string): void {
    if (!isJsonObject(usage)) {
      this.#noObject = usage;
      return;
    }
    const previous: JsonObject = this.#usage ?? {};
    if (GROWING.some((name) => isLower(usage[name], previous[name]))) this.#flags.add(CONTRADICTORY);
    const stated = normaliseGenerateUsage(usage).kind === 'invalid' ? (exactUsage(text) ?? usage) : usage;
    const merged = mergedUsage(this.#usage, stated, text);
    if (merged === undefined) {
      this.#noObject = TOO_LARGE;
      return;
    }
    this.#usage = merged;
    const { serviceTier, trafficType } = merged as { readonly serviceTier?: unknown; readonly trafficType?: unknown };
    this.serviceTier = enumName(serviceTier, []) || enumName(trafficType, TRAFFIC_TYPES);
  }
}

function partsOf(chunk: JsonObject): readonly JsonObject[] {
  const { candidates } = chunk as { readonly candidates?: unknown };
  const parts: JsonObject[] = [];
  for (const candidate of Array.isArray(candidates) ? candidates : []) {
    const content: unknown = isJsonObject(candidate) ? candidate['content'] : undefined;
    const own: unknown = isJsonObject(content) ? content['parts'] : undefined;
    for (const part of Array.isArray(own) ? own : []) if (isJsonObject(part)) parts.push(part);
  }
  return parts;
}

/** A signature alone is shown to nobody. */
function isContent(part: JsonObject): boolean {
  return lengthAt(part, 'text') > 0 || callLength(part['functionCall']) > 0 || OTHER_CONTENT.some((name) => isJsonObject(part[name]));
}

function callLength(call: unknown): number {
  if (!isJsonObject(call)) return 0;
  const { args } = call as { readonly args?: unknown };
  return lengthAt(call, 'name') + (isJsonObject(args) ? printedLength(args) : 0);
}

/** Printing recurses, so that some thousand levels exhaust the stack; nobody calls a function with so many. */
function printedLength(args: JsonObject): number {
  try {
    return JSON.stringify(args).length;
  } catch (error) {
    if (error instanceof RangeError) return 0;
    throw error;
  }
}

function isLower(later: unknown, earlier: unknown): boolean {
  return typeof later === 'number' && typeof earlier === 'number' && later < earlier;
}

/** The usage object with all digits of its numbers; undefined when it nests too deep for that. */
function exactUsage(text: string): JsonObject | undefined {
  const chunk = parseExactly(text);
  const usage: unknown = isJsonObject(chunk) ? chunk['usageMetadata'] : undefined;
  return isJsonObject(usage) ? usage : undefined;
}
