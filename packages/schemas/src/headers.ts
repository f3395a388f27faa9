/** Identity in a record's headers: readable when the value is not, and without decoding it. */

/** Source that numbered the event. */
export const SOURCE_HEADER = 'tl-source';
/** The event's number in that source and partition, in decimal digits. */
export const SEQUENCE_HEADER = 'tl-sequence';

export interface Identity {
  readonly source: string;
  readonly sequence: number;
}

export function identityHeaders(identity: Identity): Record<string, string> {
  return { [SOURCE_HEADER]: identity.source, [SEQUENCE_HEADER]: String(identity.sequence) };
}

/** Null when a header is missing or is not what `identityHeaders` writes: a sequence is an integer of at least 1. */
export function readIdentity(headers: Readonly<Record<string, string>>): Identity | null {
  const source = headers[SOURCE_HEADER];
  const digits = headers[SEQUENCE_HEADER];
  if (source === undefined || source === '' || digits === undefined || !/^[1-9]\d{0,15}$/.test(digits)) return null;
  const sequence = Number(digits);
  return Number.isSafeInteger(sequence) ? { source, sequence } : null;
}
