/** log → outside, exactly once: the store inserts by identity what is missing, and a fence that rises with every claim keeps late inserts out. */
import { AppError, InvariantError } from '@tokenledger/domain';
import type { LogRecord } from '../port.ts';
import { gatherBatch, gatherUpTo } from './batch.ts';
import { commitBeginning } from './beginning.ts';
import { takeInHand } from './in-hand.ts';
import { appendClaim, checkpointPartitions } from './claim.ts';
import type { RecordIdentity } from './offset-metadata.ts';
import { EMPTY_METADATA, encodeOffsetMetadata, identityOf } from './offset-metadata.ts';
import type { PartitionRun } from './partition-shape.ts';
import { runPartitions } from './partition-shape.ts';
import { committedPosition } from './position.ts';
import { backoffMs, persist } from './retry.ts';
import type { Running, SinkBatch, SinkOptions, SinkOwner } from './types.ts';

/** Runs until closed. Throws `TOPIC_MISSING`. */
export async function runSink(options: SinkOptions): Promise<Running> {
  const partitions = await checkpointPartitions(options);
  return runPartitions(options, (run) => new SinkPartition(options, run, partitions).run());
}

class SinkPartition {
  readonly #options: SinkOptions;
  readonly #run: PartitionRun;
  readonly #checkpointPartitions: number;
  #owner: SinkOwner | null = null;
  #letGo = (): void => {};
  /** Everything before this offset is in the store. */
  #offset = 0;
  #last: RecordIdentity | null = null;

  constructor(options: SinkOptions, run: PartitionRun, checkpointPartitions: number) {
    this.#options = options;
    this.#run = run;
    this.#checkpointPartitions = checkpointPartitions;
  }

  async run(): Promise<void> {
    try {
      await this.#steps();
    } finally {
      this.#letGo();
      if (this.#owner !== null) this.#options.store.release(this.#owner);
    }
  }

  async #steps(): Promise<void> {
    const { owned, pacing, retry } = this.#run;
    // 1. Go to the committed offset and find the batch that was in hand there. A crash here costs nothing.
    const position = await committedPosition(retry, owned, this.#options.startAt ?? 'beginning');
    const { offset, metadata } = position;
    await commitBeginning(this.#options, this.#run, this.#checkpointPartitions, position);
    this.#offset = offset;
    this.#last = metadata.last;
    let batch = metadata.inHand === null ? null : toBatch(await gatherUpTo(retry, owned, metadata.inHand.to));
    // 2. Take over.
    let owner = await this.#takeOver(batch);
    for (let attempt = 1; !owned.signal.aborted;) {
      if (batch === null) {
        // 3. Read a batch. A crash here costs nothing.
        batch = toBatch(await gatherBatch(retry, owned, this.#options));
        if (batch === null) continue;
        this.#letGo = takeInHand('batch', owned);
        // 4. Commit its bounds. After a crash from here on, the next owner reads back what of it is there.
        await this.#commit(batch);
      }
      const startedMs = pacing.nowMs();
      try {
        // 5. Write. A crash here leaves some rows, all of them, or rows on their way: step 2 ends these, and only missing ones are inserted.
        await this.#options.store.write(owner, batch);
      } catch (error) {
        if (!leavesDoubt(error)) throw error;
        retry.retrying(error, attempt);
        await pacing.wait(backoffMs(retry, attempt), owned.signal);
        if (owned.signal.aborted) return;
        attempt += 1;
        // In doubt, what is remembered is worth nothing: claim anew, as if after a crash, and hand in the same batch.
        owner = await this.#takeOver(batch);
        continue;
      }
      attempt = 1;
      // 6. Commit the offset. A crash before it hands the batch in again and nothing of it is missing; after it, nothing.
      this.#last = identityOf(batch.records.at(-1));
      this.#offset = batch.to;
      await this.#commit(null);
      this.#letGo();
      this.#options.observer?.batch?.({
        topic: owned.topic,
        partition: owned.partition,
        records: batch.records.length,
        durationMs: pacing.nowMs() - startedMs,
      });
      batch = null;
    }
  }

  /** Makes this run the only one that can write: claim, commit, raise the fence. */
  async #takeOver(batch: SinkBatch | null): Promise<SinkOwner> {
    const { owned, retry } = this.#run;
    this.#letGo();
    this.#letGo = takeInHand('recovery', owned);
    // a. Claim. A crash after it leaves a claim that nobody uses.
    const { epoch } = await appendClaim(this.#options, this.#run, this.#checkpointPartitions);
    // b. Commit the bounds: refused to a former owner, whose claim may be the newest. So fences rise in the order of ownership.
    await this.#commit(batch);
    // c. Raise the fence and end what older epochs have under way. A crash after it: the next owner's epoch is higher still.
    const owner: SinkOwner = { topic: owned.topic, partition: owned.partition, epoch };
    this.#owner = owner;
    await persist(retry, () => this.#options.store.takeOver(owner), leavesDoubt);
    this.#letGo();
    if (batch !== null) this.#letGo = takeInHand('batch', owned);
    return owner;
  }

  async #commit(inHand: SinkBatch | null): Promise<void> {
    const metadata = encodeOffsetMetadata({ ...EMPTY_METADATA, last: this.#last, inHand });
    await persist(this.#run.retry, () => this.#run.owned.commit({ offset: this.#offset, metadata }));
  }
}

/** Whether a throw of the store leaves open what was written, and trying again can settle it: all but a newer owner, a failure that says otherwise, and a broken invariant. */
function leavesDoubt(error: unknown): boolean {
  return error instanceof AppError ? error.retryable : !(error instanceof InvariantError);
}

function toBatch(records: readonly LogRecord[]): SinkBatch | null {
  const first = records[0];
  const last = records.at(-1);
  return first === undefined || last === undefined ? null : { records, from: first.offset, to: last.offset + 1 };
}
