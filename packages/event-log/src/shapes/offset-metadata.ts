/** What a committed offset carries besides its number: which record stood before it, and which batch was in hand. One line of JSON, far below the 4 KB that brokers allow. */
import { AppError } from '@tokenledger/domain';
import type { LogRecord } from '../port.ts';

/** Headers under which a record's source and its number travel. */
export const SOURCE_HEADER = 'tl-source';
export const SEQUENCE_HEADER = 'tl-sequence';

export interface RecordIdentity {
  readonly source: string;
  readonly sequence: string;
}

export interface OffsetMetadata {
  /** The record before the offset; null when it had no identity or there was none. */
  readonly last: RecordIdentity | null;
  /** Offsets of a batch that may have gone out: `from` its first record, `to` the next after its last. */
  readonly inHand: { readonly from: number; readonly to: number } | null;
  /** A Fold has folded nothing before this offset: there need not be a checkpoint. */
  readonly nothingFolded: boolean;
}

export const EMPTY_METADATA: OffsetMetadata = { last: null, inHand: null, nothingFolded: false };

export function identityOf(record: LogRecord | undefined): RecordIdentity | null {
  const source = record?.headers[SOURCE_HEADER];
  const sequence = record?.headers[SEQUENCE_HEADER];
  return source === undefined || sequence === undefined ? null : { source, sequence };
}

export function encodeOffsetMetadata(metadata: OffsetMetadata): string {
  return JSON.stringify({
    v: 1,
    ...(metadata.last === null ? {} : { source: metadata.last.source, sequence: metadata.last.sequence }),
    ...(metadata.inHand === null ? {} : { in_hand: [metadata.inHand.from, metadata.inHand.to] }),
    ...(metadata.nothingFolded ? { nothing_folded: true } : {}),
  });
}

/** An empty string (an offset set by an operator's tool) claims nothing. Throws `OFFSET_METADATA_INVALID`. */
export function decodeOffsetMetadata(text: string): OffsetMetadata {
  if (text === '') return EMPTY_METADATA;
  const { v, source, sequence, in_hand: inHand, nothing_folded: nothingFolded } = parseObject(text);
  const valid =
    v === 1 &&
    typeof source === typeof sequence &&
    (source === undefined || typeof source === 'string') &&
    (inHand === undefined || isBounds(inHand));
  if (!valid) throw invalid(text);
  return {
    last: typeof source === 'string' && typeof sequence === 'string' ? { source, sequence } : null,
    inHand: isBounds(inHand) ? { from: inHand[0], to: inHand[1] } : null,
    nothingFolded: nothingFolded === true,
  };
}

function isBounds(value: unknown): value is [number, number] {
  return (
    Array.isArray(value) && value.length === 2 && value.every((bound) => Number.isSafeInteger(bound) && bound >= 0) && value[0] < value[1]
  );
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null) return { ...parsed };
  } catch (error) {
    throw invalid(text, error);
  }
  throw invalid(text);
}

function invalid(text: string, cause?: unknown): AppError {
  return new AppError(
    'OFFSET_METADATA_INVALID',
    `The metadata of the committed offset cannot be read (${text.slice(0, 100)}): set the offset of the group anew.`,
    { cause },
  );
}
