import type { KafkaTopicHealth } from '@tokenledger/event-log';
import { expect, test } from 'vitest';
import { topicFaults } from './kafka-checks.ts';

const SOUND: KafkaTopicHealth = {
  topic: 't',
  replicas: 3,
  insyncReplicas: 3,
  minInsyncReplicas: 2,
  stampedByLog: true,
  uncleanElection: false,
};

test.each([
  ['three copies of which two must be in sync are sound', {}, []],
  ['one copy is all that a single broker can have', { replicas: 1, insyncReplicas: 1, minInsyncReplicas: 1 }, []],
  ['too few in sync: it takes nothing', { insyncReplicas: 1 }, [/takes no records: 1 of 3 copies are in sync and 2 must be/]],
  ['a copy that lags', { insyncReplicas: 2 }, [/has 2 of 3 copies in sync/]],
  ['an acknowledgement that means one broker', { minInsyncReplicas: 1 }, [/min\.insync\.replicas to 2/]],
  ['stamped by senders', { stampedByLog: false }, [/LogAppendTime/]],
  ['a replica that was behind may lead', { uncleanElection: true }, [/unclean\.leader\.election\.enable to false/]],
  ['two faults are two sentences', { stampedByLog: false, uncleanElection: true }, [/LogAppendTime/, /unclean/]],
])('%s', (_name, changed, faults) => {
  expect(topicFaults({ ...SOUND, ...changed })).toEqual(faults.map((fault) => expect.stringMatching(fault)));
});
