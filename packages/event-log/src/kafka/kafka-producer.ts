/** The producers of one log: they share the queues of partitions, so that one batch is in flight per partition whoever sends. */
import { AppError } from '@tokenledger/domain';
import type { Appended, OutgoingRecord, Producer } from '../port.ts';
import { checkRecordSizes, recordBytes } from '../record-size.ts';
import type { Cluster } from './cluster.ts';
import { PartitionSender } from './partition-sender.ts';

export class Senders {
  readonly #cluster: Cluster;
  readonly #senders = new Map<string, PartitionSender>();
  #queuedBytes = 0;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  producer(): Producer {
    const pending = new Set<Promise<unknown>>();
    return {
      send: async (topic, partition, records) => {
        const sent = this.#send(topic, partition, records);
        pending.add(sent);
        try {
          return await sent;
        } finally {
          pending.delete(sent);
        }
      },
      close: async () => {
        await Promise.allSettled(pending);
      },
    };
  }

  async #send(topic: string, partition: number, records: readonly OutgoingRecord[]): Promise<Appended> {
    this.#cluster.assertOpen();
    const { recordBytesMax, queueBytesMax } = this.#cluster.settings;
    checkRecordSizes(topic, records, recordBytesMax);
    const bytes = records.reduce((sum, record) => sum + recordBytes(record), 0);
    if (this.#queuedBytes + bytes > queueBytesMax && this.#queuedBytes > 0) {
      throw new AppError(
        'LOG_UNAVAILABLE',
        `Sends of ${this.#queuedBytes} bytes wait for the brokers, ${queueBytesMax} may: this one is not taken.`,
        { retryable: true },
      );
    }
    this.#queuedBytes += bytes;
    const key = `${topic}/${partition}`;
    let sender = this.#senders.get(key);
    if (sender === undefined) {
      sender = new PartitionSender(this.#cluster, topic, partition, (done) => {
        this.#queuedBytes -= done;
      });
      this.#senders.set(key, sender);
    }
    return sender.send(records, bytes);
  }
}
