/** What the input of a request comes to, whatever API it is written for. */
import type { NoCountReason } from '../count.ts';

export interface Message {
  /** As the provider names it. */
  readonly role: string;
  readonly name: string;
  readonly texts: readonly string[];
  /** Calls of tools that an assistant made: name and arguments. */
  readonly calls: readonly ToolCall[];
}

export interface ToolCall {
  readonly name: string;
  readonly input: string;
}

/** A tool that the model may call. */
export interface ToolDefinition {
  readonly name: string;
  readonly description: string;
  /** A JSON schema, or none. */
  readonly parameters: unknown;
}

export type Prompt =
  | {
      readonly kind: 'conversation';
      readonly messages: readonly Message[];
      readonly tools: readonly ToolDefinition[];
      /** A schema that the answer has to follow, as JSON; `''` for none. */
      readonly format: string;
    }
  /** Texts without any framing, and tokens that the client has encoded itself. */
  | { readonly kind: 'texts'; readonly texts: readonly string[]; readonly encodedTokens: number }
  | { readonly kind: 'not_countable'; readonly reason: NoCountReason };

export function notCountable(reason: NoCountReason): Prompt {
  return { kind: 'not_countable', reason };
}

export function jsonText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}
