/** Sends that count only when the log names where they landed. */
import { AppError } from '@tokenledger/domain';
import type { Appended, OutgoingRecord, Producer } from '../port.ts';
import { recordBytes } from '../record-size.ts';
import type { Retry } from './retry.ts';
import { persist } from './retry.ts';

/** One send carries at most this much: below what a broker takes in one request. */
const SEND_BYTES_MAX = 512 * 1024;
const SEND_RECORDS_MAX = 1_000;

/** One send, until it is acknowledged. Records may be appended more than once. */
export async function sendAcknowledged(
  retry: Retry,
  producer: Producer,
  topic: string,
  partition: number,
  records: readonly OutgoingRecord[],
): Promise<Appended> {
  return persist(retry, async () => acknowledged(await producer.send(topic, partition, records), topic, partition));
}

/** Sends of bounded size, one after the other: what is acknowledged is always a prefix. */
export async function sendInOrder(
  retry: Retry,
  producer: Producer,
  topic: string,
  partition: number,
  records: readonly OutgoingRecord[],
): Promise<void> {
  let chunk: OutgoingRecord[] = [];
  let bytes = 0;
  for (const record of records) {
    const size = recordBytes(record);
    if (chunk.length > 0 && (bytes + size > SEND_BYTES_MAX || chunk.length >= SEND_RECORDS_MAX)) {
      await sendAcknowledged(retry, producer, topic, partition, chunk);
      chunk = [];
      bytes = 0;
    }
    chunk.push(record);
    bytes += size;
  }
  if (chunk.length > 0) await sendAcknowledged(retry, producer, topic, partition, chunk);
}

/** Some clients resolve a send that stored nothing. Throws `SEND_UNACKNOWLEDGED`. */
function acknowledged(appended: Appended | undefined, topic: string, partition: number): Appended {
  if (
    appended?.topic === topic &&
    appended.partition === partition &&
    Number.isSafeInteger(appended.baseOffset) &&
    appended.baseOffset >= 0
  )
    return appended;
  throw new AppError('SEND_UNACKNOWLEDGED', `A send to ${topic}/${partition} did not name where it landed: it is taken for failed.`, {
    retryable: true,
  });
}
