import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { openEmbeddedLog, systemPacing } from '@tokenledger/event-log';
import { makeTempDir } from '../../support/temp-dir.ts';
import type { EventLogHarness } from './check.ts';
import { eventLogContract } from './event-log-contract.ts';
import { SinkTwin } from './support/sink-twin.ts';
import { topicMaker } from './support/topic-maker.ts';

const RECORD_BYTES_MAX = 100_000;

async function embeddedHarness(): Promise<EventLogHarness> {
  const directory = await makeTempDir('embedded-log');
  const open = () => openEmbeddedLog({ directory: directory.path, groupMs: 0, recordBytesMax: RECORD_BYTES_MAX, handoverWaitMs: 50 });
  let log = open();
  let intruder: DatabaseSync | null = null;
  const comeBack = async (): Promise<void> => {
    intruder?.close();
    intruder = null;
  };
  return {
    get log() {
      return log;
    },
    pacing: systemPacing,
    recordBytesMax: RECORD_BYTES_MAX,
    createTopic: topicMaker(() => log),
    deleteTopic: (topic) => log.deleteTopic(topic),
    deleteRecords: (topic, partition, offset) => log.deleteRecords(topic, partition, offset),
    compact: () => log.maintain(),
    // Somebody else holds the database's write lock.
    goAway: async () => {
      intruder = new DatabaseSync(join(directory.path, 'log.db'));
      intruder.exec('BEGIN IMMEDIATE');
    },
    comeBack,
    restart: async () => {
      await log.close();
      log = open();
    },
    sinkStore: () => new SinkTwin({ pacing: systemPacing }),
    close: async () => {
      await comeBack();
      await log.close();
      await directory[Symbol.asyncDispose]();
    },
  };
}

eventLogContract('embedded', embeddedHarness, { notApplicable: {} });
