/** What members of a group tell each other through the coordinator, in the format of Kafka's own consumers, so that Kafka's tools can show it. */
import { WireReader, WireWriter } from './wire.ts';

export const PROTOCOL_TYPE = 'consumer';
/** Members keep what they have while the group is arranged anew, and give up first what another is to get. */
export const PROTOCOL_NAME = 'tokenledger-cooperative';

const SUBSCRIPTION_VERSION = 1;
const ASSIGNMENT_VERSION = 0;

/** By topic. */
export type Partitions = ReadonlyMap<string, readonly number[]>;

export interface Subscription {
  readonly topics: readonly string[];
  /** What the member has now. */
  readonly owned: Partitions;
  /** The generation in which it got that; -1 when it never had any. */
  readonly generation: number;
}

export function encodeSubscription({ topics, owned, generation }: Subscription): Buffer {
  const writer = new WireWriter(256).int16(SUBSCRIPTION_VERSION).int32(topics.length);
  for (const topic of topics) writer.text(topic);
  writer.int32(4).int32(generation);
  return writePartitions(writer, owned).content;
}

export function decodeSubscription(bytes: Buffer): Subscription {
  const reader = new WireReader(bytes);
  const version = reader.int16();
  const topics = Array.from({ length: reader.int32() }, () => reader.text());
  const userBytes = reader.int32();
  const generation = userBytes === 4 ? reader.int32() : -1;
  // What another client, which shares the group's name, says of itself.
  if (userBytes > 0 && userBytes !== 4) reader.skip(userBytes);
  return { topics, generation, owned: version >= 1 ? readPartitions(reader) : new Map() };
}

export function encodeAssignment(partitions: Partitions): Buffer {
  return writePartitions(new WireWriter(256).int16(ASSIGNMENT_VERSION), partitions).int32(0).content;
}

/** A member that nothing was assigned to is told so by no bytes at all. */
export function decodeAssignment(bytes: Buffer | null): Partitions {
  if (bytes === null || bytes.length === 0) return new Map();
  const reader = new WireReader(bytes);
  // The version: what follows is the same in each.
  reader.skip(2);
  return readPartitions(reader);
}

function writePartitions(writer: WireWriter, partitions: Partitions): WireWriter {
  writer.int32(partitions.size);
  for (const [topic, numbers] of partitions) {
    writer.text(topic).int32(numbers.length);
    for (const number of numbers) writer.int32(number);
  }
  return writer;
}

function readPartitions(reader: WireReader): Partitions {
  const topics = Math.max(0, reader.int32());
  return new Map(
    Array.from({ length: topics }, () => {
      const topic = reader.text();
      return [topic, Array.from({ length: Math.max(0, reader.int32()) }, () => reader.int32())] as const;
    }),
  );
}
