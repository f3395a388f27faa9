/** Folds as the checks run them: a tally, its topics, and how far it is. */
import assert from 'node:assert/strict';
import type { FoldOptions, Running } from '@tokenledger/event-log';
import { runFold } from '@tokenledger/event-log';
import type { EventLogHarness } from '../check.ts';
import { eventually } from './eventually.ts';
import type { MortalLog } from './mortal-log.ts';
import { Fuse, mortalLog, NEVER } from './mortal-log.ts';
import { observed, smallBatches } from './shape-run.ts';
import type { Tally } from './tally-fold.ts';
import { expectedTally, OUTPUT_PARTITIONS, tallyFold, tallyOutputs } from './tally-fold.ts';

export interface Setting {
  readonly input: string;
  readonly output: string;
  readonly checkpoints: string;
}

export async function setting(h: EventLogHarness, name: string, partitions = 1): Promise<Setting> {
  return {
    input: await h.createTopic(`${name}-in`, { partitions }),
    output: await h.createTopic(`${name}-out`, { partitions: OUTPUT_PARTITIONS }),
    checkpoints: await h.createTopic(`${name}-checkpoints`, { cleanup: 'compact' }),
  };
}

export function start(
  h: EventLogHarness,
  { input, output, checkpoints }: Setting,
  more: Partial<FoldOptions<Tally>> = {},
): Promise<Running> {
  return runFold({
    ...smallBatches(h),
    log: h.log,
    group: 'g',
    topic: input,
    checkpointTopic: checkpoints,
    checkpointRecords: 3,
    checkpointIntervalMs: 20,
    ...tallyFold(output),
    ...more,
  });
}

export function isAt(log: MortalLog, { input }: Setting, offset: number): boolean {
  return log.commits.get(`${input}/0`)?.offset === offset;
}

/** Folds until `offset` is committed. */
export async function foldTo(h: EventLogHarness, at: Setting, offset: number, more: Partial<FoldOptions<Tally>> = {}): Promise<void> {
  const log = mortalLog(h.log, new Fuse(NEVER));
  const running = await start(h, at, { log, ...more });
  await eventually(h, `a commit of ${offset}`, () => isAt(log, at, offset));
  await running.close();
}

/** Runs until the partition stops. Returns what the observer saw. */
export async function stopsWith(h: EventLogHarness, at: Setting): Promise<string[]> {
  const seen = observed();
  const running = await start(h, at, { observer: seen.observer });
  await eventually(h, 'the partition to stop', () => seen.stopped.length > 0);
  await running.close();
  return seen.stopped;
}

export function sourceOf({ input }: Setting, partition = 0): string {
  return `fold/g/${input}/${partition}`;
}

export async function outputsAre(h: EventLogHarness, at: Setting, count: number): Promise<void> {
  assert.deepEqual(await tallyOutputs(h, at.output, sourceOf(at)), expectedTally(count));
}
