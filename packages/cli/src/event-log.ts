/** The event log of a process: embedded in its data directory, or in Kafka. */
import {
  createMissingTopics,
  type EventLog,
  openEmbeddedLog,
  openKafkaLog,
  requireTopics,
  topicNames,
  withGroupPrefix,
  withTranslatedValues,
} from '@tokenledger/event-log';
import { lockDataDir, type Logger, part, type Part } from '@tokenledger/runtime';
import { confluentWireFormat, schemaRegistry } from '@tokenledger/schemas';
import { kafkaOptions } from './kafka-options.ts';
import type { Settings } from './settings.ts';

export function usesKafka({ config }: Settings): boolean {
  return config.log.adapter === 'kafka' || (config.log.adapter === 'auto' && config.kafka.brokers.length > 0);
}

interface OpenLogOptions {
  readonly logger: Logger;
  /** Beside the process that owns an embedded log. In Kafka there is no difference. */
  readonly readOnly: boolean;
}

/** Throws `KAFKA_BROKERS_MISSING`, `KAFKA_FILE_UNREADABLE`, and what opening an embedded log throws. Kafka is not reached yet. */
function openLog(settings: Settings, { logger, readOnly }: OpenLogOptions): EventLog {
  if (!usesKafka(settings)) return openEmbeddedLog({ directory: settings.layout.log, readOnly });
  const { log, schema_registry: registry } = settings.config;
  const kafka = withGroupPrefix(openKafkaLog(kafkaOptions(settings, logger)), log.topic_prefix);
  if (registry.url === '') return kafka;
  const { usageEvents, usagePriced, usageReconciled } = topicNames(log.topic_prefix);
  const wireFormat = confluentWireFormat(
    schemaRegistry({
      url: registry.url,
      username: registry.username,
      password: registry.password,
      subjects: registry.register ? 'register' : 'look_up',
      timeoutMs: registry.timeout_ms,
    }),
  );
  return withTranslatedValues(kafka, [usageEvents, usagePriced, usageReconciled], wireFormat);
}

/** What a start does about topics. `create`: what is missing, as `migrate` does. `require`: they must be there. */
export type TopicDuty = 'create' | 'require';

export interface LogPartOptions {
  readonly settings: Settings;
  readonly logger: Logger;
  readonly topicDuty: TopicDuty;
  readonly onOpen: (log: EventLog) => void;
}

/** Throws at its start what `openLog`, `createMissingTopics` and `requireTopics` throw. */
export function logPart({ settings, logger, topicDuty, onOpen }: LogPartOptions): Part {
  const { topic_prefix: prefix, partitions: wanted, retention_ms: retentionMs } = settings.config.log;
  const topics = topicNames(prefix);
  let log: EventLog | undefined;
  return part(
    'event log',
    async () => {
      log = openLog(settings, { logger, readOnly: false });
      onOpen(log);
      // An embedded log belongs to one process: nobody else would make its topics.
      const creates = topicDuty === 'create' || !usesKafka(settings);
      const partitions = creates
        ? await createMissingTopics(log, topics, { partitions: wanted, retentionMs })
        : await requireTopics(log, topics);
      if (partitions !== wanted && settings.origins.has('log.partitions')) logger.warn(countNote(partitions, wanted));
    },
    async () => log?.close(),
  );
}

/** What to say where the setting and the topics differ: the setting is for topics that are made. */
export function countNote(partitions: number, wanted: number): string {
  const more = wanted > partitions ? `; \`tokenledger topics grow --partitions ${wanted}\` raises them` : '';
  return `the usage topics have ${partitions} partitions, log.partitions is ${wanted}${more}`;
}

/** Opens the log for one command and closes it again. An embedded log that is changed must belong to nobody else. Throws `DATA_DIR_IN_USE` and what `openLog` throws. */
export async function withLog<Result>(
  settings: Settings,
  options: OpenLogOptions,
  use: (log: EventLog) => Promise<Result>,
): Promise<Result> {
  const lock = usesKafka(settings) || options.readOnly ? undefined : lockDataDir(settings.layout);
  try {
    const log = openLog(settings, options);
    try {
      return await use(log);
    } finally {
      await log.close();
    }
  } finally {
    lock?.release();
  }
}
