/** The sections that every process reads: where data lives, the log, ClickHouse, the admin server, logging and how long a stop may take. */
import { z } from 'zod';
import { defineSection } from './section.ts';

const DAY_MS = 86_400_000;
const KIB = 1024;
const STOP_TIMEOUT_MS_MAX = 600_000;

/** `host` and `port` of something that listens; spread into a section's schema. */
export function listenOptions(
  what: string,
  port: number,
): { readonly host: z.ZodDefault<z.ZodString>; readonly port: z.ZodDefault<z.ZodInt> } {
  return {
    host: z.string().min(1).default('127.0.0.1').describe(`Address that ${what} listens on; 0.0.0.0 means every interface.`),
    port: portOption(`Port that ${what} listens on; 0 means any free port.`, port),
  };
}

function portOption(about: string, port: number): z.ZodDefault<z.ZodInt> {
  return z.int().min(0).max(65_535).default(port).describe(about);
}

export const dataSection = defineSection('data', {
  about: 'Where this process keeps its files.',
  schema: z.strictObject({
    dir: z
      .string()
      .min(1)
      .default('.tokenledger')
      .describe('Directory for the event log, the embedded ClickHouse and the demo; relative to the working directory.'),
  }),
});

export const logSection = defineSection('log', {
  about: 'The event log.',
  schema: z.strictObject({
    adapter: z
      .enum(['auto', 'embedded', 'kafka'])
      .default('auto')
      .describe('Where the log is: embedded in the data directory, or in Kafka; auto means Kafka when `kafka.brokers` names some.'),
    topic_prefix: z
      .string()
      .regex(/^[A-Za-z0-9._-]*$/, 'must be made of letters, digits, dot, dash and underscore')
      .default('tokenledger.')
      .describe('Put before the name of every topic.'),
    partitions: z
      .int()
      .min(1)
      .max(1024)
      .default(4)
      .describe('Partitions of each topic when it is made; `tokenledger topics grow` raises them later.'),
    retention_ms: z
      .int()
      .min(60_000)
      .default(7 * DAY_MS)
      .describe('How long records stay in the log, in milliseconds; longer than the longest outage to survive.'),
  }),
});

export const kafkaSection = defineSection('kafka', {
  about: 'The Kafka cluster that holds the event log, when `log.adapter` says so.',
  schema: z.strictObject({
    brokers: z.array(z.string().min(1)).default([]).describe('Addresses to begin with, as `host:port`.'),
    client_id: z.string().min(1).default('tokenledger').describe('Name that brokers show in their logs and quotas.'),
    tls: z.boolean().default(false).describe('Whether to speak TLS; implied by any of the files below.'),
    tls_ca_file: z.string().default('').describe('PEM file of the authorities to trust; empty means those of the system.'),
    tls_cert_file: z.string().default('').describe('PEM file of a client certificate.'),
    tls_key_file: z.string().default('').describe('PEM file of the key to the client certificate.'),
    tls_server_name: z.string().default('').describe('Name to expect in the certificates of brokers, if not their address.'),
    sasl_mechanism: z.enum(['none', 'plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer']).default('none').describe('How to log in.'),
    sasl_username: z.string().default('').describe('User name for plain and scram.'),
    sasl_password: z.string().default('').describe('Password for plain and scram; better given by the variable than in a file.'),
    sasl_token_file: z.string().default('').describe('File that holds the token for oauthbearer; read anew at each login.'),
    compression: z
      .enum(['none', 'gzip', 'snappy', 'lz4', 'zstd'])
      .default('none')
      .describe('How batches are compressed; readers understand them all.'),
    linger_ms: z.int().min(0).max(1_000).default(5).describe('How long a record may wait for others to be sent along, in milliseconds.'),
    batch_records_max: z.int().min(1).max(100_000).default(2_000).describe('Most records per batch.'),
    batch_bytes_max: z
      .int()
      .min(16_384)
      .default(512 * KIB)
      .describe('Most bytes per batch, in bytes; below what the brokers accept (`message.max.bytes`).'),
    queue_bytes_max: z
      .int()
      .min(KIB * KIB)
      .default(64 * KIB * KIB)
      .describe('Bytes that may wait to be sent, in bytes; beyond it sends fail and are tried again.'),
    timeout_ms: z
      .int()
      .min(1_000)
      .max(600_000)
      .default(30_000)
      .describe('How long a send or a commit is tried before it counts as failed and is taken up anew, in milliseconds.'),
    session_timeout_ms: z
      .int()
      .min(1_000)
      .max(600_000)
      .default(10_000)
      .describe('A process that is not heard of for this long loses its partitions to others, in milliseconds.'),
    replicas: z
      .int()
      .min(0)
      .max(32_767)
      .default(0)
      .describe('Copies of each topic that `migrate` creates; 0 means three, or as many as there are brokers.'),
    min_insync_replicas: z
      .int()
      .min(0)
      .max(32_767)
      .default(0)
      .describe(
        'Copies that must hold a record before it counts as written, in topics that `migrate` creates; 0 means two, or one where there are less than three.',
      ),
  }),
  alsoEnvironment: { brokers: 'KAFKA_BROKERS' },
});

