/** log → state → log, with checkpoints in the log: an owner claims an epoch, loads the newest complete checkpoint, and sends outputs only once a checkpoint holds them. */
import type { CommittedOffset, LogRecord } from '../port.ts';
import { recordBytes } from '../record-size.ts';
import { gatherBatch, IDLE_WAIT_MS } from './batch.ts';
import type { Checkpoint } from './checkpoint-reader.ts';
import { readCheckpoints } from './checkpoint-reader.ts';
import { CheckpointWriter } from './checkpoint-writer.ts';
import type { Claim } from './claim.ts';
import { appendClaim, checkpointPartitions, claimScope } from './claim.ts';
import { foldStart } from './fold-start.ts';
import type { RecordIdentity } from './offset-metadata.ts';
import { EMPTY_METADATA, encodeOffsetMetadata, identityOf } from './offset-metadata.ts';
import type { OutputNumbers } from './output-numbers.ts';
import { numberOutputs } from './output-numbers.ts';
import type { PartitionRun } from './partition-shape.ts';
import { runPartitions } from './partition-shape.ts';
import { checkRecordBefore } from './position.ts';
import { persist } from './retry.ts';
import { sendInOrder } from './send.ts';
import type { FoldOptions, FoldOutput, Running } from './types.ts';

/** Outputs that wait for their checkpoint, in bytes: at this much it is written early. */
const PENDING_OUTPUT_BYTES_MAX = 8 * 1024 * 1024;

/** Runs until closed. Throws `TOPIC_MISSING`. */
export async function runFold<State>(options: FoldOptions<State>): Promise<Running> {
  const partitions = await checkpointPartitions(options);
  return runPartitions(options, (run) => foldPartition(options, run, partitions));
}

/** What has been folded, and since the last checkpoint. */
interface Folded<State> {
  readonly state: State;
  readonly offset: number;
  readonly last: RecordIdentity | null;
  readonly numbers: OutputNumbers;
  readonly pending: Pending;
}

interface Pending {
  readonly records: number;
  readonly outputs: readonly FoldOutput[];
  readonly outputBytes: number;
  readonly changedScopes: ReadonlySet<string>;
  readonly sinceMs: number;
}

const NOTHING_PENDING: Pending = { records: 0, outputs: [], outputBytes: 0, changedScopes: new Set(), sinceMs: 0 };

async function foldPartition<State>(options: FoldOptions<State>, run: PartitionRun, partitions: number): Promise<void> {
  const { owned, producer, pacing, retry } = run;
  // 1. Claim an epoch. A crash after it leaves a claim that nobody uses.
  const claim = await appendClaim(options, run, partitions);
  const scope = claimScope(options, owned.partition);
  // 2. Load the newest complete checkpoint. A crash here costs nothing.
  const { newest, olderKeys } = await readCheckpoints(retry, options.log, options.checkpointTopic, claim, scope);
  if (owned.signal.aborted) return;
  const start = await startFolding(options, run, claim, newest);
  let { folded } = start;
  // 3. Commit, without moving on: refused to a former owner, whose claim may be the newest. So epochs rise in the order of ownership.
  await persist(retry, () => owned.commit(start.committed));
  // 4. Send the checkpoint's outputs again, then commit where it ends. A crash before or here: the next owner does.
  await sendOutputs(run, start.outputs);
  if (folded.offset !== start.committed.offset) await commit(run, folded);
  const target = { producer, topic: options.checkpointTopic, partition: claim.checkpointPartition, prefix: `${scope}${claim.epoch}/` };
  const writer = new CheckpointWriter(target, olderKeys);

  while (!owned.signal.aborted) {
    // 5. Read a batch and fold it in memory. A crash here: it is folded again from the checkpoint, with the same outputs.
    folded = await foldBatch(options, run, folded);
    const { pending, state } = folded;
    if (owned.signal.aborted || !isDue(options, pending, pacing.nowMs())) continue;
    const startedMs = pacing.nowMs();
    // 6. Write a checkpoint: parts, then the manifest with the outputs. A crash before the manifest leaves the checkpoint before.
    await writer.write(retry, {
      offset: folded.offset,
      last: folded.last,
      numbers: folded.numbers,
      outputs: pending.outputs,
      scopes: options.codec.scopes(state),
      changedScopes: pending.changedScopes,
      encode: (name) => options.codec.encode(state, name),
    });
    // 7. Send the outputs. A crash here: step 4 of the next owner sends all of them again, under the same numbers.
    await sendOutputs(run, pending.outputs);
    // 8. Commit the offset. It only shows how far the group has come, and that a checkpoint must be there.
    await commit(run, folded);
    options.observer?.batch?.({
      topic: owned.topic,
      partition: owned.partition,
      records: pending.records,
      durationMs: pacing.nowMs() - startedMs,
    });
    folded = { ...folded, pending: NOTHING_PENDING };
  }
}

