/** kafkajs as it comes, for comparison: what happens without the rules that the adapter keeps. */
import { type Admin, type Consumer, Kafka, type KafkaConfig, logLevel, Partitioners, type Producer } from 'kafkajs';

export interface PlainClient extends AsyncDisposable {
  admin(): Promise<Admin>;
  producer(options?: { readonly idempotent?: boolean }): Promise<Producer>;
  transactionalProducer(transactionalId: string): Promise<Producer>;
  consumer(groupId: string): Promise<Consumer>;
}

export function plainClient(brokers: string, config: Partial<KafkaConfig> = {}): PlainClient {
  const kafka = new Kafka({
    clientId: 'plain',
    brokers: [brokers],
    logLevel: logLevel.NOTHING,
    requestTimeout: 2_000,
    retry: { initialRetryTime: 10, retries: 10 },
    ...config,
  });
  const opened: { disconnect(): Promise<void> }[] = [];
  async function open<Client extends { connect(): Promise<void>; disconnect(): Promise<void> }>(client: Client): Promise<Client> {
    opened.push(client);
    await client.connect();
    return client;
  }
  return {
    admin: () => open(kafka.admin()),
    producer: (options) => open(kafka.producer({ ...options, createPartitioner: Partitioners.DefaultPartitioner })),
    transactionalProducer: (transactionalId) =>
      open(
        kafka.producer({ transactionalId, idempotent: true, maxInFlightRequests: 1, createPartitioner: Partitioners.DefaultPartitioner }),
      ),
    consumer: (groupId) => open(kafka.consumer({ groupId, sessionTimeout: 6_000, heartbeatInterval: 500 })),
    async [Symbol.asyncDispose]() {
      await Promise.all(opened.map((client) => client.disconnect()));
    },
  };
}
