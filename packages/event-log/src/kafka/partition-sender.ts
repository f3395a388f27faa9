/** Sends to one partition: one batch in flight, each identified, so that a batch whose answer was lost may be sent again and is stored once. */
import { AppError } from '@tokenledger/domain';
import errors from 'kafkajs/src/protocol/error.js';
import type { Appended, OutgoingRecord } from '../port.ts';
import type { Cluster } from './cluster.ts';
import { GiveUp, isStaleMetadata, kafkaErrorType, unavailable } from './failures.ts';
import { produceRequest } from './produce-request.ts';
import { encodeRecordBatch, type BatchIdentity } from './record-batch-encoder.ts';
import { SendQueue, type Sized } from './send-queue.ts';

interface Send extends Sized {
  readonly records: readonly OutgoingRecord[];
  readonly resolve: (appended: Appended) => void;
  readonly reject: (error: unknown) => void;
}

interface Writer {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  nextSequence: number;
}

const SEQUENCES = 2 ** 31;
/** Brokers answer requests of one connection one after the other: some connections, so that partitions do not wait for each other. */
const CONNECTIONS = 4;

/** The broker no longer knows who writes, or misses a batch before this one: it has stored nothing of it. */
const IDENTITY_LOST = new Set([
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'UNKNOWN_PRODUCER_ID',
  'INVALID_PRODUCER_EPOCH',
  'INVALID_PRODUCER_ID_MAPPING',
]);
/** The broker finds fault with the records: no attempt changes that. */
const REFUSED = new Set(['INVALID_RECORD', 'INVALID_TIMESTAMP', 'UNSUPPORTED_COMPRESSION_TYPE', 'UNSUPPORTED_FOR_MESSAGE_FORMAT']);
const TOO_LARGE = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']);

export class PartitionSender {
  readonly #cluster: Cluster;
  readonly #topic: string;
  readonly #partition: number;
  readonly #queue: SendQueue<Send>;
  readonly #onDone: (bytes: number) => void;
  #inFlight = false;
  #timer: NodeJS.Timeout | null = null;
  #writer: Writer | null = null;

  /** `onDone` is told of bytes that have left the queue for good. */
  constructor(cluster: Cluster, topic: string, partition: number, onDone: (bytes: number) => void) {
    this.#cluster = cluster;
    this.#topic = topic;
    this.#partition = partition;
    this.#queue = new SendQueue(cluster.settings);
    this.#onDone = onDone;
  }

  send(records: readonly OutgoingRecord[], bytes: number): Promise<Appended> {
    const { promise, resolve, reject } = Promise.withResolvers<Appended>();
    this.#queue.push({ records, bytes, sinceMs: this.#cluster.settings.pacing.nowMs(), resolve, reject });
    this.#schedule();
    return promise;
  }

