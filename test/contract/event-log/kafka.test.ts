import { describe } from 'vitest';
import { requireBrokers, sharedKafka } from '../../support/kafka/index.ts';
import { eventLogContract } from './event-log-contract.ts';
import { kafkaHarness } from './support/kafka-harness.ts';

const kafka = await sharedKafka();

describe.skipIf(kafka.skipped !== undefined)('on Kafka', () => {
  eventLogContract('Kafka', () => kafkaHarness(requireBrokers(kafka)), { notApplicable: {} });
});
