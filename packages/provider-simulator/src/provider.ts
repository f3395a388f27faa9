/** What a simulated provider must be able to say. */
import type { Plan } from './plan.ts';
import type { ChatRequest, JsonObject } from './request.ts';
import type { Script } from './script.ts';

export interface AnswerContext {
  readonly request: ChatRequest;
  readonly plan: Plan;
  readonly script: Script;
  readonly id: string;
  /** Seconds since the epoch. */
  readonly createdS: number;
}

export interface ErrorContext {
  readonly status: number;
  readonly type: string | undefined;
  readonly code: string | undefined;
  readonly message: string;
  readonly requestId: string;
}

export interface Provider {
  readonly surface: string;
  readonly path: string;
  readonly idPrefix: string;
  readonly requestIdHeader: string;
  /** Rate limits and versions that the provider states with every answer. */
  readonly headers: Readonly<Record<string, string>>;
  /** A message in place of a request that the provider would refuse with 400. */
  readRequest(body: JsonObject, bytes: Buffer, model: string): ChatRequest | string;
  usage(context: AnswerContext): unknown;
  /** Whether the answer states its usage. */
  reports(context: AnswerContext): boolean;
  plain(context: AnswerContext, usage: unknown): string;
  /** Server-sent events in order, the one that ends the stream last. */
  events(context: AnswerContext, usage: unknown): readonly string[];
  error(context: ErrorContext): string;
  /** An error in the middle of a stream. */
  errorEvent(context: ErrorContext): string;
}
