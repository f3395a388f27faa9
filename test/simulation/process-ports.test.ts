// How the simulation's log learns of the death of a process: by its silence, as a broker does.
import { simulatedLog, virtualClock } from '@tokenledger/event-log';
import { describe, expect, it } from 'vitest';
import { Life } from './support/life.ts';
import { logOf } from './support/process-ports.ts';

const SESSION_MS = 60;
const HANDOVER_WAIT_MS = 200;
const CALL_MS = 10;
const GROUP = 'readers';
const TOPIC = 'records';
const PARTITIONS = 2;

/** How many partitions a second process has in the end, which joins after one that `ends` as it joins. */
async function heldBySecond(ends: (life: Life) => void): Promise<number> {
  const clock = virtualClock();
  const log = simulatedLog({ seed: 1, clock, handoverWaitMs: HANDOVER_WAIT_MS, faults: { delayMsMax: CALL_MS } });
  await log.createTopics([{ topic: TOPIC, partitions: PARTITIONS, cleanup: 'time', retentionMs: 0 }]);
  const join = (life: Life) => {
    const processLog = logOf(log, life, clock, SESSION_MS);
    const run = async (owned: { readonly signal: AbortSignal }): Promise<void> => {
      while (!owned.signal.aborted) await life.around(() => clock.wait(1, owned.signal));
    };
    const joined = processLog.join({ group: GROUP, topics: [TOPIC], run, onError: () => undefined });
    return { processLog, joined };
  };
  const life = new Life(clock);
  ends(life);
  // Nobody waits for it: it may never hear that it has joined.
  void join(life);
  await clock.wait(CALL_MS * 2);
  expect(life.dead).toBe(true);
  const second = new Life(clock);
  const { processLog, joined } = join(second);
  await joined;
  await clock.wait(SESSION_MS + HANDOVER_WAIT_MS + CALL_MS * 10);
  const held = processLog.holdings.size;
  second.kill();
  return held;
}

describe('a group gives away what a process had that died', () => {
  it.each([1, 2, 3, 4])('%i steps after it began to join', async (steps) => {
    expect(await heldBySecond((life) => life.killAfter(steps))).toBe(PARTITIONS);
  });

  it('while its wish to join was on its way', async () => {
    expect(await heldBySecond((life) => void Promise.resolve().then(() => life.kill()))).toBe(PARTITIONS);
  });
});
