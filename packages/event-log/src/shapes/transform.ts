/** log → log: reads a batch, decides, sends, commits. Stateless, in order, at least once; whoever reads the outputs drops repeats by identity. */
import { AppError, invariant } from '@tokenledger/domain';
import type { LogRecord, OutgoingRecord } from '../port.ts';
import { gatherBatch } from './batch.ts';
import { commitBeginning, markBeginning } from './beginning.ts';
import { checkpointPartitions } from './claim.ts';
import { takeInHand } from './in-hand.ts';
import { encodeOffsetMetadata, EMPTY_METADATA, identityOf } from './offset-metadata.ts';
import type { PartitionRun } from './partition-shape.ts';
import { describeOrThrow, runPartitions } from './partition-shape.ts';
import { committedPosition } from './position.ts';
import { persist } from './retry.ts';
import { sendInOrder } from './send.ts';
import type { Running, TransformOptions, TransformOutput } from './types.ts';

/** Runs until closed. Throws `TOPIC_MISSING`, and `TOPIC_MISMATCH` when an output topic has other partitions than the input. */
export async function runTransform(options: TransformOptions): Promise<Running> {
  await checkOutputTopics(options);
  const { checkpointTopic } = options;
  const marks = checkpointTopic === undefined ? null : { ...options, checkpointTopic };
  const partitions = marks === null ? 0 : await checkpointPartitions(marks);
  return runPartitions(options, async (run) => {
    // 1. Go to the committed offset. A crash here costs nothing.
    const position = await committedPosition(run.retry, run.owned, options.startAt ?? 'beginning');
    if (marks !== null) {
      await commitBeginning(marks, run, partitions, position);
      await markBeginning(marks, run, partitions, position);
    }
    await transformPartition(options, run);
  });
}

async function transformPartition(options: TransformOptions, run: PartitionRun): Promise<void> {
  const { owned, producer, pacing, retry } = run;
  while (!owned.signal.aborted) {
    // 2. Read a batch. A crash here costs nothing: it is read again.
    const records = await gatherBatch(retry, owned, options);
    if (records.length === 0) continue;
    const startedMs = pacing.nowMs();
    const letGo = takeInHand('batch', owned);
    try {
      // 3. Decide: one output for each record. A crash here costs the work.
      const outputs = await persist(retry, () => options.decide(records));
      invariant(outputs.length === records.length, `decide made ${outputs.length} outputs of ${records.length} records`);
      // 4. Send, topic by topic, each in order. A crash here leaves a part of the outputs in the log: all of them come again.
      for (const [topic, sent] of byTopic(outputs)) {
        if (owned.signal.aborted) return;
        await sendInOrder(retry, producer, topic, owned.partition, sent);
      }
      // 5. Commit the offset. A crash before it repeats the batch; after it, nothing.
      await persist(retry, () => owned.commit(committedAfter(records)));
    } finally {
      letGo();
    }
    options.observer?.batch?.({
      topic: owned.topic,
      partition: owned.partition,
      records: records.length,
      durationMs: pacing.nowMs() - startedMs,
    });
  }
}

async function checkOutputTopics(options: TransformOptions): Promise<void> {
  const input = await describeOrThrow(options, options.topic);
  for (const topic of options.outputTopics ?? []) {
    const output = await describeOrThrow(options, topic);
    if (output.partitions !== input.partitions) {
      throw new AppError(
        'TOPIC_MISMATCH',
        `Topic ${topic} has ${output.partitions} partitions, ${options.topic} has ${input.partitions}: a record keeps its partition number, so they must be equal.`,
      );
    }
  }
}

function byTopic(outputs: readonly TransformOutput[]): Map<string, OutgoingRecord[]> {
  const grouped = new Map<string, OutgoingRecord[]>();
  for (const { topic, record } of outputs) {
    const records = grouped.get(topic);
    if (records === undefined) grouped.set(topic, [record]);
    else records.push(record);
  }
  return grouped;
}

function committedAfter(records: readonly LogRecord[]) {
  const last = records.at(-1);
  invariant(last !== undefined, 'a batch has a record');
  return { offset: last.offset + 1, metadata: encodeOffsetMetadata({ ...EMPTY_METADATA, last: identityOf(last) }) };
}
