export * from './dead-letter.ts';
export { ERRORS } from './errors.ts';
export { usageEventFromJson, usageEventToJson } from './event-json.ts';
export type { DecodeOptions, SchemaLookup } from './framing.ts';
export * from './headers.ts';
export * from './lane-records.ts';
export * from './records.ts';
export { schemaRegistry, type SchemaRegistry, type SchemaRegistryOptions } from './registry/registry-client.ts';
export { confluentWireFormat, type ConfluentWireFormat } from './registry/wire-format.ts';
