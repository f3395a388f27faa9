/** Adds to the ledger what only a copy of a journal has: one that was set aside, or restored. Its numbers may be other events' by now, so each event that
 *  ClickHouse lacks gets a new number, of a source of this import. */
import { join } from 'node:path';
import { AppError, isRejected, type UsageEvent } from '@tokenledger/domain';
import { type EventLog, type Pacing, systemPacing, type Topics } from '@tokenledger/event-log';
import { closedEntries, inspectJournal, isJournalLocked, type Journal, type JournalEntry, nodeDisk } from '@tokenledger/journal';
import type { Logger } from '@tokenledger/runtime';
import { decodeUsageEvent, encodeUsageEvent } from '@tokenledger/schemas';
import type { IngressConfig } from './config.ts';
import { openDelivery } from './delivery.ts';
import { unclosedEvent } from './journal.ts';
import { drainJournal, UNCOUNTED } from './journal-drain.ts';
import { isResultSource } from './result-identity.ts';

export interface JournalImportOptions {
  readonly config: IngressConfig;
  readonly log: EventLog;
  readonly topics: Topics;
  /** The copy. Nothing in it is changed; a folder `import` is made in it for the time of the import. */
  readonly directory: string;
  readonly logger: Logger;
  /** Resolves once everything that the log has at this moment is in ClickHouse. */
  readonly settled: () => Promise<void>;
  /** Which of these events are in ClickHouse. */
  readonly known: (events: readonly UsageEvent[]) => Promise<ReadonlySet<string>>;
  readonly publishMs: number;
  readonly now: () => number;
  readonly pacing?: Pacing;
}

export interface JournalImported {
  readonly found: number;
  /** Of these, those that ClickHouse lacked: they are in the log now. */
  readonly imported: number;
  /** Entries that this version cannot read. */
  readonly unreadable: number;
}

interface Found {
  readonly partition: number;
  readonly event: UsageEvent;
}

/** Events that are asked for at once. */
const ASK_MAX = 500;
const FULL_WAIT_MS = 20;
const CLOSE_MS = 10_000;

/** Throws `JOURNAL_LOCKED`, `IMPORT_INCOMPLETE` (repeat it, it goes on where it was), and what the log, the disk and the callbacks throw. */
export async function importJournal(options: JournalImportOptions): Promise<JournalImported> {
  const { config, log, topics, directory, logger } = options;
  if (isJournalLocked(directory)) {
    throw new AppError('JOURNAL_LOCKED', `a running ingress owns the journal in ${directory}: it publishes what is in it by itself`);
  }
  const own = join(directory, 'import');
  // 1. What an import before this one had numbered keeps its numbers. A crash before this leaves it where it is.
  const left = await drainJournal({ config, log, topics, directory: own, logger, publishMs: options.publishMs, landMs: 0 });
  if (left.unpublished > 0) throw incomplete(left.unpublished);
  // 2. What is on its way must be seen in ClickHouse, or it would be taken for missing.
  await options.settled();
  // 3. Number what is missing, on disk, before any of it is sent.
  const delivery = await openDelivery({ config, log, topics, directory: own, logger, metrics: UNCOUNTED });
  try {
    let [found, imported, unreadable] = [0, 0, 0];
    const seen = new Set<string>();
    for await (const batch of batches(directory, logger)) {
      const readable = batch.filter((one) => one !== null);
      const events = readable.filter(({ event }) => !seen.has(event.eventId));
      unreadable += batch.length - readable.length;
      found += events.length;
      const known = await options.known(events.map(({ event }) => event));
      for (const one of events) {
        seen.add(one.event.eventId);
        if (known.has(one.event.eventId)) continue;
        await add(delivery.journal, one, options);
        imported += 1;
      }
    }
    const unpublished = await delivery.publisher.drain(options.publishMs);
    if (unpublished > 0) throw incomplete(unpublished);
    return { found, imported, unreadable };
  } finally {
    await delivery.close(CLOSE_MS);
  }
}

/** Closed entries and requests without an end; null for what cannot be read. */
async function* batches(directory: string, logger: Logger): AsyncGenerator<readonly (Found | null)[]> {
  const disk = nodeDisk(directory);
  let batch: (Found | null)[] = [];
  for (const { source, unclosed } of await inspectJournal(disk)) {
    // Whoever reads such a result again posts it under its own name: under a number of this import it would be there twice.
    if (isResultSource(source)) {
      logger.warn({ source }, 'a source that the provider numbers is not imported: its results are posted when they are read again');
      continue;
    }
    for await (const { partition, value } of closedEntries(disk, source)) {
      const event = decodeUsageEvent(Buffer.from(value));
      batch.push(isRejected(event) ? null : { partition, event });
      if (batch.length >= ASK_MAX) {
        yield batch;
        batch = [];
      }
    }
    for (const entry of unclosed) batch.push({ partition: entry.partition, event: unclosedEvent(entry) });
  }
  if (batch.length > 0) yield batch;
}

async function add(journal: Journal, { partition, event }: Found, { now, pacing = systemPacing }: JournalImportOptions): Promise<void> {
  const facts = encodeUsageEvent(event);
  let entry: JournalEntry | null;
  while ((entry = journal.open({ partition, facts: () => facts })) === null) await pacing.wait(FULL_WAIT_MS);
  journal.close(entry, event.attribution.virtualKeyId, (sequence) =>
    encodeUsageEvent({ ...event, source: journal.source, sequence, recordedAtMs: now() }),
  );
}

function incomplete(events: number): AppError {
  return new AppError(
    'IMPORT_INCOMPLETE',
    `the event log did not acknowledge ${events} events in time: they are kept; run the import again`,
    { retryable: true },
  );
}
