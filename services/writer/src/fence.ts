/** The fence in ClickHouse: once it is raised to an epoch, no insert of an older one can take effect any more. */
import { randomUUID } from 'node:crypto';
import { type ClickHouse, ClickHouseQueryError } from '@tokenledger/clickhouse';
import { AppError } from '@tokenledger/domain';
import type { SinkOwner } from '@tokenledger/event-log';

export interface FenceOptions {
  readonly clickhouse: ClickHouse;
  /** Longest wait for the inserts of older owners to end, in milliseconds. */
  readonly killWaitMs: number;
}

/** A raise of an older owner can slip in between ours and the end of its queries; after that it is refused. */
const RAISES_MAX = 3;
/** ClickHouse's number of the error, in its ErrorCodes.cpp. */
const VIOLATED_CONSTRAINT = 469;

/** Every query of an owner begins so; `queryPrefix` ends those of all owners of the partition. */
export function queryId(owner: SinkOwner, rest: string): string {
  return `${queryPrefix(owner)}${owner.epoch}/${rest}`;
}

function queryPrefix(owner: SinkOwner): string {
  return `${owner.topic}/${owner.partition}/`;
}

/** When it resolves, the fence stands at `owner.epoch` and nothing of an older owner is under way: what is in the tables stays as it is.
 *  Throws `FENCED` when a newer owner was first, `FENCE_UNSETTLED` (retryable), and what ClickHouse throws. */
export async function raiseFence(options: FenceOptions, owner: SinkOwner): Promise<void> {
  const { clickhouse, killWaitMs } = options;
  for (let raise = 1; raise <= RAISES_MAX; raise++) {
    // 1. Raise. From here on, inserts of older owners that have not begun are refused.
    await insertEpoch(clickhouse, owner);
    // 2. End those that had begun, late raises of older owners too, and see them gone.
    await clickhouse.kill(queryPrefix(owner), { waitMs: killWaitMs });
    // 3. Read it back: an acknowledgement proves nothing.
    const epoch = await readEpoch(clickhouse, owner);
    if (epoch === owner.epoch) return;
    if (epoch > owner.epoch) throw fenced(owner);
  }
  throw new AppError('FENCE_UNSETTLED', `the fence of ${queryPrefix(owner)} is still below ${owner.epoch} after ${RAISES_MAX} raises`, {
    retryable: true,
  });
}

async function insertEpoch(clickhouse: ClickHouse, owner: SinkOwner): Promise<void> {
  const row = [owner.topic, owner.partition, owner.epoch];
  // Raised again after a failure, it must not have the id of a query that may still run.
  const id = queryId(owner, `fence/${randomUUID()}`);
  try {
    await clickhouse.insertRows('fence', ['stream', 'log_partition', 'epoch'], [row], { queryId: id });
  } catch (error) {
    if (error instanceof ClickHouseQueryError && error.engineCode === VIOLATED_CONSTRAINT) throw fenced(owner, error);
    throw error;
  }
}

/** The oldest epoch that may write the partition at this node; 0 when it never had an owner there. */
export async function readEpoch(clickhouse: ClickHouse, owner: SinkOwner): Promise<number> {
  const table = `${clickhouse.database}.fence`;
  const [row] = await clickhouse.query<{ readonly epoch: string }>(
    `SELECT joinGet({table:String}, 'epoch', {stream:String}, {log_partition:UInt32}) AS epoch`,
    { params: { table, stream: owner.topic, log_partition: owner.partition } },
  );
  return Number(row?.epoch ?? 0);
}

/** Tells an owner that a newer one has taken over. */
export function fenced(owner: SinkOwner, cause?: unknown): AppError {
  const message = `${queryPrefix(owner)} has an owner newer than epoch ${owner.epoch}; if there is none, the log was reset and ClickHouse was not: empty its table \`fence\``;
  return new AppError('FENCED', message, { cause });
}
