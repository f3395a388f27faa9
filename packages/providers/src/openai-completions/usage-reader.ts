/** Reads an answer of OpenAI's completions: that of a chat whose choices hold a `text` each, and Writer's streams of bare values. */
import { lengthAt, type JsonObject } from '../json-object.ts';
import { providerRule } from '../openai-chat/provider-rules.ts';
import { ChatAnswer } from '../openai-chat/usage-reader.ts';

export class CompletionAnswer extends ChatAnswer {
  readonly #marksEnd: boolean;
  #bareValues = false;

  /** `provider`: the channel's; `''`: by OpenAI's rule. */
  constructor(provider = '') {
    super(provider);
    this.#marksEnd = providerRule(provider).marksEnd === true;
  }

  /** A stream of bare values has no finish reason either (https://dev.writer.com/api-reference/completion-api/text-generation). */
  override get endsUnmarked(): boolean {
    return super.endsUnmarked || (this.#bareValues && !this.#marksEnd);
  }

  override contentBytes(chunk: JsonObject): number {
    return super.contentBytes(chunk) + lengthAt(chunk, 'value');
  }

  override event(chunk: JsonObject, text: string): void {
    super.event(chunk, text);
    if (lengthAt(chunk, 'value') === 0) return;
    this.#bareValues = true;
    this.sawContent = true;
  }
}
