/** Seals days and lets raw rows go, for as long as this process owns partition 0 of the priced topic. A crash at any step costs nothing: what is to be done is
 *  seen from the tables, and a day is swapped in as a whole or not at all. */
import { AppError } from '@tokenledger/domain';
import { type Pacing, type SinkOwner, systemPacing } from '@tokenledger/event-log';
import type { Logger } from '@tokenledger/runtime';
import { planSealing, type Retention } from './core/sealing.ts';
import { watermarkMs } from './core/watermark.ts';
import type { WriterMetrics } from './metrics.ts';
import type { SealedDays } from './sealed-days.ts';

export interface SealerOptions {
  readonly days: SealedDays;
  /** Partitions with records that wait to be priced or written. */
  readonly behind: () => Promise<readonly number[]>;
  readonly retention: Retention;
  readonly allowedLatenessMs: number;
  readonly intervalMs: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly logger: Logger;
  readonly metrics: WriterMetrics;
  /** Posts what a month's volume changes, after each look for days to seal. Gives how many months it cannot post. */
  readonly afterSealing?: (signal: AbortSignal) => Promise<number>;
  readonly pacing?: Pacing;
}

export interface Sealer {
  /** The fence stands at `owner.epoch`. Whoever sealed before in this process stops. */
  start(owner: SinkOwner): void;
  /** Does nothing when a newer owner has started. */
  stop(owner: SinkOwner): void;
  /** Resolves once nothing is under way. */
  close(): Promise<void>;
}

/** How far back the newest event of a partition is looked for. */
const LOOK_BACK_MS = 7 * 86_400_000;
const LEAVING_ROWS_MAX = 5_000_000;

export function createSealer(options: SealerOptions): Sealer {
  const { intervalMs, logger, metrics, pacing = systemPacing } = options;
  let current: { readonly epoch: number; readonly stopping: AbortController } | null = null;
  const running = new Set<Promise<void>>();

  return {
    start(owner) {
      current?.stopping.abort();
      const stopping = new AbortController();
      current = { epoch: owner.epoch, stopping };
      const run = sealUntil(owner, stopping.signal).finally(() => {
        running.delete(run);
        // Whoever seals from now on says so.
        metrics.volumesHeld(0);
      });
      running.add(run);
    },
    stop(owner) {
      if (current === null || current.epoch > owner.epoch) return;
      current.stopping.abort();
      current = null;
    },
    async close() {
      current?.stopping.abort();
      await Promise.all(running);
    },
  };

  async function sealUntil(owner: SinkOwner, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const { sealed, unsettled } = await sealDays(options, owner, signal);
        if (sealed.length > 0) logger.info({ days: sealed }, 'days were sealed');
        if (unsettled.length > 0) logger.debug({ days: unsettled }, 'raw rows stay until every node has the sums');
      } catch (error) {
        if (signal.aborted || (error instanceof AppError && error.code === 'FENCED')) return;
        metrics.sealFailed();
        logger.warn({ err: error }, 'a day could not be sealed; it is tried again');
      }
      await afterLook(signal);
      await pacing.wait(intervalMs, signal);
    }
  }

  async function afterLook(signal: AbortSignal): Promise<void> {
    if (signal.aborted || options.afterSealing === undefined) return;
    try {
      metrics.volumesHeld(await options.afterSealing(signal));
    } catch (error) {
      if (signal.aborted) return;
      metrics.volumesFailed();
      logger.warn({ err: error }, 'corrections for the volume of a month could not be posted; it is tried again');
    }
  }
}

export interface Sealed {
  readonly sealed: readonly string[];
  /** Days whose raw rows are to leave, and stay for now. */
  readonly unsettled: readonly string[];
}

/** One look: everything that is to be sealed now. Throws `SEAL_DISAGREES` once the other days are done, `FENCED`, and what ClickHouse and the log throw. */
export async function sealDays(
  options: Pick<SealerOptions, 'days' | 'behind' | 'retention' | 'allowedLatenessMs' | 'now' | 'metrics'>,
  owner: SinkOwner,
  signal: AbortSignal,
): Promise<Sealed> {
  const { days, retention, metrics } = options;
  // 1. How far events are there. What waits is asked first: what is written afterwards only raises what was seen.
  await days.discard(owner);
  const mark = await watermark(options, owner);
  if (mark === null) return { sealed: [], unsettled: [] };
  // 2. What differs. A crash from here on costs nothing: the next look sees the same.
  const [base, sealedCounts] = [await days.base(owner), await days.sealed(owner)];
  const plans = planSealing({
    base,
    sealed: sealedCounts,
    watermarkMs: mark,
    nowMs: options.now(),
    retention,
    leavingRowsMax: LEAVING_ROWS_MAX,
  });
  const [sealed, unsettled]: [string[], string[]] = [[], []];
  let disagreement: AppError | undefined;
  for (const plan of plans) {
    if (signal.aborted) break;
    try {
      // 3. Build the day and swap it in.
      await days.build(owner, plan, options.now());
      metrics.sealed();
      sealed.push(plan.day);
      // 4. Let go of the raw rows that are in its sums. After a crash before or within it the rest leaves at the next look; until then they count for nothing.
      if (plan.clears && !(await days.clear(owner, plan))) unsettled.push(plan.day);
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'SEAL_DISAGREES') throw error;
      disagreement ??= error;
    }
  }
  if (disagreement !== undefined) throw disagreement;
  return { sealed, unsettled };
}

async function watermark(
  { days, behind, allowedLatenessMs }: Pick<SealerOptions, 'days' | 'behind' | 'allowedLatenessMs'>,
  owner: SinkOwner,
): Promise<number | null> {
  const waiting = await behind();
  const newestMs = await days.newest(owner);
  if (newestMs === null) return null;
  const sinceMs = newestMs - LOOK_BACK_MS;
  const newestOf = waiting.length === 0 ? new Map<number, number>() : await days.newestOf(owner, waiting, sinceMs);
  return watermarkMs(
    { newestMs, behind: waiting.map((partition) => ({ newestMs: newestOf.get(partition) ?? sinceMs })) },
    allowedLatenessMs,
  );
}
