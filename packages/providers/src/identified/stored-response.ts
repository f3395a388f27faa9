/** Reads a response that is fetched again. One that was made in the background states its usage here, and whoever polls it reads it many times; any other stated
 *  it when it was made. */
import type { AnswerSoFar, ObservedAnswer, UsageReader } from '../surface.ts';
import type { ResultFact, ResultReader } from './result.ts';

export class StoredResponse implements ResultReader {
  readonly #reader: UsageReader;
  readonly #onFact: (fact: ResultFact) => void;
  #ended = false;

  constructor(reader: UsageReader, onFact: (fact: ResultFact) => void) {
    this.#reader = reader;
    this.#onFact = onFact;
  }

  get sawContent(): boolean {
    return this.#reader.sawContent;
  }

  get sawEnd(): boolean {
    return this.#reader.sawEnd;
  }

  get heldBytes(): number {
    return this.#reader.heldBytes;
  }

  push(chunk: Uint8Array): void {
    this.#reader.push(chunk);
  }

  giveUp(): void {
    this.#reader.giveUp();
  }

  measureContent(): void {
    this.#reader.measureContent();
  }

  soFar(): AnswerSoFar {
    return this.#reader.soFar();
  }

  end(): ObservedAnswer {
    const observed = this.#reader.end();
    const result = this.#ended ? undefined : backgroundResult(observed);
    this.#ended = true;
    if (result !== undefined) this.#onFact(result);
    return observed;
  }

  whole(): void {
    // A response that is cut off does not say that it is done.
  }
}

/** The result that a response tells, if it was made in the background and is done. */
export function backgroundResult(answer: ObservedAnswer): ResultFact | undefined {
  const { identified } = answer;
  if (identified?.isDone !== true) return undefined;
  return {
    kind: 'result',
    name: identified.id,
    sequence: 1,
    origin: 'background_response',
    surface: 'openai.responses',
    callId: identified.id,
    occurredAtMs: identified.createdAtMs,
    httpStatus: null,
    answer,
  };
}
