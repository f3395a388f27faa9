/** Shapes in a simulated log where anything may fail at any time, in runs drawn from a seed: the promises hold once the faults end. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Running, SimulatedFaults, SimulatedLog, VirtualClock } from '@tokenledger/event-log';
import { runFold, runSink, runTransform, simulatedLog, virtualClock } from '@tokenledger/event-log';
import { describe, it } from 'vitest';
import { copyTo } from './checks/transform.ts';
import { eventually } from './support/eventually.ts';
import { counted, numberedFrom, readAll, send, texts, withoutRepeats } from './support/records.ts';
import type { InsertFate } from './support/sink-twin.ts';
import { SinkTwin } from './support/sink-twin.ts';
import { expectedTally, OUTPUT_PARTITIONS, tallyFold, tallyOutputs } from './support/tally-fold.ts';
import { topicMaker } from './support/topic-maker.ts';

const RUNS = 200;
const RECORDS = 40;

const rate = fc.double({ min: 0, max: 0.15, noNaN: true });

const turmoil = fc.record({
  seed: fc.integer(),
  batchRecordsMax: fc.integer({ min: 1, max: 15 }),
  /** What the members do, 20 ms apart. */
  moves: fc.array(fc.constantFrom('join', 'leave', 'wait', 'deliver'), { minLength: 3, maxLength: 12 }),
  faults: fc.record({
    sendFails: rate,
    sendResponseLost: rate,
    sendStoredTwice: rate,
    commitFails: rate,
    commitResponseLost: rate,
    readFails: rate,
    ownershipChanges: fc.double({ min: 0, max: 0.05, noNaN: true }),
    noticeMsMax: fc.integer({ min: 0, max: 100 }),
    goesAway: fc.double({ min: 0, max: 0.02, noNaN: true }),
    awayMsMax: fc.integer({ min: 0, max: 100 }),
    delayMsMax: fc.integer({ min: 0, max: 10 }),
  }),
});

type Turmoil = typeof turmoil extends fc.Arbitrary<infer Value> ? Value : never;

interface Stage {
  readonly log: SimulatedLog;
  readonly pacing: VirtualClock;
  readonly createTopic: ReturnType<typeof topicMaker>;
}

function stage({ seed }: Turmoil): Stage {
  const pacing = virtualClock(seed);
  const log = simulatedLog({ seed, clock: pacing, handoverWaitMs: 50 });
  return { log, pacing, createTopic: topicMaker(() => log) };
}

function shapeLimits({ pacing, log }: Stage, { batchRecordsMax }: Turmoil) {
  return { log, pacing, group: 'g', batchRecordsMax, batchBytesMax: 1_000_000, lingerMs: 1, retry: { initialMs: 1, maxMs: 20 } } as const;
}

/** Lets members come and go under faults, then ends the faults and waits for `done`. */
async function play(
  at: Stage,
  { faults, moves }: Turmoil,
  more: Partial<SimulatedFaults>,
  start: () => Promise<Running>,
  deliver: () => void,
  done: () => Promise<boolean>,
): Promise<void> {
  const running: Running[] = [await start()];
  at.log.setFaults({ ...faults, ...more });
  for (const move of moves) {
    await at.pacing.wait(20);
    if (move === 'join') await joinUnderFaults(running, start);
    if (move === 'leave' && running.length > 1) await running.shift()?.close();
    if (move === 'deliver') deliver();
  }
  at.log.setFaults({
    sendFails: 0,
    sendResponseLost: 0,
    sendArrivesLate: 0,
    sendStoredTwice: 0,
    commitFails: 0,
    commitResponseLost: 0,
    readFails: 0,
    ownershipChanges: 0,
    goesAway: 0,
  });
  await at.pacing.wait(200);
  // A member that stood down has no runs left: a new one takes the partitions over.
  running.push(await start());
  await Promise.all(running.splice(0, running.length - 1).map((one) => one.close()));
  await eventually(at, 'the end of the work', done);
  deliver();
  await Promise.all(running.map((one) => one.close()));
  await at.log.close();
}

