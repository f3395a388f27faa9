/** Steps that outlast a log or a ClickHouse that is away for a moment. Each may be taken twice: a read reads again, and what is sent twice is told apart by its key or number. */
import { AppError } from '@tokenledger/domain';
import { type Appended, type OutgoingRecord, persist, type Producer, RETRY_DEFAULTS, systemPacing } from '@tokenledger/event-log';

/** For how long a step is tried again. */
const PATIENCE_MS = 120_000;

/** Throws what the step throws once that was for too long, or cannot pass. */
export async function patiently<Result>(step: () => Promise<Result>): Promise<Result> {
  const untilMs = performance.now() + PATIENCE_MS;
  const retry = { pacing: systemPacing, limits: RETRY_DEFAULTS, signal: new AbortController().signal, retrying: () => {} };
  return persist(retry, step, (error) => error instanceof AppError && error.retryable && performance.now() < untilMs);
}

export async function sendPatiently(
  producer: Producer,
  topic: string,
  partition: number,
  records: readonly OutgoingRecord[],
): Promise<Appended> {
  return patiently(() => producer.send(topic, partition, records));
}
