/** Events in the Confluent wire format from the ingress to ClickHouse, with a schema registry that goes away in between. */
import { type EventLog, openKafkaLog } from '@tokenledger/event-log';
import { schemaRegistry } from '@tokenledger/schemas';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ownPrefix, requireBrokers, sharedKafka } from '../../support/kafka/index.ts';
import { ledgerOnSimulator } from '../../support/ledger-on-simulator.ts';
import { runLedger } from '../../support/running-ledger.ts';
import { type SchemaRegistryStub, startSchemaRegistryStub } from '../../support/schema-registry-stub.ts';
import { sendRequests } from '../../support/sent-requests.ts';

const ROWS_TIMEOUT_MS = 30_000;
const PARTITIONS = 2;
const POLL = { recordsMax: 100, bytesMax: 10_000_000, waitMs: 500 } as const;

const kafka = await sharedKafka();

describe.skipIf(kafka.skipped !== undefined)('with a schema registry', () => {
  const prefix = ownPrefix('schemas');
  const resources = new AsyncDisposableStack();
  let stub: SchemaRegistryStub;
  let log: EventLog;
  beforeAll(async () => {
    stub = resources.use(await startSchemaRegistryStub({ login: 'ledger:secret' }));
    log = openKafkaLog({ brokers: requireBrokers(kafka) });
    resources.defer(() => log.close());
  });
  afterAll(() => resources.disposeAsync());

  const ledger = ledgerOnSimulator((options) =>
    runLedger({
      ...options,
      config: `
log: { topic_prefix: ${prefix}, partitions: ${PARTITIONS} }
kafka: { brokers: [${requireBrokers(kafka).join(', ')}] }
schema_registry: { url: '${stub.url}', username: ledger, password: secret }
`,
    }),
  );

  /** The names of the schemas of all values in a topic, asked of the registry the way its clients ask. */
  async function schemaNames(topic: string): Promise<readonly unknown[]> {
    const registry = schemaRegistry({ url: stub.url, username: 'ledger', password: 'secret' });
    const names: unknown[] = [];
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      const reader = await log.reader({ topic: `${prefix}${topic}`, partition, from: 'start' });
      const { end } = await reader.range();
      for (let read = 0; read < end;) {
        for (const { value, offset } of await reader.poll(POLL)) {
          const bytes = Buffer.from(value ?? []);
          expect(bytes[0]).toBe(0);
          const schema = (await registry.schemaOf(bytes.readUInt32BE(1))) as { readonly name: string };
          names.push(schema.name);
          read = offset + 1;
        }
      }
      await reader.close();
    }
    return names;
  }

  test('each event becomes its row, and is in the topics as clients of the registry read it', async () => {
    await sendRequests(ledger().url, 5);
    await ledger().rows(5, ROWS_TIMEOUT_MS);
    expect(await schemaNames('usage.events')).toEqual(Array.from({ length: 5 }, () => 'UsageEvent'));
    expect(await schemaNames('usage.priced')).toEqual(Array.from({ length: 5 }, () => 'PricedEvent'));
  });

  test('a registry that is away holds up nothing whose schema is known', async () => {
    stub.answerAlways(503);
    await sendRequests(ledger().url, 5);
    await expect(ledger().rows(10, ROWS_TIMEOUT_MS)).resolves.toBeUndefined();
  });
});
