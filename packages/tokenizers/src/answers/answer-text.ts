/** What a model wrote, put together again from the pieces that it was sent in. A text that came in pieces is counted as one. */
import type { NoCountReason } from '../count.ts';

export class AnswerText {
  /** By choice, and by part of it. */
  readonly #texts = new Map<string, string[]>();
  readonly #calls = new Map<string, { name: string; readonly input: string[] }>();
  /** Why a part of it is in no text: sounds and images, what the provider's own tools did. */
  unread: NoCountReason | undefined;
  /** Of the model's thoughts, some were shown or kept: they are no visible output. */
  hasHiddenPart = false;
  /** The model refused, in a member of its own. */
  isRefused = false;

  add(part: string, text: unknown): void {
    if (typeof text !== 'string' || text === '') return;
    const pieces = this.#texts.get(part);
    if (pieces === undefined) this.#texts.set(part, [text]);
    else pieces.push(text);
  }

  addCall(part: string, name: unknown, input: unknown): void {
    let call = this.#calls.get(part);
    if (call === undefined) {
      call = { name: '', input: [] };
      this.#calls.set(part, call);
    }
    if (typeof name === 'string' && name !== '') call.name = name;
    if (typeof input === 'string') call.input.push(input);
    else if (input !== undefined && input !== null) call.input.push(JSON.stringify(input));
  }

  get texts(): readonly string[] {
    return [...this.#texts.values()].map((pieces) => pieces.join(''));
  }

  get calls(): readonly { readonly name: string; readonly input: string }[] {
    return [...this.#calls.values()].map((call) => ({ name: call.name, input: call.input.join('') }));
  }
}
