/** A row as `JSONCompactEachRow` has it, and who inserts it. */
import type { Cell } from '@tokenledger/clickhouse';

/** Integers up to 2⁵³ are numbers; times are text of seconds and milliseconds. */
export type Row = readonly Cell[];

/** The fence refuses an older epoch. */
export interface RowOwner {
  readonly topic: string;
  readonly partition: number;
  readonly epoch: number;
}
