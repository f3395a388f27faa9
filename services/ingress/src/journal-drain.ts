/** Publishes what an ingress that is gone has left in its journal, as the next start of it would. */
import { type EventLog, type Pacing, systemPacing, type Topics } from '@tokenledger/event-log';
import type { Logger } from '@tokenledger/runtime';
import type { IngressConfig } from './config.ts';
import { type DeliveryMetrics, openDelivery } from './delivery.ts';

export interface JournalDrainOptions {
  readonly config: IngressConfig;
  readonly log: EventLog;
  readonly topics: Topics;
  readonly directory: string;
  readonly logger: Logger;
  /** How long the log may take to acknowledge everything, in milliseconds. */
  readonly publishMs: number;
  /** And how long ClickHouse may then take to have it. */
  readonly landMs: number;
  readonly pacing?: Pacing;
}

export interface JournalDrained {
  /** Events that were found and not known to have landed. */
  readonly found: number;
  /** Of these, those that the log has not acknowledged, and those that have not landed: they stay in the journal. */
  readonly unpublished: number;
  readonly unlanded: number;
}

const CLOSE_MS = 10_000;
const LOOK_MS = 50;

/** Throws `JOURNAL_LOCKED`, `JOURNAL_UNREADABLE`, `TOPIC_MISSING`, and what the log throws. */
export async function drainJournal(options: JournalDrainOptions): Promise<JournalDrained> {
  const { config, log, topics, directory, logger, pacing = systemPacing } = options;
  const delivery = await openDelivery({ config, log, topics, directory, logger, metrics: UNCOUNTED });
  const { journal, publisher } = delivery;
  try {
    const unlanded = (): number => journal.lanes().reduce((sum, { last, landed }) => sum + last - landed, 0);
    const found = unlanded();
    const unpublished = await publisher.drain(options.publishMs);
    const untilMs = pacing.nowMs() + options.landMs;
    while (unlanded() > 0 && pacing.nowMs() < untilMs) await pacing.wait(LOOK_MS);
    return { found, unpublished, unlanded: unlanded() };
  } finally {
    await delivery.close(CLOSE_MS);
  }
}

/** A command lives too short for anybody to ask. */
export const UNCOUNTED: DeliveryMetrics = {
  published: () => undefined,
  publishFailed: () => undefined,
  republished: () => undefined,
  journalAlarm: () => undefined,
};
