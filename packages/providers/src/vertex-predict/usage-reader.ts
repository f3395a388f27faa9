/** Reads an answer of Vertex AI's `predict`. It never streams, and no answer names its model. */
import type { AnswerFold } from '../answer-fold.ts';
import { googleErrorClass } from '../google-api.ts';
import { isJsonObject, type JsonObject } from '../json-object.ts';
import { MarkerSearch } from '../marker-search.ts';
import type { Normalised } from '../normalised.ts';
import { parseExactly } from '../raw-usage.ts';
import { predictedUsage } from './normalise.ts';

const MARKERS = new MarkerSearch([{ kind: 'member', text: '"error"' }]);

export class PredictAnswer implements AnswerFold {
  readonly markers = MARKERS;
  readonly endMarker = '';
  readonly endInSight = /(?!)/;
  readonly ended = false;
  readonly sawContent = false;
  readonly settled = true;
  readonly flags: readonly string[] = [];
  readonly statedInput = null;
  readonly bodyIsData = true;
  readonly model = '';
  readonly serviceTier = '';
  readonly upstreamId = '';
  readonly finishReason = '';
  errorClass = '';
  rawUsage: unknown = null;
  #normalised: Normalised | undefined;

  normalised(): Normalised | undefined {
    return this.#normalised;
  }

  contentBytes(): number {
    return 0;
  }

  body(answer: JsonObject, text: string): void {
    this.event(answer);
    const { normalised, raw } = predictedUsage(answer);
    this.#normalised = normalised;
    this.rawUsage = normalised.kind === 'invalid' ? exactly(text, raw) : raw;
  }

  event(answer: JsonObject): void {
    const { error } = answer as { readonly error?: unknown };
    if (error !== undefined && error !== null) this.errorClass = googleErrorClass(error);
  }
}

/** With all digits of its numbers, unless it nests too deep for that. */
function exactly(text: string, raw: unknown): unknown {
  const answer = parseExactly(text);
  return isJsonObject(answer) ? predictedUsage(answer).raw : raw;
}
