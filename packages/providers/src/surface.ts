/** A surface: one provider API as clients speak it. Pure: bytes in, facts out. */
import type { Rejected, Usage, UsageReason } from '@tokenledger/domain';

/** What the ingress must know of a request before it forwards it. */
export interface RequestFacts {
  readonly kind: 'request';
  readonly model: string;
  readonly streamed: boolean;
  /** The body to forward when the surface needs a change to see usage (e.g. `stream_options.include_usage` spliced in); undefined: forward as it came.
   *  Only built when asked for (`injectUsage`). */
  readonly injectedBody: Buffer | undefined;
  /** Whether it holds images, sounds or files: then its size says nothing about its tokens. */
  readonly holdsMedia: boolean;
  /** Text that identifies the prompt, for a keyed hash; never leaves the ingress. */
  readonly lastToolText: string;
  /** What it asks for is counted by a name of the provider's: nothing of it is estimated, whatever becomes of the answer. Absent: no. */
  readonly reportedLater?: boolean;
}

/** A way in: a method and a path template, whose names in braces stand for the text up to what follows them (`/model/{model}/converse`). */
export interface Endpoint {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Below the root of the ingress, where the channel is chosen by the surface. */
  readonly path: string;
  /** What a path below one named channel ends with, whose base path and version may differ (`/chat/completions`); absent: as `path`. */
  readonly tail?: string;
}

/** What a request is read with. */
export interface ReadRequestOptions {
  /** Whether the channel allows adding what makes the provider report usage. */
  readonly injectUsage: boolean;
  /** The one that the request came in by, since it may tell whether the answer streams; absent: the first. */
  readonly endpoint?: Endpoint | undefined;
  /** Values of the template's names, decoded; absent: none. */
  readonly path?: Readonly<Record<string, string>>;
  /** Without its question mark; absent: `''`. */
  readonly query?: string;
  readonly contentType?: string | undefined;
  /** The channel's provider: some speak another's API with usage rules of their own; absent: the surface's own. */
  readonly provider?: string | undefined;
}

/** The answer that a reader is made for. */
export interface AnswerDescription {
  readonly contentType: string;
  readonly httpStatus: number;
  /** Longest plain answer that is parsed. */
  readonly answerBytesMax: number;
  /** Lower-case names. Some providers state usage there alone; absent: none. */
  readonly headers?: Readonly<Record<string, string | string[] | undefined>>;
  /** The channel's provider; absent: the surface's own. */
  readonly provider?: string;
  /** As the request named it, for answers that name none; absent: `''`. */
  readonly requestedModel?: string;
}

/** A request as it leaves, for a provider that wants each one signed. */
export interface SignableRequest {
  readonly method: string;
  readonly url: URL;
  /** Flat name and value pairs. */
  readonly headers: readonly string[];
  readonly body: Uint8Array;
  readonly region: string;
  readonly nowMs: number;
}

/** Usage that the provider states under a name of its own, the same whenever it is asked: it is counted by that, once, and never by the call that read it. */
export interface Identified {
  /** Of the background response, or of the batch. */
  readonly id: string;
  /** Whether this answer states it; else a later one does. */
  readonly isDone: boolean;
  /** Milliseconds since the epoch; null when the provider does not say. */
  readonly createdAtMs: number | null;
}

/** What was seen in an answer. Absent text is `''`. */
export interface ObservedAnswer {
  /** Null when unknown; then `usageReason` says why. */
  readonly usage: Usage | null;
  readonly usageReason: UsageReason;
  readonly usageFlags: readonly string[];
  /** The provider's own usage object as JSON text, at most `RAW_USAGE_BYTES_MAX`. */
  readonly rawUsage: string;
  readonly servedModel: string;
  readonly serviceTier: string;
  readonly upstreamId: string;
  readonly finishReason: string;
  /** Type of the error the answer carried (in its body or mid-stream). */
  readonly errorClass: string;
  /** False for a stream that ended without its end marker, or JSON that did not parse. `as_framed`: it was not read, so that it is complete when its framing is. */
  readonly complete: boolean | 'as_framed';
  /** Absent: its usage is the call's own. */
  readonly identified?: Identified;
}

/** What is known of an answer that has not ended, or never will. Absent text is `''`. */
export interface AnswerSoFar {
  /** What the provider has stated of its usage: its input, the classes of output null since they grow. Null when it has stated nothing. */
  readonly stated: Usage | null;
  /** Bytes of content, what it is wrapped in left out: of a stream by samples. 0 when none was seen. */
  readonly contentBytes: number;
  readonly servedModel: string;
  readonly serviceTier: string;
}

export const RAW_USAGE_BYTES_MAX = 16_384;

/** Is fed the decoded bytes of one answer in any chunking. Never throws, whatever the bytes; memory is bounded. */
export interface UsageReader {
  /** The chunk may be kept, and must not change any more. */
  push(chunk: Uint8Array): void;
  /** True once content that a client would see has been pushed (for time to first token). */
  readonly sawContent: boolean;
  /** True once the answer's own end marker has been pushed (`data: [DONE]`, `message_stop`): from that chunk on the client can know that the
   *  answer is complete, so the ingress holds it until the closing record is safe. Always false for JSON. */
  readonly sawEnd: boolean;
  /** Bytes that are kept until the answer, or an event of it, is whole. */
  readonly heldBytes: number;
  /** Lets go of them: its usage is unknown (`answer_too_large`), unless a later event states it. */
  giveUp(): void;
  /** From now on content is measured, since this answer may have to be estimated. Before, that is left out: it costs, and most answers end. */
  measureContent(): void;
  soFar(): AnswerSoFar;
  end(): ObservedAnswer;
}

/** Takes what an injection added back out of a stream, byte for byte. Gives the bytes to send on, possibly empty. */
export interface StreamFilter {
  push(chunk: Buffer): Buffer;
  end(): Buffer;
}

export interface Surface {
  readonly name: string;
  /** Whose API it is. */
  readonly provider: string;
  /** The first is the usual one. */
  readonly endpoints: readonly [Endpoint, ...Endpoint[]];
  readRequest(body: Buffer, options: ReadRequestOptions): RequestFacts | Rejected;
  usageReader(answer: AnswerDescription): UsageReader;
  /** Undefined where the surface never injects. */
  readonly injectionFilter: (() => StreamFilter) | undefined;
  /** How the provider's credential travels with every request. `provider`: the channel's. */
  credentialHeaders(secret: string, provider: string): Readonly<Record<string, string>>;
  /** Headers that depend on the whole request, as flat pairs beside those of the credential: none where these are enough. The request must have none
   *  of their names. Absent: the surface never signs. */
  readonly sign?: (secret: string, request: SignableRequest) => Promise<readonly string[]>;
  /** An error in the provider's own shape. */
  errorBody(error: { readonly status: number; readonly code: string; readonly message: string; readonly requestId: string }): string;
}
