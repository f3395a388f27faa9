/** What a reader of answers asks of a surface. */
import type { Usage } from '@tokenledger/domain';
import type { JsonObject } from './json-object.ts';
import type { MarkerSearch } from './marker-search.ts';
import type { Normalised } from './normalised.ts';
import type { Identified } from './surface.ts';

/** What one surface gathers from an answer's JSON objects. Texts are latin1-decoded until they are kept. */
export interface AnswerFold {
  /** Stand in every event that must be parsed once `settled`. */
  readonly markers: MarkerSearch;
  /** Data of an event that ends the stream and is not JSON; `''` when there is none. */
  readonly endMarker: string;
  /** The whole body of a plain answer. */
  body(answer: JsonObject, text: string): void;
  /** One event of a streamed answer, or one object of an answer that is an array or has one a line. */
  event(event: JsonObject, text: string): void;
  readonly sawContent: boolean;
  /** Model and content have been seen: from here on only events with a marker matter. */
  readonly settled: boolean;
  /** Whether the text of an event that is not whole yet already tells a client that the stream is complete. */
  readonly endInSight: RegExp;
  /** An event said that the stream is complete. */
  readonly ended: boolean;
  /** Flags that the sequence of usage objects earned. */
  readonly flags: readonly string[];
  /** The provider's usage as it came (merged, where it comes in parts); null when none came. */
  readonly rawUsage: unknown;
  /** `undefined` while what came is not the whole of it. */
  normalised(): Normalised | undefined;
  /** What the provider stated of the input before it was done; null when it stated nothing. */
  readonly statedInput: Usage | null;
  /** Bytes of content that an event of a stream brings. */
  contentBytes(event: JsonObject): number;
  /** The bytes of a plain answer are no text of a model, so that nothing can be estimated from them (vectors, images). */
  readonly bodyIsData?: boolean;
  /** A stream of this provider ends without a mark: its end of message is one. */
  readonly endsUnmarked?: boolean;
  readonly model: string;
  readonly serviceTier: string;
  readonly upstreamId: string;
  readonly finishReason: string;
  readonly errorClass: string;
  /** As `ObservedAnswer` has it. */
  readonly identified?: Identified | undefined;
}
