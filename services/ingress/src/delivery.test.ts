// What a process that was killed leaves of its source: the next one says how far it was numbered, before anything of it goes.
import { isRejected } from '@tokenledger/domain';
import { openTable, simulatedLog, topicNames, topicSpecs, virtualClock } from '@tokenledger/event-log';
import { type Journal, type SimulatedDisk, simulatedDisk } from '@tokenledger/journal';
import { silentLogger } from '@tokenledger/runtime';
import { decodeSourceState, encodeLandedLane, encodeSourceState, laneKey, type SourceState } from '@tokenledger/schemas';
import { expect, test } from 'vitest';
import { ingressConfig } from './config.ts';
import { openDelivery } from './delivery.ts';
import { UNCOUNTED } from './journal-drain.ts';

const CONFIG = ingressConfig.parse({ announce_interval_ms: 20, republish_interval_ms: 20, publish_linger_ms: 1 });
const CLOSE_MS = 1_000;
const LOOK_MS = 5;
const LOOKS_MAX = 1_000;
const NUMBERS = 3;

interface Started {
  readonly journal: Journal;
  /** Resolves with what the next process finds on the disk. */
  kill(): Promise<SimulatedDisk>;
}

/** Time is virtual: what is waited for takes no time. */
async function openLog() {
  const clock = virtualClock();
  const log = simulatedLog({ seed: 1, clock });
  const topics = topicNames('');
  await log.createTopics(topicSpecs(topics, { partitions: 1, retentionMs: 0 }));
  let ids = 0;

  const write = async (topic: string, key: string, value: Uint8Array): Promise<void> => {
    const producer = await log.producer();
    await producer.send(topic, 0, [{ key, value }]);
  };
  return {
    /** `takesStatements`: whether the log takes what the process says of sources. */
    async start(disk: SimulatedDisk, { takesStatements = true } = {}): Promise<Started> {
      let dead = false;
      const takes = (topic: string): boolean => !dead && (takesStatements || topic !== topics.sources);
      const producer = async () => {
        const real = await log.producer();
        const send: typeof real.send = async (topic, ...rest) => {
          if (!takes(topic)) throw new Error('the log does not take it');
          return real.send(topic, ...rest);
        };
        return { ...real, send };
      };
      const delivery = await openDelivery({
        config: CONFIG,
        log: { ...log, producer },
        topics,
        directory: '',
        disk,
        pacing: clock,
        now: () => clock.nowMs(),
        newId: () => `00000000-0000-7000-8000-${String((ids += 1)).padStart(12, '0')}`,
        logger: silentLogger(),
        metrics: UNCOUNTED,
      });
      return {
        journal: delivery.journal,
        async kill() {
          const left = disk.copy();
          dead = true;
          await delivery.close(CLOSE_MS);
          return left;
        },
      };
    },
    /** ClickHouse has all of it. */
    landed: (source: string) =>
      write(
        topics.landed,
        laneKey(source, 0),
        encodeLandedLane({ source, partition: 0, through: NUMBERS, highest: NUMBERS, missing: [], atMs: 0 }),
      ),
    say: (state: SourceState) => write(topics.sources, state.source, encodeSourceState(state)),
    async said(source: string): Promise<SourceState | undefined> {
      const decode = (_key: string, value: Uint8Array): SourceState => {
        const state = decodeSourceState(value);
        if (isRejected(state)) throw new Error(state.message);
        return state;
      };
      const table = await openTable({ log, topic: topics.sources, decode, pacing: clock });
      await table.close();
      return table.get(source);
    },
    async until(holds: () => boolean, what: string): Promise<void> {
      for (let looks = 0; !holds(); looks++) {
        if (looks === LOOKS_MAX) throw new Error(`in vain for ${what}`);
        await clock.wait(LOOK_MS);
      }
    },
    pass: (ms: number) => clock.wait(ms),
  };
}

/** A process that nobody hears; it numbers some events, all of which land, and is killed. */
async function killedProcess(
  world: Awaited<ReturnType<typeof openLog>>,
): Promise<{ readonly source: string; readonly disk: SimulatedDisk }> {
  const started = await world.start(simulatedDisk(), { takesStatements: false });
  const { journal } = started;
  for (let number = 1; number <= NUMBERS; number++) {
    const entry = journal.open({ partition: 0, facts: () => Buffer.from('facts') });
    if (entry === null) throw new Error('the journal is full');
    const position = journal.close(entry, 'key', (sequence) => Buffer.from(`event ${sequence}`));
    await new Promise<void>((resolve) => journal.onSynced(position, resolve));
  }
  await world.landed(journal.source);
  return { source: journal.source, disk: await started.kill() };
}

const holds = ({ journal }: Started, source: string): boolean => journal.lanes().some((lane) => lane.source === source);
const FINAL = { closed: true, openRequests: 0, partitions: new Map([[0, NUMBERS]]), closedBy: null };

test('a source whose process was killed is closed by the next one, though all of it has landed', async () => {
  const world = await openLog();
  const { source, disk } = await killedProcess(world);
  expect(await world.said(source)).toBeUndefined();
  const next = await world.start(disk);
  await world.until(() => !holds(next, source), 'the earlier source to go');
  expect(await world.said(source)).toMatchObject(FINAL);
  await next.kill();
});

test('what has landed of an earlier source stays until the log has how far it was numbered, whoever dies meanwhile', async () => {
  const world = await openLog();
  const { source, disk } = await killedProcess(world);
  const unheard = await world.start(disk, { takesStatements: false });
  await world.pass(CONFIG.republish_interval_ms * 10);
  expect(holds(unheard, source)).toBe(true);
  const next = await world.start(await unheard.kill());
  await world.until(() => !holds(next, source), 'the earlier source to go');
  expect(await world.said(source)).toMatchObject(FINAL);
  await next.kill();
});

test('a source that an operator has closed stays closed by the operator', async () => {
  const world = await openLog();
  const { source, disk } = await killedProcess(world);
  const closed: SourceState = {
    ...FINAL,
    source,
    instance: 'gone',
    openedAtMs: 1,
    atMs: 2,
    closedBy: { by: 'ann', note: 'its disk was lost' },
  };
  await world.say(closed);
  const next = await world.start(disk);
  await world.until(() => !holds(next, source), 'the earlier source to go');
  expect(await world.said(source)).toEqual(closed);
  await next.kill();
});
