/** Reads an answer that is one object with its usage in it, or a stream of typed events of which the last holds usage (embeddings, images, speech, transcription). */
import type { Usage } from '@tokenledger/domain';
import type { AnswerFold } from './answer-fold.ts';
import { lengthAt, textAt, type JsonObject } from './json-object.ts';
import { LastUsage } from './last-usage.ts';
import { MarkerSearch } from './marker-search.ts';
import type { Normalised } from './normalised.ts';
import { openaiErrorClass } from './openai-api.ts';

export interface EventAnswerRules {
  /** Types of the events that end a stream. */
  readonly endTypes: readonly string[];
  /** Names of the totals of a usage object, which only rise. */
  readonly totals: readonly string[];
  normalise(usage: JsonObject): Normalised;
  /** What a plain answer shows of its usage when it states none; undefined: nothing. */
  readonly shown?: (answer: JsonObject) => Usage | undefined;
  /** The answer is no text (vectors, images, sound). */
  readonly bodyIsData: boolean;
}

/** What does not change from answer to answer of a surface. */
export interface EventAnswerShape extends EventAnswerRules {
  readonly endSet: ReadonlySet<unknown>;
  readonly endInSight: RegExp;
  readonly usageIn: (answer: JsonObject) => unknown;
}

/** `pleted"`, `t.done"`, `o.done"` and `n.done"` end the types of last events. */
const MARKERS = new MarkerSearch([
  { kind: 'member', text: '"usage"' },
  { kind: 'text', text: '"error"' },
  { kind: 'text', text: 'pleted"' },
  { kind: 'text', text: 't.done"' },
  { kind: 'text', text: 'o.done"' },
  { kind: 'text', text: 'n.done"' },
  { kind: 'text', text: ' [DONE]' },
  { kind: 'text', text: ':[DONE]' },
]);

/** End types consist of letters, dots and underscores. */
export function eventAnswerShape(rules: EventAnswerRules): EventAnswerShape {
  const types = rules.endTypes.map((type) => type.replaceAll('.', String.raw`\.`)).join('|');
  const end = rules.endTypes.length === 0 ? '' : String.raw`(?:^|\n)event: ?(?:${types})|"type": ?"(?:${types})"|`;
  return {
    ...rules,
    endSet: new Set(rules.endTypes),
    endInSight: new RegExp(String.raw`${end}(?:^|\n)data: ?\[DONE\]`),
    usageIn: (answer) => answer['usage'],
  };
}

export class EventAnswer implements AnswerFold {
  readonly markers = MARKERS;
  readonly endMarker = '[DONE]';
  readonly statedInput = null;
  readonly upstreamId = '';
  ended = false;
  sawContent = false;
  model = '';
  serviceTier = '';
  finishReason = '';
  errorClass = '';
  readonly #shape: EventAnswerShape;
  readonly #usage: LastUsage;
  #shown: Usage | undefined;

  constructor(shape: EventAnswerShape) {
    this.#shape = shape;
    this.#usage = new LastUsage(shape);
  }

  get endInSight(): RegExp {
    return this.#shape.endInSight;
  }

  get bodyIsData(): boolean {
    return this.#shape.bodyIsData;
  }

  /** Events name no model. */
  get settled(): boolean {
    return this.sawContent;
  }

  get rawUsage(): unknown {
    return this.#usage.raw;
  }

  get flags(): readonly string[] {
    return this.#usage.flags;
  }

  normalised(): Normalised | undefined {
    if (this.#usage.normalised !== undefined || this.#shown === undefined) return this.#usage.normalised;
    return { kind: 'usage', usage: this.#shown, flags: [] };
  }

  contentBytes(event: JsonObject): number {
    if (this.#shape.bodyIsData) return 0;
    const type = event['type'];
    return typeof type === 'string' && type.endsWith('.delta') ? lengthAt(event, 'delta') + lengthAt(event, 'text') : 0;
  }

  body(answer: JsonObject, text: string): void {
    this.event(answer, text);
    if (this.errorClass === '') this.#shown = this.#shape.shown?.(answer);
  }

  /** Every event but an error brings something to whoever waits. */
  event(event: JsonObject, text: string): void {
    this.model = textAt(event, 'model') || this.model;
    this.serviceTier = textAt(event, 'service_tier') || this.serviceTier;
    const error = event['error'];
    if (error !== undefined && error !== null) this.errorClass = openaiErrorClass(error);
    else if (event['type'] === 'error') this.errorClass = openaiErrorClass(event);
    else this.sawContent = true;
    this.#usage.take(event, text);
    this.ended ||= this.#shape.endSet.has(event['type']);
  }
}