export const schemaRegistrySection = defineSection('schema_registry', {
  about: 'The schema registry of the Kafka cluster, if events are to be in the Confluent wire format; both formats are read.',
  schema: z.strictObject({
    url: z
      .union([z.url({ protocol: /^https?$/ }), z.literal('')])
      .default('')
      .describe('HTTP address of the registry; empty means none: events carry the fingerprint of their schema.'),
    username: z.string().default('').describe('User name for basic authentication; empty means none.'),
    password: z.string().default('').describe('Password for basic authentication; better given by the variable than in a file.'),
    register: z.boolean().default(true).describe('Whether schemas that the registry lacks are added; otherwise they must be there.'),
    timeout_ms: z.int().min(100).max(60_000).default(5_000).describe('How long one request to the registry may take, in milliseconds.'),
  }),
});

export const clickhouseSection = defineSection('clickhouse', {
  about: 'Where rows are written. Without a `url`, `tokenledger up` starts an embedded ClickHouse of its own.',
  schema: z.strictObject({
    url: z
      .union([z.url({ protocol: /^https?$/ }), z.literal('')])
      .default('')
      .describe('HTTP address of a ClickHouse server; empty means the embedded one.'),
    host: z.string().min(1).default('127.0.0.1').describe('Address that the embedded ClickHouse listens on.'),
    port: portOption('Port of the embedded ClickHouse; 0 means any free port.', 8123),
    database: z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be a plain identifier')
      .default('tokenledger')
      .describe('Database that holds the tables.'),
    user: z.string().min(1).default('default').describe('User name at the ClickHouse server.'),
    password: z.string().default('').describe('Password at the ClickHouse server; better given by the variable than in a file.'),
    tls_ca_file: z
      .string()
      .default('')
      .describe('PEM file of the authorities to trust for an https `url`; empty means those of the system.'),
    tls_cert_file: z.string().default('').describe('PEM file of a client certificate.'),
    tls_key_file: z.string().default('').describe('PEM file of the key to the client certificate.'),
    cluster: z.string().default('').describe('Name of the cluster in the configuration of the servers; empty means a single node.'),
    cluster_replica_path: z
      .string()
      .regex(/\{shard\}/, 'must contain {shard}')
      .regex(/\{uuid\}|\{table\}/, 'must contain {uuid} or {table}')
      .default('/clickhouse/tables/{uuid}/{shard}')
      .describe("Path of a replicated table in the coordination service, with the servers' macros."),
    nodes: z
      .array(z.array(z.url({ protocol: /^https?$/ })).min(1))
      .default([])
      .describe(
        'HTTP addresses of the nodes of the cluster: a list of shards, each a list of its replicas. The same list, in the same order, for every writer.',
      ),
  }),
  alsoEnvironment: { url: 'CLICKHOUSE_URL' },
});

export const adminSection = defineSection('admin', {
  about: 'The admin server: `/healthz`, `/readyz` and `/metrics`.',
  schema: z.strictObject(listenOptions('the admin server', 8081)),
});

export const loggingSection = defineSection('logging', {
  about: 'Log lines, written to standard error.',
  schema: z.strictObject({
    level: z
      .enum(['auto', 'trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
      .default('auto')
      .describe('Lowest level that is written; auto means warn for `tokenledger up` and info otherwise.'),
    format: z.enum(['auto', 'json', 'text']).default('auto').describe('auto means text on a terminal and JSON otherwise.'),
  }),
});

export const shutdownSection = defineSection('shutdown', {
  about: 'How the process stops.',
  schema: z.strictObject({
    timeout_ms: z
      .int()
      .min(100)
      .max(STOP_TIMEOUT_MS_MAX)
      .default(15_000)
      .describe('How long finishing what is in hand may take, in milliseconds; then the process exits and says what was left.'),
  }),
});

/** Every section this package owns, in the order of the reference page. */
export const runtimeSections = [
  dataSection,
  logSection,
  kafkaSection,
  schemaRegistrySection,
  clickhouseSection,
  adminSection,
  loggingSection,
  shutdownSection,
] as const;
