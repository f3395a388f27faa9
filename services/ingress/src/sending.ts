/** One send of events to the log. */
import { AppError } from '@tokenledger/domain';
import type { OutgoingRecord, Producer } from '@tokenledger/event-log';
import type { ClosedEntry } from '@tokenledger/journal';
import { identityHeaders } from '@tokenledger/schemas';

/** Gives the failure instead of throwing it: a send that does not name where it landed has failed too. */
export async function append(producer: Producer, topic: string, partition: number, records: readonly OutgoingRecord[]): Promise<unknown> {
  try {
    const appended = await producer.send(topic, partition, records);
    if (appended.topic === topic && appended.partition === partition) return undefined;
    return new AppError('PUBLISH_UNCONFIRMED', `a send to ${topic}/${partition} came back naming ${appended.topic}/${appended.partition}`, {
      retryable: true,
    });
  } catch (error) {
    return error;
  }
}

export function recordOf({ key, value, source, sequence }: ClosedEntry): OutgoingRecord {
  return { key, value, headers: identityHeaders({ source, sequence }) };
}
