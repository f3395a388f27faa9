/** What checks of shapes share: small batches, an observer that remembers, and a death at every step in turn. */
import assert from 'node:assert/strict';
import { AppError } from '@tokenledger/domain';
import type { CommittedOffset, Running, ShapeObserver } from '@tokenledger/event-log';
import type { EventLogHarness } from '../check.ts';
import { eventually } from './eventually.ts';
import type { MortalLog } from './mortal-log.ts';
import { Fuse, mortalLog, NEVER } from './mortal-log.ts';

/** More steps than any scenario here has: reaching it means that a scenario never ends. */
const STEPS_MAX = 500;

/** Limits that make many small batches and quick retries. */
export function smallBatches(harness: EventLogHarness) {
  return { batchRecordsMax: 2, batchBytesMax: 1_000_000, lingerMs: 0, retry: { initialMs: 1, maxMs: 20 }, pacing: harness.pacing } as const;
}

export interface Observed {
  readonly observer: ShapeObserver;
  /** `partition CODE` of partitions that stopped. */
  readonly stopped: string[];
  readonly retried: unknown[];
  /** Records of the batches that were done. */
  readonly batches: number[];
}

export function observed(): Observed {
  const stopped: string[] = [];
  const retried: unknown[] = [];
  const batches: number[] = [];
  return {
    stopped,
    retried,
    batches,
    observer: {
      batch: ({ records }) => batches.push(records),
      retrying: ({ error }) => retried.push(error),
      stopped: ({ partition, error }) => stopped.push(`${partition} ${error instanceof AppError ? error.code : String(error)}`),
    },
  };
}

export interface MortalScenario {
  start(log: MortalLog, fuse: Fuse): Promise<Running>;
  /** Whether all is done, as seen by the log that the running user has. */
  done(log: MortalLog): boolean | Promise<boolean>;
  /** What must hold in the end, whenever the first user died. */
  verify(): Promise<void>;
}

/** Lets a first user die at step 1, 2, … until one lives to the end; each time a second user finishes the work. */
export async function dieAtEveryStep(harness: EventLogHarness, setUp: (attempt: number) => Promise<MortalScenario>): Promise<void> {
  for (let at = 1; ; at += 1) {
    assert.ok(at < STEPS_MAX, 'a user that is not killed comes to an end');
    const scenario = await setUp(at);
    const fuse = new Fuse(at);
    const survived = await runOnce(harness, scenario, fuse);
    if (!survived) await runOnce(harness, scenario, new Fuse(NEVER));
    try {
      await scenario.verify();
    } catch (error) {
      throw new Error(`after a death at step ${at}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
    if (survived) return;
  }
}

async function runOnce(harness: EventLogHarness, scenario: MortalScenario, fuse: Fuse): Promise<boolean> {
  const log = mortalLog(harness.log, fuse);
  const running = await scenario.start(log, fuse);
  try {
    await eventually(harness, 'death or the end of the work', async () => fuse.dead || (await scenario.done(log)));
  } finally {
    await running.close();
  }
  return !fuse.dead;
}

/** Commits for a group from outside, as an operator does. */
export async function commitAs(
  harness: EventLogHarness,
  group: string,
  topic: string,
  partition: number,
  committed: CommittedOffset,
): Promise<void> {
  let done = false;
  const membership = await harness.log.join({
    group,
    topics: [topic],
    run: async (owned) => {
      if (owned.partition !== partition) return;
      await owned.commit(committed);
      done = true;
    },
    onError: () => {},
  });
  await eventually(harness, 'the commit', () => done);
  await membership.close();
}