interface Start<State> {
  readonly folded: Folded<State>;
  /** Of the checkpoint: they may not have been sent. */
  readonly outputs: readonly FoldOutput[];
  readonly committed: CommittedOffset;
}

async function startFolding<State>(
  options: FoldOptions<State>,
  { owned, retry }: PartitionRun,
  claim: Claim,
  newest: Checkpoint | null,
): Promise<Start<State>> {
  const { partition, committed } = owned;
  const where = `${owned.topic}/${partition}`;
  const range = await persist(retry, () => owned.range());
  const { startAt = 'beginning', rebuild = false } = options;
  const start = foldStart({ where, committed, checkpoint: newest, range, startAt, rebuild });
  if (start.kind === 'empty') {
    const { offset } = start;
    await checkRecordBefore(retry, owned, range, offset, null);
    const numbers = { source: sourceName(options, partition, offset === 0 ? 0 : claim.epoch), given: {} };
    const folded = { state: options.initial(partition), offset, last: null, numbers, pending: NOTHING_PENDING };
    return { folded, outputs: [], committed: { offset, metadata: encodeOffsetMetadata({ ...EMPTY_METADATA, nothingFolded: true }) } };
  }
  const { manifest, parts, outputs } = start.checkpoint;
  const offset = start.kind === 'moved' ? start.offset : manifest.offset;
  const last = start.kind === 'moved' ? null : manifest.last;
  await checkRecordBefore(retry, owned, range, offset, last);
  const folded = { state: options.codec.decode(partition, parts), offset, last, numbers: manifest.numbers, pending: NOTHING_PENDING };
  return { folded, outputs, committed: committed ?? { offset, metadata: encodeOffsetMetadata({ ...EMPTY_METADATA, last }) } };
}

/** From offset 0 the same outputs get the same numbers, whenever it is folded; from a later one they are others, under a source of their own. */
function sourceName(options: Pick<FoldOptions<never>, 'group' | 'topic'>, partition: number, generation: number): string {
  return `fold/${options.group}/${options.topic}/${partition}${generation === 0 ? '' : `/${generation}`}`;
}

async function foldBatch<State>(
  options: FoldOptions<State>,
  { owned, pacing, retry }: PartitionRun,
  folded: Folded<State>,
): Promise<Folded<State>> {
  const { pending, state } = folded;
  const batchRecordsMax = Math.min(options.batchRecordsMax, Math.max(1, options.checkpointRecords - pending.records));
  const dueMs = pending.records === 0 ? IDLE_WAIT_MS : Math.max(0, pending.sinceMs + options.checkpointIntervalMs - pacing.nowMs());
  const records = await gatherBatch(retry, owned, { ...options, batchRecordsMax }, Math.min(dueMs, IDLE_WAIT_MS));
  const last: LogRecord | undefined = records.at(-1);
  if (last === undefined) return folded;
  const decided = await persist(retry, () => options.decide(state, records, { partition: owned.partition }));
  const { numbers, outputs } = numberOutputs(folded.numbers, decided.outputs);
  return {
    state: decided.state,
    offset: last.offset + 1,
    last: identityOf(last),
    numbers,
    pending: {
      records: pending.records + records.length,
      outputs: [...pending.outputs, ...outputs],
      outputBytes: outputs.reduce((bytes, output) => bytes + recordBytes(output.record), pending.outputBytes),
      changedScopes: new Set([...pending.changedScopes, ...decided.changedScopes]),
      sinceMs: pending.records === 0 ? pacing.nowMs() : pending.sinceMs,
    },
  };
}

function isDue(options: Pick<FoldOptions<never>, 'checkpointRecords' | 'checkpointIntervalMs'>, pending: Pending, nowMs: number): boolean {
  if (pending.records === 0) return false;
  return (
    pending.records >= options.checkpointRecords ||
    pending.outputBytes >= PENDING_OUTPUT_BYTES_MAX ||
    nowMs - pending.sinceMs >= options.checkpointIntervalMs
  );
}

/** In order per target partition. */
async function sendOutputs({ owned, producer, retry }: PartitionRun, outputs: readonly FoldOutput[]): Promise<void> {
  const targets = Map.groupBy(outputs, ({ topic, partition }) => JSON.stringify([topic, partition]));
  for (const [first, ...rest] of targets.values()) {
    if (first === undefined || owned.signal.aborted) return;
    const records = [first, ...rest].map((output) => output.record);
    await sendInOrder(retry, producer, first.topic, first.partition, records);
  }
}

async function commit<State>({ owned, retry }: PartitionRun, { offset, last }: Folded<State>): Promise<void> {
  await persist(retry, () => owned.commit({ offset, metadata: encodeOffsetMetadata({ ...EMPTY_METADATA, last }) }));
}
