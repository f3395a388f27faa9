export * from './port.ts';
export * from './topics.ts';
export * from './errors.ts';
export * from './pacing.ts';
export * from './shapes/types.ts';
export * from './embedded/embedded-log.ts';
export { runTransform } from './shapes/transform.ts';
export { runSink } from './shapes/sink.ts';
export { SEQUENCE_HEADER, SOURCE_HEADER } from './shapes/offset-metadata.ts';