  #schedule(): void {
    if (this.#inFlight) return;
    const waitMs = this.#queue.waitMs(this.#cluster.settings.pacing.nowMs());
    if (waitMs === null) return;
    if (waitMs > 0) {
      this.#timer ??= setTimeout(() => {
        this.#timer = null;
        this.#dispatch();
      }, waitMs);
      return;
    }
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#inFlight = true;
    // What is sent in the same turn goes along.
    queueMicrotask(() => void this.#run());
  }

  #dispatch(): void {
    if (this.#inFlight || this.#queue.size === 0) return;
    this.#inFlight = true;
    void this.#run();
  }

  async #run(): Promise<void> {
    const sends = this.#queue.take();
    await this.#sendBatch(sends);
    this.#onDone(sends.reduce((sum, { bytes }) => sum + bytes, 0));
    this.#inFlight = false;
    this.#schedule();
  }

  /** Settles every send of the batch; never rejects. */
  async #sendBatch(sends: readonly Send[]): Promise<void> {
    try {
      const baseOffset = await this.#store(sends.flatMap(({ records }) => records));
      let offset = baseOffset;
      for (const { records, resolve } of sends) {
        resolve({ topic: this.#topic, partition: this.#partition, baseOffset: offset });
        offset += records.length;
      }
    } catch (error) {
      if (sends.length > 1 && isAboutRecords(error)) {
        // Together they are too large for the topic, or one of them is refused: alone the others are not.
        for (const send of sends) await this.#sendBatch([send]);
        return;
      }
      for (const { reject } of sends) reject(error);
    }
  }

  /** Resolves with the offset of the first record. */
  async #store(records: readonly OutgoingRecord[]): Promise<number> {
    const { settings } = this.#cluster;
    const what = `sending to ${this.#topic}/${this.#partition}`;
    let batch: Buffer | null = null;
    /** An answer to this batch was lost: it may be stored already. */
    let inDoubt = false;
    try {
      const { baseOffset, writer } = await this.#cluster.persist(what, async () => {
        const by = (this.#writer ??= await this.#newWriter());
        batch ??= encodeRecordBatch(records, {
          identity: identity(by),
          compression: settings.compression,
          nowMs: Date.now(),
        });
        try {
          return { baseOffset: await this.#produce(batch), writer: by };
        } catch (error) {
          const type = kafkaErrorType(error);
          if (TOO_LARGE.has(type ?? '')) throw tooLarge(this.#topic, batch.length, error);
          if (REFUSED.has(type ?? '')) throw recordRefused(what, error);
          if (IDENTITY_LOST.has(type ?? '')) {
            this.#writer = null;
            // Under another identity it could be stored twice: whoever sends decides.
            if (inDoubt) throw new GiveUp(unavailable(what, error));
            batch = null;
          } else if (!isStaleMetadata(error) && type !== 'NOT_ENOUGH_REPLICAS') {
            inDoubt = true;
          }
          throw error;
        }
      });
      writer.nextSequence = (writer.nextSequence + records.length) % SEQUENCES;
      return baseOffset;
    } catch (error) {
      // Whether the batch is stored may not be known, and the next one must not be taken for its successor.
      if (!isAboutRecords(error)) this.#writer = null;
      throw error;
    }
  }

  async #produce(batch: Buffer): Promise<number> {
    const { requestTimeoutMs } = this.#cluster.settings;
    return this.#cluster.atLeader(this.#topic, this.#partition, `produce ${this.#partition % CONNECTIONS}`, async (link) => {
      const answer = await link.exchange(produceRequest(this.#topic, this.#partition, batch, requestTimeoutMs));
      if (answer !== null && answer.errorCode !== 0) throw errors.createErrorFromCode(answer.errorCode);
      if (answer === null || answer.baseOffset < 0) {
        throw new AppError(
          'SEND_UNACKNOWLEDGED',
          `A send to ${this.#topic}/${this.#partition} was answered without the place where it landed: it is taken for failed.`,
          { retryable: true },
        );
      }
      return answer.baseOffset;
    });
  }

  async #newWriter(): Promise<Writer> {
    const { producerId, producerEpoch } = await this.#cluster.anyBroker((link) =>
      link.send('InitProducerId', { transactionalId: null, transactionTimeout: this.#cluster.settings.requestTimeoutMs }),
    );
    return { producerId: BigInt(producerId), producerEpoch, nextSequence: 0 };
  }
}

function identity({ producerId, producerEpoch, nextSequence }: Writer): BatchIdentity {
  return { producerId, producerEpoch, baseSequence: nextSequence };
}

/** The broker has looked at the records and stored none of them. */
function isAboutRecords(error: unknown): boolean {
  return error instanceof AppError && (error.code === 'RECORD_TOO_LARGE' || error.code === 'RECORD_REFUSED');
}

function recordRefused(what: string, cause: unknown): AppError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new AppError('RECORD_REFUSED', `${what}: ${reason}. A compacted topic takes no record without a key.`, { cause });
}

function tooLarge(topic: string, bytes: number, cause: unknown): AppError {
  return new AppError(
    'RECORD_TOO_LARGE',
    `A batch of ${bytes} bytes exceeds what topic ${topic} takes: make its records smaller or raise the topic's max.message.bytes.`,
    { cause },
  );
}
