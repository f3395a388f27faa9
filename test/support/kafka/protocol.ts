/** Kafka's messages as tests see them on the wire: cut into frames, with the header of a request read. (Kafka protocol guide, "Protocol structure".) */
import { WireReader } from './wire.ts';

/** Numbers of the requests that tests look into. */
export const API = {
  produce: 0,
  fetch: 1,
  metadata: 3,
  offsetCommit: 8,
  findCoordinator: 10,
  joinGroup: 11,
  heartbeat: 12,
  apiVersions: 18,
  initProducerId: 22,
} as const;

export const ERROR = {
  none: 0,
  unknownTopicOrPartition: 3,
  notLeader: 6,
} as const;

export interface RequestHeader {
  readonly api: number;
  readonly version: number;
  readonly correlation: number;
}

const LENGTH_BYTES = 4;
/** More than any message of a test has. */
const FRAME_BYTES_MAX = 64 * 1024 * 1024;

/** Cuts a stream into frames; each has its length in front still. */
export class FrameCutter {
  #rest: Buffer = Buffer.alloc(0);

  *push(chunk: Buffer): Generator<Buffer> {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= LENGTH_BYTES) {
      const end = LENGTH_BYTES + this.#rest.readInt32BE(0);
      if (end > FRAME_BYTES_MAX) throw new RangeError(`a frame of ${end} bytes`);
      if (this.#rest.length < end) return;
      yield this.#rest.subarray(0, end);
      this.#rest = this.#rest.subarray(end);
    }
  }
}

/** `request`: a frame. */
export function requestHeader(request: Buffer): RequestHeader {
  const reader = new WireReader(request, LENGTH_BYTES);
  return { api: reader.int16(), version: reader.int16(), correlation: reader.int32() };
}

/** Reads a request's body: what follows the name of the client. */
export function requestBody(request: Buffer): WireReader {
  const reader = new WireReader(request, LENGTH_BYTES + 8);
  reader.nullableString();
  return reader;
}
