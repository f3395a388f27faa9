/** The official packages against a cluster on Kafka. */
import { describe } from 'vitest';
import { clusterOn } from '../../support/cluster-on-kafka.ts';
import { sharedKafka } from '../../support/kafka/index.ts';
import { ledgerOnSimulator } from '../../support/ledger-on-simulator.ts';
import { anthropicSuite } from '../suites/sdk-anthropic.ts';
import { openaiSuite } from '../suites/sdk-openai.ts';

const kafka = await sharedKafka();

describe.skipIf(kafka.skipped !== undefined)('on Kafka, each role in processes of its own', () => {
  const ledger = ledgerOnSimulator(clusterOn(kafka, 'sdk'));
  openaiSuite(ledger);
  anthropicSuite(ledger);
});
