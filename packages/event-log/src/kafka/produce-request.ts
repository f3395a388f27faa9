/** One batch for one partition, acknowledged by all in-sync replicas: the request, and the answer that must name where the batch landed. */
import type { RawRequest } from './link.ts';
import { WireReader, WireWriter } from './wire.ts';

const API_KEY = 0;
/** The first version that may carry zstd; understood by every broker since 2.1. */
const API_VERSION = 7;
const ALL_IN_SYNC_REPLICAS = -1;

export interface ProduceAnswer {
  /** 0 when the batch is stored. */
  readonly errorCode: number;
  readonly baseOffset: number;
}

/** Answered with null when the answer does not speak of this partition. */
export function produceRequest(topic: string, partition: number, batch: Buffer, timeoutMs: number): RawRequest<ProduceAnswer | null> {
  const head = new WireWriter(topic.length * 3 + 64)
    .text(null)
    .int16(ALL_IN_SYNC_REPLICAS)
    .int32(timeoutMs)
    .int32(1)
    .text(topic)
    .int32(1)
    .int32(partition)
    .int32(batch.length).content;
  return {
    apiKey: API_KEY,
    apiVersion: API_VERSION,
    apiName: 'Produce',
    body: [head, batch],
    timeoutMs,
    decode: (answer) => decodeProduceAnswer(answer, topic, partition),
  };
}

function decodeProduceAnswer(raw: Buffer, topic: string, partition: number): ProduceAnswer | null {
  const reader = new WireReader(raw);
  let found: ProduceAnswer | null = null;
  for (let topics = reader.int32(); topics > 0; topics -= 1) {
    const name = reader.text();
    for (let partitions = reader.int32(); partitions > 0; partitions -= 1) {
      const id = reader.int32();
      const errorCode = reader.int16();
      const baseOffset = reader.int64();
      // Append time and the log's start.
      reader.skip(16);
      if (name === topic && id === partition) found = { errorCode, baseOffset };
    }
  }
  return found;
}
