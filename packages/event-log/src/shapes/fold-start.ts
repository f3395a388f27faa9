/** Where a Fold starts: a pure comparison of what the group committed, which checkpoint is complete and what the log keeps. */
import { AppError } from '@tokenledger/domain';
import type { CommittedOffset, OffsetRange } from '../port.ts';
import type { Checkpoint } from './checkpoint-reader.ts';
import { decodeOffsetMetadata } from './offset-metadata.ts';
import { offsetUncommitted } from './position.ts';

export type FoldStart =
  /** From the initial state. */
  | { readonly kind: 'empty'; readonly offset: number }
  /** From the checkpoint, where it ends. */
  | { readonly kind: 'checkpoint'; readonly checkpoint: Checkpoint }
  /** From the checkpoint's state, at an offset that an operator set. */
  | { readonly kind: 'moved'; readonly checkpoint: Checkpoint; readonly offset: number };

export interface FoldStartFacts {
  readonly where: string;
  readonly committed: CommittedOffset | null;
  /** The newest complete one. */
  readonly checkpoint: Checkpoint | null;
  readonly range: OffsetRange;
  readonly startAt: 'beginning' | 'earliest';
  readonly rebuild: boolean;
}

/** | committed                    | checkpoint   | start                                                    |
 *  | ---------------------------- | ------------ | -------------------------------------------------------- |
 *  | nothing                      | none         | empty, at offset 0 (or at the log's start, if allowed)   |
 *  | nothing                      | any          | checkpoint                                               |
 *  | offset, nothing folded yet   | none         | empty, at the offset                                     |
 *  | offset set by an operator    | any          | checkpoint's state, at the offset                        |
 *  | offset                       | at or beyond | checkpoint                                               |
 *  | offset                       | before it    | CHECKPOINT_MISSING, or rebuilt: empty at the log's start |
 *  | offset                       | none         | CHECKPOINT_MISSING, or rebuilt: empty at the log's start |
 *
 *  Throws `CHECKPOINT_MISSING`, `OFFSET_UNCOMMITTED`, `OFFSET_METADATA_INVALID`. */
export function foldStart({ where, committed, checkpoint, range, startAt, rebuild }: FoldStartFacts): FoldStart {
  if (committed === null) {
    if (checkpoint !== null) return { kind: 'checkpoint', checkpoint };
    if (range.start === 0 || startAt === 'earliest') return { kind: 'empty', offset: range.start };
    throw offsetUncommitted(where, range);
  }
  const { nothingFolded } = decodeOffsetMetadata(committed.metadata);
  if (checkpoint !== null && committed.metadata === '') return { kind: 'moved', checkpoint, offset: committed.offset };
  if (checkpoint !== null && checkpoint.manifest.offset >= committed.offset) return { kind: 'checkpoint', checkpoint };
  if (checkpoint === null && nothingFolded) return { kind: 'empty', offset: committed.offset };
  if (rebuild) return { kind: 'empty', offset: range.start };
  const found = checkpoint === null ? 'no checkpoint is complete' : `the newest checkpoint ends at ${checkpoint.manifest.offset}`;
  throw new AppError(
    'CHECKPOINT_MISSING',
    `The group has committed offset ${committed.offset} of ${where}, and ${found}: restore the checkpoint topic, or run with \`rebuild\`.`,
  );
}
