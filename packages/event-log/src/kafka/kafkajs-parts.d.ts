/** The parts of kafkajs that the adapter builds on, below its public interface: connections with TLS and SASL, and the protocol. Its version is pinned and patched. */

declare module 'kafkajs/src/loggers/index.js' {
  export interface KafkaJsLogger {
    namespace(name: string): KafkaJsLogger;
  }
  export interface KafkaJsLogLine {
    readonly namespace: string;
    readonly level: number;
    readonly label: string;
    readonly log: { readonly message: string; readonly timestamp: string; readonly logger: string } & Readonly<Record<string, unknown>>;
  }
  const loggers: {
    readonly LEVELS: { readonly NOTHING: 0; readonly ERROR: 1; readonly WARN: 2; readonly INFO: 4; readonly DEBUG: 5 };
    createLogger(options: { readonly level: number; readonly logCreator: () => (line: KafkaJsLogLine) => void }): KafkaJsLogger;
  };
  export default loggers;
}

declare module 'kafkajs/src/network/connection.js' {
  import type { ConnectionOptions as TlsOptions } from 'node:tls';
  import type { Socket } from 'node:net';
  import type { KafkaJsLogger } from 'kafkajs/src/loggers/index.js';

  /** What `encode` resolves with: looked at by kafkajs as its own Encoder. */
  export interface Encoded {
    readonly buf: Buffer;
    readonly buffer: Buffer;
    size(): number;
  }
  export interface ProtocolRequest<Answer> {
    readonly request: {
      readonly apiKey: number;
      readonly apiVersion: number;
      readonly apiName: string;
      readonly encode: () => Promise<Encoded>;
    };
    readonly response: {
      readonly decode: (raw: Buffer) => Promise<unknown>;
      readonly parse: (decoded: never) => Promise<Answer>;
    };
    readonly requestTimeout?: number;
    readonly logResponseError?: boolean;
  }
  export interface SocketFactoryArguments {
    readonly host: string;
    readonly port: number;
    readonly ssl: TlsOptions | null;
    readonly onConnect: () => void;
  }
  export interface ConnectionOptions {
    readonly host: string;
    readonly port: number;
    readonly logger: KafkaJsLogger;
    readonly socketFactory: (target: SocketFactoryArguments) => Socket;
    readonly requestTimeout: number;
    readonly connectionTimeout: number;
    readonly clientId: string;
    readonly ssl: TlsOptions | null;
    readonly sasl: unknown;
    readonly enforceRequestTimeout: boolean;
  }
  export default class Connection {
    readonly socket: Socket | undefined;
    readonly requestQueue: {
      rejectAll(error: Error): void;
      push(request: {
        readonly entry: {
          readonly apiKey: number;
          readonly apiName: string;
          readonly apiVersion: number;
          readonly correlationId: number;
          readonly resolve: (answer: { readonly payload: Buffer }) => void;
          readonly reject: (error: unknown) => void;
        };
        readonly expectResponse: true;
        readonly requestTimeout: number;
        readonly sendRequest: () => void;
      }): void;
    };
    nextCorrelationId(): number;
    constructor(options: ConnectionOptions);
    isConnected(): boolean;
    isAuthenticated(): boolean;
    connect(): Promise<unknown>;
    disconnect(): Promise<unknown>;
    authenticate(): Promise<void>;
    setVersions(versions: unknown): void;
    getSupportAuthenticationProtocol(): boolean | null;
    setSupportAuthenticationProtocol(supported: boolean): void;
    send<Answer>(request: ProtocolRequest<Answer>): Promise<Answer>;
  }
}

declare module 'kafkajs/src/protocol/requests/index.js' {
  import type { ProtocolRequest } from 'kafkajs/src/network/connection.js';

