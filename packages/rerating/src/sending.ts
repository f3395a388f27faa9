/** Sends that outlast a log that is away for a moment. What is sent twice is told apart by its key or number. */
import { AppError } from '@tokenledger/domain';
import { type Appended, type OutgoingRecord, persist, type Producer, RETRY_DEFAULTS, systemPacing } from '@tokenledger/event-log';

/** For how long a send is tried again. */
const PATIENCE_MS = 60_000;

/** Throws what the log throws once it has been away for too long. */
export async function sendPatiently(
  producer: Producer,
  topic: string,
  partition: number,
  records: readonly OutgoingRecord[],
): Promise<Appended> {
  const untilMs = performance.now() + PATIENCE_MS;
  const retry = { pacing: systemPacing, limits: RETRY_DEFAULTS, signal: new AbortController().signal, retrying: () => {} };
  return persist(
    retry,
    () => producer.send(topic, partition, records),
    (error) => error instanceof AppError && error.retryable && performance.now() < untilMs,
  );
}
