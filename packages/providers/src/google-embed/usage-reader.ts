/** Reads an answer with embeddings: its usage, where the model reports one. No answer names its model. */
import type { AnswerFold } from '../answer-fold.ts';
import { googleErrorClass } from '../google-api.ts';
import { isJsonObject, type JsonObject } from '../json-object.ts';
import { MarkerSearch } from '../marker-search.ts';
import type { Normalised } from '../normalised.ts';
import { parseExactly } from '../raw-usage.ts';
import { normaliseEmbedUsage } from './normalise.ts';

/** Embeddings never stream. */
const MARKERS = new MarkerSearch([{ kind: 'member', text: 'tadata"' }]);

export class EmbedAnswer implements AnswerFold {
  readonly markers = MARKERS;
  readonly endMarker = '';
  readonly endInSight = /(?!)/;
  readonly ended = false;
  readonly sawContent = false;
  readonly settled = false;
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
    this.event(answer, text);
  }

  event(answer: JsonObject, text: string): void {
    const { error, usageMetadata: usage } = answer as { readonly error?: unknown; readonly usageMetadata?: unknown };
    if (error !== undefined && error !== null) this.errorClass = googleErrorClass(error);
    if (usage === undefined || usage === null) return;
    this.#normalised = isJsonObject(usage) ? normaliseEmbedUsage(usage) : { kind: 'invalid' };
    this.rawUsage = this.#normalised.kind === 'invalid' ? (exactUsage(text) ?? usage) : usage;
  }
}

/** The usage object with all digits of its numbers; undefined when it nests too deep for that. */
function exactUsage(text: string): unknown {
  const answer = parseExactly(text);
  return isJsonObject(answer) ? answer['usageMetadata'] : undefined;
}