  type Make<Arguments, Answer> = (arguments_: Arguments) => ProtocolRequest<Answer>;
  export interface Definition<Arguments, Answer> {
    readonly protocol: (options: { version: number }) => Make<Arguments, Answer>;
  }
  interface Partitions<Partition> {
    readonly topic: string;
    readonly partitions: readonly Partition[];
  }
  export interface MetadataAnswer {
    readonly brokers: readonly { readonly nodeId: number; readonly host: string; readonly port: number }[];
    readonly controllerId: number;
    readonly topicMetadata: readonly {
      readonly topicErrorCode: number;
      readonly topic: string;
      readonly partitionMetadata: readonly {
        readonly partitionErrorCode: number;
        readonly partitionId: number;
        readonly leader: number;
        readonly replicas: readonly number[];
        readonly isr: readonly number[];
      }[];
    }[];
  }
  export interface GroupMember {
    readonly groupId: string;
    readonly memberId: string;
  }
  export interface Requests {
    readonly Metadata: Definition<{ topics: readonly string[]; allowAutoTopicCreation: boolean }, MetadataAnswer>;
    readonly ListOffsets: Definition<
      { isolationLevel: number; topics: readonly Partitions<{ partition: number; timestamp: number }>[] },
      { responses: readonly Partitions<{ partition: number; errorCode: number; offset: string }>[] }
    >;
    readonly GroupCoordinator: Definition<
      { coordinatorKey: string; groupId: string; coordinatorType: 0 },
      { coordinator: { nodeId: number; host: string; port: number } }
    >;
    readonly JoinGroup: Definition<
      GroupMember & {
        sessionTimeout: number;
        rebalanceTimeout: number;
        protocolType: string;
        groupProtocols: readonly { name: string; metadata: Buffer }[];
      },
      {
        generationId: number;
        leaderId: string;
        memberId: string;
        members: readonly { memberId: string; memberMetadata: Buffer }[];
      }
    >;
    readonly SyncGroup: Definition<
      GroupMember & { generationId: number; groupAssignment: readonly { memberId: string; memberAssignment: Buffer }[] },
      { memberAssignment: Buffer }
    >;
    readonly Heartbeat: Definition<GroupMember & { groupGenerationId: number }, unknown>;
    readonly LeaveGroup: Definition<GroupMember, unknown>;
    readonly OffsetCommit: Definition<
      GroupMember & {
        groupGenerationId: number;
        topics: readonly Partitions<{ partition: number; offset: string; metadata: string }>[];
      },
      unknown
    >;
    readonly OffsetFetch: Definition<
      { groupId: string; topics: readonly Partitions<{ partition: number }>[] },
      { responses: readonly Partitions<{ partition: number; offset: string; metadata: string | null }>[] }
    >;
    readonly CreateTopics: Definition<
      {
        topics: readonly {
          topic: string;
          numPartitions: number;
          replicationFactor: number;
          configEntries: readonly { name: string; value: string }[];
        }[];
        validateOnly: boolean;
        timeout: number;
      },
      unknown
    >;
    readonly CreatePartitions: Definition<
      { topicPartitions: readonly { topic: string; count: number }[]; validateOnly: boolean; timeout: number },
      unknown
    >;
    readonly DescribeConfigs: Definition<
      { resources: readonly { type: number; name: string; configNames: readonly string[] }[]; includeSynonyms: boolean },
      { resources: readonly { configEntries: readonly { configName: string; configValue: string | null }[] }[] }
    >;
    readonly InitProducerId: Definition<
      { transactionalId: null; transactionTimeout: number },
      { producerId: string; producerEpoch: number }
    >;
    readonly ApiVersions: Definition<undefined, { apiVersions: readonly { apiKey: number; minVersion: number; maxVersion: number }[] }>;
  }
  const parts: {
    readonly requests: Requests;
    lookup(
      versions: Readonly<Record<number, { minVersion: number; maxVersion: number }>>,
    ): <Arguments, Answer>(apiKey: number, definition: Definition<Arguments, Answer>) => Make<Arguments, Answer>;
  };
  export default parts;
}

declare module 'kafkajs/src/protocol/requests/apiKeys.js' {
  const apiKeys: Readonly<Record<string, number>>;
  export default apiKeys;
}

declare module 'kafkajs/src/protocol/error.js' {
  const errors: { createErrorFromCode(code: number): Error & { readonly type: string; readonly code: number } };
  export default errors;
}
