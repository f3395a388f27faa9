/** Changes of keys and channels under load, with two ingresses on Kafka. */
import { describe } from 'vitest';
import { clusterOn } from '../../support/cluster-on-kafka.ts';
import { sharedKafka } from '../../support/kafka/index.ts';
import { controlSuite } from '../suites/control.ts';

const kafka = await sharedKafka();

describe.skipIf(kafka.skipped !== undefined)('on Kafka, each role in processes of its own', () => {
  controlSuite(clusterOn(kafka, 'control'));
});
