/** Codes of what the codecs refuse. */
export const ERRORS = {
  UNDECODABLE:
    'The bytes are not a record of a known schema: truncated, altered, or written by a newer version. The message says which; find the producer by the headers of the dead letter and upgrade the older side.',
} as const;
