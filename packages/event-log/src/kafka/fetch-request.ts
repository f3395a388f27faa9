/** A fetch of several partitions from one broker: the request, and what it brought of each. */
import errors from 'kafkajs/src/protocol/error.js';
import type { RawRequest } from './link.ts';
import { WireReader, WireWriter } from './wire.ts';

const API_KEY = 1;
/** Names topics by their names, and may bring zstd; understood by every broker since 2.3. */
const API_VERSION = 11;
const READ_UNCOMMITTED = 0;
/** How long an answer may take after the wait that was asked for. */
const ANSWER_MS = 5_000;

export interface WantedPartition {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

export interface FetchLimits {
  readonly waitMs: number;
  readonly bytesMax: number;
  readonly partitionBytesMax: number;
}

export interface FetchedPartition {
  readonly topic: string;
  readonly partition: number;
  /** 0 when `records` are what is there. */
  readonly errorCode: number;
  /** Batches, the last perhaps cut off: a part of the response. */
  readonly records: Buffer;
}

/** No partition may be named twice. */
export function fetchRequest(wanted: readonly WantedPartition[], limits: FetchLimits): RawRequest<readonly FetchedPartition[]> {
  return {
    apiKey: API_KEY,
    apiVersion: API_VERSION,
    apiName: 'Fetch',
    body: [encode(wanted, limits)],
    timeoutMs: limits.waitMs + ANSWER_MS,
    decode,
  };
}

function encode(wanted: readonly WantedPartition[], limits: FetchLimits): Buffer {
  const byTopic = Map.groupBy(wanted, ({ topic }) => topic);
  const writer = new WireWriter(64 + wanted.length * 64)
    .int32(-1)
    .int32(limits.waitMs)
    .int32(1)
    .int32(limits.bytesMax)
    .int8(READ_UNCOMMITTED)
    // No fetch session: each request says all that it wants.
    .int32(0)
    .int32(-1)
    .int32(byTopic.size);
  for (const [topic, partitions] of byTopic) {
    writer.text(topic).int32(partitions.length);
    for (const { partition, offset } of partitions) {
      writer.int32(partition).int32(-1).int64(offset).int64(-1).int32(limits.partitionBytesMax);
    }
  }
  return writer.int32(0).text('').content;
}

function decode(raw: Buffer): readonly FetchedPartition[] {
  const reader = new WireReader(raw);
  // Throttle time: a broker that throttles answers late by itself.
  reader.skip(4);
  const errorCode = reader.int16();
  if (errorCode !== 0) throw errors.createErrorFromCode(errorCode);
  // The session's id: no session was asked for.
  reader.skip(4);
  const fetched: FetchedPartition[] = [];
  for (let topics = reader.int32(); topics > 0; topics -= 1) {
    const topic = reader.text();
    for (let partitions = reader.int32(); partitions > 0; partitions -= 1) {
      const partition = reader.int32();
      const error = reader.int16();
      // High watermark, last stable offset, the log's start.
      reader.skip(24);
      const aborted = reader.int32();
      // Aborted transactions, of which there are none, and the replica that is to be preferred: it is read from the leader.
      reader.skip(Math.max(0, aborted) * 16 + 4);
      const length = reader.int32();
      fetched.push({ topic, partition, errorCode: error, records: reader.bytes(Math.max(0, length)) });
    }
  }
  return fetched;
}