/** The log may be away just now: then nobody joins. */
async function joinUnderFaults(running: Running[], start: () => Promise<Running>): Promise<void> {
  const [joined] = await Promise.allSettled([start()]);
  if (joined.status === 'fulfilled') running.push(joined.value);
}

describe('under faults drawn from a seed', () => {
  it('a transform makes every output, the first ones in order', async () => {
    await fc.assert(
      fc.asyncProperty(turmoil, rate, async (drawn, sendArrivesLate) => {
        const at = stage(drawn);
        const input = await at.createTopic('in', { partitions: 2 });
        const output = await at.createTopic('out', { partitions: 2 });
        for (const partition of [0, 1]) await send(at.log, input, partition, numberedFrom(1, RECORDS));
        const start = () => runTransform({ ...shapeLimits(at, drawn), topic: input, decide: copyTo(output) });
        const outputs = () => Promise.all([0, 1].map(async (partition) => withoutRepeats(texts(await readAll(at.log, output, partition)))));
        await play(
          at,
          drawn,
          { sendArrivesLate },
          start,
          () => {},
          async () => {
            const found = await outputs();
            if (!found.every((values) => values.length === RECORDS)) return false;
            assert.deepEqual(found, [counted(RECORDS), counted(RECORDS)]);
            return true;
          },
        );
      }),
      { numRuns: RUNS },
    );
  });

  it('a sink has every record in its store exactly once', async () => {
    const fates = fc.array(fc.constantFrom<InsertFate>('done', 'nothing', 'half', 'unanswered', 'late'), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(turmoil, rate, fates, async (drawn, sendArrivesLate, drawnFates) => {
        const at = stage(drawn);
        const input = await at.createTopic('in', { partitions: 2 });
        const checkpointTopic = await at.createTopic('checkpoints', { cleanup: 'compact' });
        for (const partition of [0, 1]) await send(at.log, input, partition, numberedFrom(1, RECORDS));
        const store = new SinkTwin({ pacing: at.pacing });
        store.fates = [...drawnFates];
        const start = () => runSink({ ...shapeLimits(at, drawn), topic: input, checkpointTopic, store });
        await play(
          at,
          drawn,
          { sendArrivesLate },
          start,
          () => store.deliverLate(),
          async () => [0, 1].every((partition) => store.values(input, partition).length >= RECORDS),
        );
        for (const partition of [0, 1]) {
          assert.deepEqual(
            store.values(input, partition).toSorted((a, b) => Number(a) - Number(b)),
            counted(RECORDS),
          );
        }
      }),
      { numRuns: RUNS },
    );
  });

  it('a fold makes every output once, under the same number, whoever repeats it', async () => {
    await fc.assert(
      fc.asyncProperty(turmoil, fc.integer({ min: 1, max: 20 }), async (drawn, checkpointRecords) => {
        const at = stage(drawn);
        const input = await at.createTopic('in');
        const output = await at.createTopic('out', { partitions: OUTPUT_PARTITIONS });
        const checkpointTopic = await at.createTopic('checkpoints', { cleanup: 'compact' });
        await send(at.log, input, 0, numberedFrom(1, RECORDS));
        const start = () =>
          runFold({
            ...shapeLimits(at, drawn),
            topic: input,
            checkpointTopic,
            checkpointRecords,
            checkpointIntervalMs: 10,
            ...tallyFold(output),
          });
        const outputs = () => tallyOutputs(at, output, `fold/g/${input}/0`);
        await play(
          at,
          drawn,
          {},
          start,
          () => at.log.compact(checkpointTopic),
          async () => {
            const found = await outputs();
            if (found.flat().length < RECORDS) return false;
            assert.deepEqual(found, expectedTally(RECORDS));
            return true;
          },
        );
      }),
      { numRuns: RUNS },
    );
  });
});
