/** Recorded exchanges through a cluster on Kafka. */
import { describe } from 'vitest';
import { clusterOn } from '../../support/cluster-on-kafka.ts';
import { sharedKafka } from '../../support/kafka/index.ts';
import { recordingsSuite } from '../suites/recordings.ts';

const kafka = await sharedKafka();

describe.skipIf(kafka.skipped !== undefined)('on Kafka, each role in processes of its own', () => {
  recordingsSuite(clusterOn(kafka, 'recordings'));
});
