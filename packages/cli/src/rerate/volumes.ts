/** What the writer that seals days posts by the volume of a month, by the documents as they are then. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { type ControlWatch, type DocumentSet, watchControl } from '@tokenledger/control';
import type { ClickHouse } from '@tokenledger/clickhouse';
import { uuidv7 } from '@tokenledger/domain';
import type { EventLog, Topics } from '@tokenledger/event-log';
import { type Agreed, type DailyVolumes, dailyVolumes } from '@tokenledger/rerating';
import type { Logger } from '@tokenledger/runtime';
import { untilPricedWritten } from '../written.ts';
import { agreementsReader, closedPeriods } from './prices.ts';

export interface PostedVolumesOptions {
  readonly log: EventLog;
  readonly topics: Topics;
  readonly clickhouse: ClickHouse;
  readonly logger: Logger;
}

/** For how long a statement waits for the writers; what is missing then is posted at the next look. */
const WRITTEN_MS = 600_000;
const ID_RANDOM_BYTES = 10;

export function postedVolumes({ log, topics, clickhouse, logger }: PostedVolumesOptions): DailyVolumes {
  const agreementsIn = agreementsReader();
  let watch: ControlWatch | undefined;
  let known: { readonly documents: DocumentSet; readonly agreed: Agreed } | undefined;
  const volumes = dailyVolumes({
    log,
    topics,
    clickhouse,
    async agreed() {
      watch ??= await watchControl({ log, topic: topics.control });
      const documents = watch.documents();
      if (known?.documents !== documents) {
        known = { documents, agreed: { agreements: agreementsIn(documents), closedPeriods: closedPeriods(documents) } };
      }
      return known.agreed;
    },
    instance: `${hostname()}/${process.pid}`,
    written: () => untilPricedWritten(log, topics, performance.now() + WRITTEN_MS),
    now: Date.now,
    newId: () => uuidv7(Date.now(), randomBytes(ID_RANDOM_BYTES)),
    onPosted: (posted) => logger.info(posted, 'corrections for the volume of a month were posted'),
    onHeld: (error, through) =>
      logger.warn({ err: error, through }, 'the volume of a month is not posted: see `tokenledger adjust --dry-run`'),
  });
  return {
    look: (signal) => volumes.look(signal),
    async close() {
      await volumes.close();
      await watch?.close();
    },
  };
}
