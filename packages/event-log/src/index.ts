export * from './port.ts';
export * from './topics.ts';
export * from './errors.ts';
export * from './group-prefix.ts';
export * from './value-translation.ts';
export * from './lag-watch.ts';
export * from './topic-set.ts';
export * from './pacing.ts';
export { RECORD_BYTES_MAX, recordBytes } from './record-size.ts';
export * from './shapes/types.ts';
export * from './embedded/embedded-log.ts';
export { type KafkaLog, openKafkaLog } from './kafka/kafka-log.ts';
export type { KafkaTopicHealth } from './kafka/topic-admin.ts';
export { COMPRESSIONS, type Compression, type KafkaLogger, type KafkaLogOptions, type KafkaSasl, type KafkaTls } from './kafka/options.ts';
export { IN_HAND_CHANNEL, type InHandMessage } from './shapes/in-hand.ts';
export { runTransform } from './shapes/transform.ts';
export { runSink } from './shapes/sink.ts';
export {
  decodeOffsetMetadata,
  SEQUENCE_HEADER,
  SOURCE_HEADER,
  type OffsetMetadata,
  type RecordIdentity,
} from './shapes/offset-metadata.ts';
export { runFold } from './shapes/fold.ts';
export { openTable } from './shapes/table.ts';
export { persist, type Retry, RETRY_DEFAULTS } from './shapes/retry.ts';
export { sendAcknowledged } from './shapes/send.ts';
export * from './simulated/faults.ts';
export { seededRandom } from './simulated/random.ts';
export * from './simulated/simulated-log.ts';
export * from './simulated/virtual-clock.ts';
