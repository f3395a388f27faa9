/** The records of the usage topics, to bytes and back. Values carry their schema's fingerprint; readers also accept the Confluent wire format. */
import { isRejected, type PricedEvent, type Rejected, type RejectedEvent, type UsageEvent } from '@tokenledger/domain';
import { type DecodeOptions, frameReader } from './framing.ts';
import { encodeBesideEvent, pricedEventCodec } from './priced-event.ts';
import type { BodyReader, BodyReaders } from './record-codec.ts';
import { rejectedEventCodec } from './rejected-event.ts';
import { usageEventCodec } from './usage-event.ts';

/** What a record of any usage topic turned out to be. */
export type DecodedRecord =
  | { readonly kind: 'usage'; readonly event: UsageEvent }
  | { readonly kind: 'priced'; readonly priced: PricedEvent }
  | { readonly kind: 'rejected_event'; readonly rejected: RejectedEvent };

/** Throws on an event that does not fit the schema (a quantity that is no safe integer, say): that is a defect of whoever built it. */
export function encodeUsageEvent(event: UsageEvent): Buffer {
  return usageEventCodec.encode(event);
}

/** `eventBytes`: what the event was decoded from, if it was. Throws like `encodeUsageEvent`. */
export function encodePriced(priced: PricedEvent, eventBytes?: Uint8Array): Buffer {
  return eventBytes === undefined ? pricedEventCodec.encode(priced) : encodeBesideEvent(eventBytes, priced);
}

/** Throws like `encodeUsageEvent`. */
export function encodeRejected(event: RejectedEvent): Buffer {
  return rejectedEventCodec.encode(event);
}

const readUsageEvent = frameReader(usageEventCodec.readers);
const readAny = frameReader<DecodedRecord>(
  anyOf([
    tagged(usageEventCodec.readers, (event) => ({ kind: 'usage', event })),
    tagged(pricedEventCodec.readers, (priced) => ({ kind: 'priced', priced })),
    tagged(rejectedEventCodec.readers, (event) => ({ kind: 'rejected_event', rejected: event })),
  ]),
);

/** Rejects `UNDECODABLE`; never throws. Whether an event's fields make sense is asked by `checkUsageEvent` of the domain. */
export function decodeUsageEvent(bytes: Uint8Array, options?: DecodeOptions): UsageEvent | Rejected {
  return readUsageEvent(bytes, options);
}

/** Rejects `UNDECODABLE`; never throws. */
export function decodeRecord(bytes: Uint8Array, options?: DecodeOptions): DecodedRecord | Rejected {
  return readAny(bytes, options);
}

function tagged<Value>(readers: BodyReaders<Value>, tag: (value: Value) => DecodedRecord): BodyReaders<DecodedRecord> {
  const retag =
    (read: BodyReader<Value>): BodyReader<DecodedRecord> =>
    (bytes, offset) => {
      const value = read(bytes, offset);
      return isRejected(value) ? value : tag(value);
    };
  return {
    byFingerprint: new Map(Array.from(readers.byFingerprint, ([key, read]) => [key, retag(read)])),
    ofSchema: (schema) => {
      const read = readers.ofSchema(schema);
      return read === undefined ? undefined : retag(read);
    },
  };
}

function anyOf<Value>(kinds: readonly BodyReaders<Value>[]): BodyReaders<Value> {
  return {
    byFingerprint: new Map(kinds.flatMap((readers) => Array.from(readers.byFingerprint))),
    ofSchema: (schema) => {
      for (const readers of kinds) {
        const read = readers.ofSchema(schema);
        if (read !== undefined) return read;
      }
      return undefined;
    },
  };
}
