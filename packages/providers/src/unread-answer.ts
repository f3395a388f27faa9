/** An answer that nobody looks into for usage: it holds none by its type (sound, subtitles, plain text), or its surface is unknown. Nothing of it is kept. */
import type { UsageReason } from '@tokenledger/domain';
import type { AnswerDescription, AnswerSoFar, ObservedAnswer, UsageReader } from './surface.ts';

export class UnreadAnswer implements UsageReader {
  readonly sawEnd = false;
  readonly heldBytes = 0;
  readonly #httpStatus: number;
  readonly #isText: boolean;
  readonly #reason: UsageReason;
  #bytes = 0;

  /** `isText`: its bytes are what the model wrote. `reason`: why there is no usage, unless the answer is an error. */
  constructor({ httpStatus }: AnswerDescription, isText: boolean, reason: UsageReason = 'not_reported') {
    this.#httpStatus = httpStatus;
    this.#isText = isText;
    this.#reason = reason;
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

  end(): ObservedAnswer {
    return {
      usage: null,
      usageReason: this.#httpStatus >= 400 ? 'upstream_error' : this.#reason,
      usageFlags: [],
      rawUsage: '',
      servedModel: '',
      serviceTier: '',
      upstreamId: '',
      finishReason: '',
      errorClass: '',
      complete: 'as_framed',
    };
  }
}

/** Whether an answer may state its usage: JSON, and events. */
export function mayStateUsage({ contentType }: AnswerDescription): boolean {
  const type = contentType.toLowerCase();
  return type.includes('json') || type.includes('event-stream');
}
