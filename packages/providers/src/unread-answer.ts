/** An answer that holds no usage by its type (sound, subtitles, plain text): nothing of it is kept. */
import type { AnswerDescription, AnswerSoFar, ObservedAnswer, UsageReader } from './surface.ts';

export class UnreadAnswer implements UsageReader {
  readonly sawEnd = false;
  readonly heldBytes = 0;
  readonly #httpStatus: number;
  readonly #isText: boolean;
  #bytes = 0;

  /** `isText`: its bytes are what the model wrote. */
  constructor({ httpStatus }: AnswerDescription, isText: boolean) {
    this.#httpStatus = httpStatus;
    this.#isText = isText;
  }

  get sawContent(): boolean {
    return this.#bytes > 0;
  }

  push(chunk: Uint8Array): void {
    this.#bytes += chunk.length;
  }

  giveUp(): void {
    // Nothing is held.
  }

  measureContent(): void {
    // All bytes are counted anyway.
  }

  soFar(): AnswerSoFar {
    return { stated: null, contentBytes: this.#isText ? this.#bytes : 0, servedModel: '', serviceTier: '' };
  }

  /** Where it ends only the transport can tell. */
  end(): ObservedAnswer {
    return {
      usage: null,
      usageReason: this.#httpStatus >= 400 ? 'upstream_error' : 'not_reported',
      usageFlags: [],
      rawUsage: '',
      servedModel: '',
      serviceTier: '',
      upstreamId: '',
      finishReason: '',
      errorClass: '',
      complete: true,
    };
  }
}

/** Whether an answer may state its usage: JSON, and events. */
export function mayStateUsage({ contentType }: AnswerDescription): boolean {
  const type = contentType.toLowerCase();
  return type.includes('json') || type.includes('event-stream');
}
