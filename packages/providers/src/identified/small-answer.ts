/** Reads a plain answer that is looked at once it is whole: it states no usage of its own. */
import { SSE_EVENT_BYTES_MAX } from '../answer-reader.ts';
import { isJsonObject, parseJson, type JsonObject } from '../json-object.ts';
import { JsonText } from '../json-text.ts';
import type { AnswerSoFar, ObservedAnswer } from '../surface.ts';
import type { ResultReader } from './result.ts';

export const NOTHING_SO_FAR: AnswerSoFar = { stated: null, contentBytes: 0, servedModel: '', serviceTier: '' };

export class SmallAnswer implements ResultReader {
  readonly sawContent = false;
  readonly sawEnd = false;
  readonly #json = new JsonText(SSE_EVENT_BYTES_MAX);
  readonly #read: (answer: JsonObject | undefined) => ObservedAnswer;
  #observed: ObservedAnswer | undefined;

  /** `read` is called once, with undefined when what came is no JSON object or too large. */
  constructor(read: (answer: JsonObject | undefined) => ObservedAnswer) {
    this.#read = read;
  }

  get heldBytes(): number {
    return this.#json.heldBytes;
  }

  push(bytes: Uint8Array): void {
    this.#json.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }

  giveUp(): void {
    this.#json.giveUp();
  }

  measureContent(): void {
    // There is no content.
  }

  soFar(): AnswerSoFar {
    return NOTHING_SO_FAR;
  }

  end(): ObservedAnswer {
    if (this.#observed === undefined) {
      const answer = this.#json.tooLarge ? undefined : parseJson(this.#json.text());
      this.#observed = this.#read(isJsonObject(answer) ? answer : undefined);
    }
    return this.#observed;
  }

  whole(): void {
    // What is cut off is no JSON.
  }
}
