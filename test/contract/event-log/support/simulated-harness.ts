/** The simulated log under the contract: time is virtual, and nothing fails unless a check says so. */
import type { EventLog, SimulatedLog } from '@tokenledger/event-log';
import { simulatedLog, virtualClock } from '@tokenledger/event-log';
import type { EventLogHarness } from '../check.ts';
import { SinkTwin } from './sink-twin.ts';
import { topicMaker } from './topic-maker.ts';

const RECORD_BYTES_MAX = 100_000;

export interface SimulatedHarnessOptions {
  /** Puts a pretender between the log and the check. */
  readonly disguise?: (log: SimulatedLog) => EventLog;
  readonly fence?: boolean;
}

export async function simulatedHarness({ disguise = (log) => log, fence = true }: SimulatedHarnessOptions = {}): Promise<EventLogHarness> {
  const pacing = virtualClock();
  const real = simulatedLog({ seed: 1, clock: pacing, faults: { delayMsMax: 1 }, recordBytesMax: RECORD_BYTES_MAX, handoverWaitMs: 100 });
  const log = disguise(real);
  return {
    log,
    pacing,
    recordBytesMax: RECORD_BYTES_MAX,
    createTopic: topicMaker(() => log),
    deleteTopic: async (topic) => real.deleteTopic(topic),
    deleteRecords: async (topic, partition, offset) => real.deleteRecords(topic, partition, offset),
    compact: async (topic) => real.compact(topic),
    goAway: async () => real.goAway(),
    comeBack: async () => real.comeBack(),
    restart: () => Promise.reject(new Error('a simulated log ends with its process')),
    sinkStore: () => new SinkTwin({ pacing, fence }),
    close: () => real.close(),
  };
}
