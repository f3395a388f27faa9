/** What the Kafka log is told, and what it does unless told otherwise. */
import type { Socket } from 'node:net';
import type { Pacing } from '../pacing.ts';
import { systemPacing } from '../pacing.ts';
import { RECORD_BYTES_MAX } from '../record-size.ts';

/** Paths are read whenever a connection opens, so that renewed certificates are taken up. */
export interface KafkaTls {
  /** Certificates that sign the brokers', in PEM; the system's when absent. */
  readonly caFile?: string;
  /** The client's own certificate and key, in PEM. */
  readonly certFile?: string;
  readonly keyFile?: string;
  /** The name that the brokers' certificates carry, when it is not their host. */
  readonly serverName?: string;
}

export type KafkaSasl =
  | { readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'; readonly username: string; readonly password: string }
  /** `token` is asked for a bearer token whenever a connection opens or its token is about to expire. */
  | { readonly mechanism: 'oauthbearer'; readonly token: () => Promise<string> };

export const COMPRESSIONS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
export type Compression = (typeof COMPRESSIONS)[number];

export type KafkaLogger = (level: 'debug' | 'info' | 'warn' | 'error', text: string, fields: Readonly<Record<string, unknown>>) => void;

export interface KafkaLogOptions {
  /** `host:port` of brokers to begin with; the others are learned from them. */
  readonly brokers: readonly string[];
  readonly clientId?: string;
  readonly tls?: boolean | KafkaTls;
  readonly sasl?: KafkaSasl;

  /** How batches are compressed when they are sent. Whatever compression a batch has is understood when it is read. */
  readonly compression?: Compression;
  /** How long a send waits for others to the same partition to share its batch, in milliseconds. */
  readonly lingerMs?: number;
  /** Who sends this many records at once has gathered them already: they wait for no others. */
  readonly lingerRecordsMax?: number;
  /** A batch is full, and leaves at once, at this many records or bytes. A send is never split: a larger one is a batch of its own. */
  readonly batchRecordsMax?: number;
  readonly batchBytesMax?: number;
  /** Bytes of sends that wait, for all partitions together; beyond it a send is refused as `LOG_UNAVAILABLE`. */
  readonly queueBytesMax?: number;
  readonly recordBytesMax?: number;

  /** How long a send, commit or other step is tried before it fails as `LOG_UNAVAILABLE`, in milliseconds. */
  readonly timeoutMs?: number;
  /** How long one request waits for its response, in milliseconds. */
  readonly requestTimeoutMs?: number;
  readonly connectTimeoutMs?: number;
  /** For how long what is known of a topic's partitions and their leaders is taken for true, in milliseconds. */
  readonly metadataAgeMsMax?: number;

  /** A member that is not heard of for this long loses its partitions, in milliseconds. */
  readonly sessionTimeoutMs?: number;
  readonly heartbeatMs?: number;
  /** How long a partition waits for its old owner's run to end before it is given to the next one, in milliseconds. */
  readonly handoverWaitMs?: number;

  /** How long a broker holds back the answer to a fetch while there is nothing new, in milliseconds. */
  readonly fetchWaitMs?: number;
  /** Between two fetches from one broker, in milliseconds: small ones are gathered. */
  readonly fetchPauseMs?: number;
  /** What one fetch brings of a partition, and above which no more of it is fetched ahead, in bytes. */
  readonly partitionBytesMax?: number;
  /** What one fetch brings in all, in bytes. */
  readonly fetchBytesMax?: number;

  /** Of topics that are created here. By default three, or as many brokers as there are when they are fewer. */
  readonly replicationFactor?: number;
  /** Of topics that are created here. By default two, or one where the replication factor is less than three. */
  readonly minInsyncReplicas?: number;
  /** Largest batch of topics that are created here, in bytes. */
  readonly topicBatchBytesMax?: number;

  readonly logger?: KafkaLogger;
  readonly pacing?: Pacing;
  /** Opens the socket to a broker in place of the adapter, before TLS: through a proxy, or where a test can cut it. */
  readonly connect?: (host: string, port: number) => Socket;
}

const DEFAULTS = {
  clientId: 'tokenledger',
  tls: false,
  compression: 'none',
  lingerMs: 5,
  lingerRecordsMax: 100,
  batchRecordsMax: 2_000,
  batchBytesMax: 512 * 1024,
  queueBytesMax: 64 * 1024 * 1024,
  recordBytesMax: RECORD_BYTES_MAX,
  timeoutMs: 30_000,
  requestTimeoutMs: 10_000,
  connectTimeoutMs: 3_000,
  metadataAgeMsMax: 60_000,
  sessionTimeoutMs: 10_000,
  heartbeatMs: 1_000,
  handoverWaitMs: 10_000,
  fetchWaitMs: 500,
  fetchPauseMs: 20,
  partitionBytesMax: 1024 * 1024,
  fetchBytesMax: 4 * 1024 * 1024,
  topicBatchBytesMax: 4 * 1024 * 1024,
  logger: () => {},
  pacing: systemPacing,
} as const satisfies Partial<KafkaLogOptions>;

export type KafkaSettings = Omit<KafkaLogOptions, keyof typeof DEFAULTS> & Required<Pick<KafkaLogOptions, keyof typeof DEFAULTS>>;

export function kafkaSettings(options: KafkaLogOptions): KafkaSettings {
  return { ...DEFAULTS, ...options };
}
