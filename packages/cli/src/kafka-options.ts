/** The section `kafka` as the adapter of the event log takes it. */
import { accessSync, constants } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { AppError } from '@tokenledger/domain';
import type { KafkaLogOptions, KafkaSasl, KafkaTls } from '@tokenledger/event-log';
import type { Logger } from '@tokenledger/runtime';
import { besideConfig, type Settings } from './settings.ts';

/** Throws `KAFKA_BROKERS_MISSING`, `KAFKA_FILE_UNREADABLE`. */
export function kafkaOptions(settings: Settings, logger: Logger): KafkaLogOptions {
  const { kafka } = settings.config;
  if (kafka.brokers.length === 0) {
    throw new AppError('KAFKA_BROKERS_MISSING', 'log.adapter is kafka and kafka.brokers is empty: name the brokers (KAFKA_BROKERS)');
  }
  const sasl = saslOf(settings);
  return {
    brokers: kafka.brokers,
    clientId: kafka.client_id,
    tls: tlsOf(settings),
    ...(sasl === undefined ? {} : { sasl }),
    compression: kafka.compression,
    lingerMs: kafka.linger_ms,
    batchRecordsMax: kafka.batch_records_max,
    batchBytesMax: kafka.batch_bytes_max,
    queueBytesMax: kafka.queue_bytes_max,
    timeoutMs: kafka.timeout_ms,
    sessionTimeoutMs: kafka.session_timeout_ms,
    ...(kafka.replicas === 0 ? {} : { replicationFactor: kafka.replicas }),
    ...(kafka.min_insync_replicas === 0 ? {} : { minInsyncReplicas: kafka.min_insync_replicas }),
    logger: (level, text, fields) => logger[level](fields, text),
  };
}

function tlsOf(settings: Settings): boolean | KafkaTls {
  const { kafka } = settings.config;
  const file = (path: string): string => readableFile(besideConfig(settings, path));
  const tls: KafkaTls = {
    ...(kafka.tls_ca_file === '' ? {} : { caFile: file(kafka.tls_ca_file) }),
    ...(kafka.tls_cert_file === '' ? {} : { certFile: file(kafka.tls_cert_file) }),
    ...(kafka.tls_key_file === '' ? {} : { keyFile: file(kafka.tls_key_file) }),
    ...(kafka.tls_server_name === '' ? {} : { serverName: kafka.tls_server_name }),
  };
  return Object.keys(tls).length === 0 ? kafka.tls : tls;
}

function saslOf(settings: Settings): KafkaSasl | undefined {
  const { sasl_mechanism: mechanism, sasl_username: username, sasl_password: password, sasl_token_file: file } = settings.config.kafka;
  if (mechanism === 'none') return undefined;
  if (mechanism !== 'oauthbearer') return { mechanism, username, password };
  if (file === '')
    throw new AppError('KAFKA_FILE_UNREADABLE', 'kafka.sasl_mechanism is oauthbearer: name the file of its token in kafka.sasl_token_file');
  const path = readableFile(besideConfig(settings, file));
  // Read whenever a connection opens: such files are renewed in place.
  return { mechanism, token: async () => (await readFile(path, 'utf8')).trim() };
}

/** A start tells which file is missing, rather than a connection that is tried for ever. */
function readableFile(path: string): string {
  try {
    accessSync(path, constants.R_OK);
    return path;
  } catch (cause) {
    throw new AppError('KAFKA_FILE_UNREADABLE', `${path} cannot be read: correct the path in the section kafka, or its permissions`, {
      cause,
    });
  }
}
