/** Where a partition goes on: at the committed offset, once the log has proved to be the one that was committed on. */
import { AppError } from '@tokenledger/domain';
import type { OffsetRange, OwnedPartition } from '../port.ts';
import type { OffsetMetadata, RecordIdentity } from './offset-metadata.ts';
import { decodeOffsetMetadata, EMPTY_METADATA, identityOf } from './offset-metadata.ts';
import type { Retry } from './retry.ts';
import { persist } from './retry.ts';

/** How long one look for the record before the offset waits for an answer. */
const LOOK_BACK_WAIT_MS = 5_000;

export interface Position {
  readonly offset: number;
  readonly metadata: OffsetMetadata;
}

/** Reads what the group had committed and moves the read position there.
 *  Throws `OFFSET_OUT_OF_RANGE`, `LOG_MISMATCH`, `OFFSET_UNCOMMITTED`, `OFFSET_METADATA_INVALID`: the partition stops, nothing resets by itself. */
export async function committedPosition(retry: Retry, owned: OwnedPartition, startAt: 'beginning' | 'earliest'): Promise<Position> {
  const { committed } = owned;
  const range = await persist(retry, () => owned.range());
  if (committed === null) {
    if (range.start > 0 && startAt === 'beginning') {
      throw offsetUncommitted(`${owned.topic}/${owned.partition}`, range);
    }
    owned.seek(range.start);
    return { offset: range.start, metadata: EMPTY_METADATA };
  }
  const metadata = decodeOffsetMetadata(committed.metadata);
  await checkRecordBefore(retry, owned, range, committed.offset, metadata.last);
  if (metadata.inHand !== null && metadata.inHand.to > range.end) {
    throw new AppError(
      'LOG_MISMATCH',
      `A batch of ${owned.topic}/${owned.partition} up to offset ${metadata.inHand.to} was in hand, the log ends at ${range.end}: it was replaced or restored; set the offset of the group.`,
    );
  }
  return { offset: committed.offset, metadata };
}

/** The record before `offset` must be the one named by `last`, or have expired exactly at the log's start. Leaves the read position at `offset`. */
export async function checkRecordBefore(
  retry: Retry,
  owned: OwnedPartition,
  range: OffsetRange,
  offset: number,
  last: RecordIdentity | null,
): Promise<void> {
  const where = `${owned.topic}/${owned.partition}`;
  if (offset < range.start || offset > range.end) {
    throw new AppError(
      'OFFSET_OUT_OF_RANGE',
      `Offset ${offset} of ${where} is outside of what the log keeps, ${range.start} to ${range.end}: nothing resets by itself; set the offset of the group.`,
    );
  }
  if (last !== null && offset > range.start) {
    const found = identityOf(await recordAt(retry, owned, offset - 1));
    if (found?.source !== last.source || found.sequence !== last.sequence) {
      const met = found === null ? 'a record without identity' : `${found.source}/${found.sequence}`;
      throw new AppError(
        'LOG_MISMATCH',
        `Before offset ${offset} of ${where} stands ${met}, not ${last.source}/${last.sequence}: the log was replaced or restored; set the offset of the group.`,
      );
    }
  }
  owned.seek(offset);
}

async function recordAt(retry: Retry, owned: OwnedPartition, offset: number) {
  return persist(retry, async () => {
    owned.seek(offset);
    const [record] = await owned.poll({ recordsMax: 1, bytesMax: 1, waitMs: LOOK_BACK_WAIT_MS });
    if (record === undefined)
      throw new AppError('LOG_UNAVAILABLE', `Offset ${offset} of ${owned.topic}/${owned.partition} is in the log and was not answered.`, {
        retryable: true,
      });
    return record.offset === offset ? record : undefined;
  });
}

export function offsetUncommitted(where: string, range: OffsetRange): AppError {
  return new AppError(
    'OFFSET_UNCOMMITTED',
    `The group has no offset in ${where}, whose first ${range.start} records have expired: set its offset, or allow \`startAt: earliest\`.`,
  );
}
