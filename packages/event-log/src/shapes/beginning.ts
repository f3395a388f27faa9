/** The first time a group meets a partition, told from the time after it has lost what it had committed there: a mark in the checkpoint topic outlives the offsets,
 *  which a log drops together with a topic that is deleted, and some days after a group's last member has left. */
import { AppError } from '@tokenledger/domain';
import { IDLE_WAIT_MS } from './batch.ts';
import { type ClaimOptions, claimScope } from './claim.ts';
import { EMPTY_METADATA, encodeOffsetMetadata } from './offset-metadata.ts';
import type { PartitionRun } from './partition-shape.ts';
import type { Position } from './position.ts';
import { persist } from './retry.ts';
import { sendAcknowledged } from './send.ts';

const POLL = { recordsMax: 1_000, bytesMax: 4 * 1024 * 1024, waitMs: IDLE_WAIT_MS } as const;

/** Commits where the group begins, unless it had committed before. Throws `OFFSET_LOST`. Only after this may a mark or a claim be appended: so whoever finds one
 *  and no offset knows that there was an offset. */
export async function commitBeginning(options: ClaimOptions, run: PartitionRun, partitions: number, { offset }: Position): Promise<void> {
  const { owned, retry } = run;
  if (owned.committed !== null) return;
  if (await isMarked(options, run, partitions)) throw offsetLost(`${owned.topic}/${owned.partition}`);
  await persist(retry, () => owned.commit({ offset, metadata: encodeOffsetMetadata(EMPTY_METADATA) }));
}

/** For shapes that claim nothing. A crash between the commit and the mark: the next owner, which finds nothing done yet, appends it. */
export async function markBeginning(options: ClaimOptions, run: PartitionRun, partitions: number, { metadata }: Position): Promise<void> {
  const { owned, producer, retry } = run;
  if (metadata.last !== null) return;
  const mark = { key: `${claimScope(options, owned.partition)}began`, value: new Uint8Array() };
  await sendAcknowledged(retry, producer, options.checkpointTopic, owned.partition % partitions, [mark]);
}

async function isMarked(options: ClaimOptions, { owned, retry }: PartitionRun, partitions: number): Promise<boolean> {
  const scope = claimScope(options, owned.partition);
  const where = { topic: options.checkpointTopic, partition: owned.partition % partitions };
  const reader = await persist(retry, () => options.log.reader({ ...where, from: 'start' }));
  try {
    const { start, end } = await persist(retry, () => reader.range());
    for (let next = start; next < end && !retry.signal.aborted;) {
      const records = await persist(retry, () => reader.poll(POLL));
      if (records.some(({ key, value }) => value !== null && key !== null && key.startsWith(scope))) return true;
      next = (records.at(-1)?.offset ?? next - 1) + 1;
    }
    return false;
  } finally {
    await reader.close();
  }
}

function offsetLost(where: string): AppError {
  return new AppError(
    'OFFSET_LOST',
    `The group had committed offsets in ${where} and has none any more: the topic was deleted and created again, or they expired while nobody read; set the offset of the group.`,
  );
}
