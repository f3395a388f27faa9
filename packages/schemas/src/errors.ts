/** Codes of what the codecs refuse, and of the schema registry. */
export const ERRORS = {
  UNDECODABLE:
    'The bytes are not a record of a known schema: truncated, altered, or written by a newer version. The message says which; find the producer by the headers of the dead letter and upgrade the older side.',
  SCHEMA_REGISTRY_UNAVAILABLE:
    'The schema registry did not answer, or answered that it cannot now: records wait and are tried again; check `schema_registry.url` and the registry when it persists.',
  SCHEMA_REGISTRY_REFUSED:
    'The schema registry refused the credentials or a schema: correct `schema_registry`, or the compatibility rule of the subject that the message names.',
} as const;
