/** Ten thousand requests against the bill, through a cluster on Kafka. */
import { describe } from 'vitest';
import { clusterOn } from '../../support/cluster-on-kafka.ts';
import { sharedKafka } from '../../support/kafka/index.ts';
import { billSuite } from '../suites/bill.ts';

const kafka = await sharedKafka();

describe.skipIf(kafka.skipped !== undefined)('on Kafka, each role in processes of its own', () => {
  billSuite(clusterOn(kafka, 'bill'));
});
