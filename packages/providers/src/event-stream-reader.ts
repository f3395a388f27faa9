/** Reads an answer in Amazon's binary event stream. Its messages are checked and parsed one by one: no byte of them can be searched, since what they hold may be base64. */
import type { UsageReason } from '@tokenledger/domain';
import type { AnswerFold } from './answer-fold.ts';
import { EventStreamFrames, type EventStreamMessage } from './event-stream-frames.ts';
import type { JsonObject } from './json-object.ts';
import { observedAnswer } from './observed-answer.ts';
import type { AnswerDescription, AnswerSoFar, ObservedAnswer, UsageReader } from './surface.ts';

const EVENT_STREAM_TYPE = 'application/vnd.amazon.eventstream';

/** Longest message that is looked into. */
const MESSAGE_BYTES_MAX = 8 * 1024 * 1024;

export function isEventStream({ contentType }: AnswerDescription): boolean {
  return contentType.toLowerCase().startsWith(EVENT_STREAM_TYPE);
}

/** What one surface gathers from an answer that may come in messages. */
export interface MessageFold extends AnswerFold {
  /** Gives the event that the message holds, for its content to be measured; undefined when it holds none. */
  message(message: EventStreamMessage): JsonObject | undefined;
}

export class EventStreamReader implements UsageReader {
  readonly #fold: MessageFold;
  readonly #httpStatus: number;
  readonly #frames: EventStreamFrames;
  #contentBytes = 0;
  #unread: UsageReason = '';
  #observed: ObservedAnswer | undefined;

  constructor(fold: MessageFold, answer: AnswerDescription) {
    this.#fold = fold;
    this.#httpStatus = answer.httpStatus;
    this.#frames = new EventStreamFrames(MESSAGE_BYTES_MAX, {
      message: (message) => this.#message(message),
      oversized: () => (this.#unread ||= 'line_too_long'),
      broken: () => (this.#unread ||= 'undecodable_answer'),
    });
  }

  get sawContent(): boolean {
    return this.#fold.sawContent;
  }

  /** Before its checksum has come, a message tells a client nothing: none that is not whole needs to be looked into. */
  get sawEnd(): boolean {
    return this.#fold.ended;
  }

  get heldBytes(): number {
    return this.#frames.pendingBytes;
  }

  push(chunk: Uint8Array): void {
    if (this.#observed === undefined)
      this.#frames.push(Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
  }

  giveUp(): void {
    if (this.heldBytes > 0) this.#unread ||= 'answer_too_large';
    this.#frames.giveUp();
  }

  measureContent(): void {
    // Every message is parsed anyway: its content is always measured.
  }

  soFar(): AnswerSoFar {
    const { statedInput: stated, model: servedModel, serviceTier } = this.#fold;
    return { stated, contentBytes: this.#contentBytes, servedModel, serviceTier };
  }

  end(): ObservedAnswer {
    this.#observed ??= observedAnswer(this.#fold, { httpStatus: this.#httpStatus, complete: this.#fold.ended, unread: this.#unread });
    return this.#observed;
  }

  #message(message: EventStreamMessage): void {
    const event = this.#fold.message(message);
    if (event !== undefined) this.#contentBytes += this.#fold.contentBytes(event);
  }
}
