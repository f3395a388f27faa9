export * from './dead-letter.ts';
export { ERRORS } from './errors.ts';
export type { DecodeOptions, SchemaLookup } from './framing.ts';
export * from './headers.ts';
export * from './records.ts';
