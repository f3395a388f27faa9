/** What the answers of models tell that state no usage of their own: Titan, Llama, Cohere, Mistral, Jurassic, old Claude. Each has its words for the same few things. */
import { isJsonObject, lengthAt, textAt, type JsonObject } from '../json-object.ts';

const REASONS = ['completionReason', 'stop_reason', 'finish_reason', 'finishReason'] as const;
const TEXTS = ['outputText', 'generation', 'completion', 'text'] as const;
const LISTS = ['results', 'generations', 'outputs', 'completions', 'choices'] as const;
const EMBEDDINGS = ['embedding', 'embeddings', 'embeddingsByType'] as const;

/** Why the model stopped: of the answer, or of the first that it holds. `''` while it has not. */
export function plainFinishReason(answer: JsonObject): string {
  return reasonAt(answer) || (firstResult(answer) === undefined ? '' : reasonAt(firstResult(answer) as JsonObject));
}

/** Whether a chunk is the last: Titan states its total there alone, and stops without a reason where a guardrail answers in its place. */
export function endsPlainly(answer: JsonObject): boolean {
  return plainFinishReason(answer) !== '' || typeof answer['totalOutputTextTokenCount'] === 'number';
}

/** Whether a guardrail changed the answer, or gave its own. */
export function guardrailIntervened(answer: JsonObject): boolean {
  return answer['amazon-bedrock-guardrailAction'] === 'INTERVENED';
}

/** Bytes of what the model wrote. */
export function plainContentBytes(answer: JsonObject): number {
  const first = firstResult(answer);
  return textBytes(answer) + (first === undefined ? 0 : textBytes(first));
}

/** Whether the answer is of a model that writes nothing: then no output is none. */
export function holdsEmbeddings(answer: JsonObject): boolean {
  return EMBEDDINGS.some((name) => Object.hasOwn(answer, name));
}

function firstResult(answer: JsonObject): JsonObject | undefined {
  for (const name of LISTS) {
    const list = answer[name];
    if (Array.isArray(list) && isJsonObject(list[0])) return list[0];
  }
  return undefined;
}

/** Jurassic's is an object: `{"reason": "endoftext"}`. */
function reasonAt(answer: JsonObject): string {
  for (const name of REASONS) {
    const value = answer[name];
    const reason = isJsonObject(value) ? textAt(value, 'reason') : textAt(answer, name);
    if (reason !== '') return reason;
  }
  return '';
}

function textBytes(answer: JsonObject): number {
  let bytes = 0;
  for (const name of TEXTS) bytes += lengthAt(answer, name);
  return bytes;
}
