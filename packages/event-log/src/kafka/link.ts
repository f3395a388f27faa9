/** One connection to one broker, opened when it is needed and again after a failure. Requests on it are answered in order. */
import { readFileSync } from 'node:fs';
import { connect as connectSocket, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions as TlsOptions } from 'node:tls';
import Connection, { type ProtocolRequest, type SocketFactoryArguments } from 'kafkajs/src/network/connection.js';
import type { KafkaJsLogger } from 'kafkajs/src/loggers/index.js';
import apiKeys from 'kafkajs/src/protocol/requests/apiKeys.js';
import protocol, { type Definition, type Requests } from 'kafkajs/src/protocol/requests/index.js';
import { isConnectionFailure } from './failures.ts';
import type { KafkaSasl, KafkaSettings, KafkaTls } from './options.ts';
import { WireWriter } from './wire.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

type ArgumentsOf<Name extends keyof Requests> = Requests[Name] extends Definition<infer Arguments, unknown> ? Arguments : never;
type AnswerOf<Name extends keyof Requests> = Requests[Name] extends Definition<never, infer Answer> ? Answer : never;

/** A request whose bytes are ready: records go to the socket without being copied once more. */
export interface RawRequest<Answer> {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly apiName: string;
  readonly body: readonly Buffer[];
  /** How long the answer may take, when that is more than the usual. */
  readonly timeoutMs: number;
  readonly decode: (answer: Buffer) => Answer;
}

interface Open {
  readonly connection: Connection;
  readonly lookup: ReturnType<typeof protocol.lookup>;
}

const KEEP_ALIVE_MS = 60_000;
/** Understood by every broker since 2.0. */
const API_VERSIONS_VERSION = 2;

export class Link {
  readonly #address: Address;
  readonly #settings: KafkaSettings;
  readonly #logger: KafkaJsLogger;
  #opening: Promise<Open> | null = null;
  #connection: Connection | null = null;
  #closed = false;

  constructor(address: Address, settings: KafkaSettings, logger: KafkaJsLogger) {
    this.#address = address;
    this.#settings = settings;
    this.#logger = logger;
  }

  /** Sends a request in the newest version that both sides know. Throws what the broker answered or what befell the connection. */
  async send<Name extends keyof Requests>(name: Name, arguments_: ArgumentsOf<Name>): Promise<AnswerOf<Name>> {
    const { lookup } = await this.#ready();
    const make = lookup(apiKeys[name] ?? -1, protocol.requests[name] as Definition<ArgumentsOf<Name>, AnswerOf<Name>>);
    // Whoever asked hears of a failure, and says so where it matters.
    return this.request({ ...make(arguments_), logResponseError: false });
  }

  request<Answer>(request: ProtocolRequest<Answer>): Promise<Answer> {
    return this.#with((connection) => connection.send(request));
  }

  exchange<Answer>(request: RawRequest<Answer>): Promise<Answer> {
    return this.#with((connection) => exchange(connection, request, this.#settings.clientId));
  }

  async #with<Answer>(ask: (connection: Connection) => Promise<Answer>): Promise<Answer> {
    const { connection } = await this.#ready();
    try {
      return await ask(connection);
    } catch (error) {
      // After a failure nobody knows what is still under way on the connection.
      if (isConnectionFailure(error) && this.#connection === connection) this.cut();
      throw error;
    }
  }

  /** Ends what is under way; the next request opens anew. */
  cut(): void {
    const connection = this.#connection;
    this.#connection = null;
    this.#opening = null;
    if (connection === null) return;
    connection.requestQueue.rejectAll(new Error(`The connection to ${this.#address.host}:${this.#address.port} was cut.`));
    void connection.disconnect();
    connection.socket?.destroy();
  }

  close(): void {
    this.#closed = true;
    this.cut();
  }

  #ready(): Promise<Open> {
    if (this.#opening !== null && this.#connection?.isConnected() === false) this.cut();
    this.#opening ??= this.#open();
    return this.#opening;
  }

  async #open(): Promise<Open> {
    const { host, port } = this.#address;
    const { connectTimeoutMs } = this.#settings;
    if (this.#closed) throw new Error('the event log is closed');
    const connection = new Connection({
      host,
      port,
      logger: this.#logger,
      clientId: this.#settings.clientId,
      socketFactory: (target) => openSocket(target, this.#settings),
      ssl: tlsOptions(this.#settings.tls, host),
      sasl: saslOptions(this.#settings.sasl),
      connectionTimeout: connectTimeoutMs,
      requestTimeout: this.#settings.requestTimeoutMs,
      enforceRequestTimeout: true,
    });
    const { promise: late, reject } = Promise.withResolvers<never>();
    // A broker that takes the connection and ends it at once is not noticed by kafkajs.
    const timer = setTimeout(() => reject(new Error(`${host}:${port} did not answer within ${connectTimeoutMs} ms`)), connectTimeoutMs);
    try {
      const open = await Promise.race([handshake(connection), late]);
      this.#connection = connection;
      return open;
    } catch (error) {
      this.#opening = null;
      connection.requestQueue.rejectAll(error instanceof Error ? error : new Error(String(error)));
      void connection.disconnect();
      connection.socket?.destroy();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }
}

async function handshake(connection: Connection): Promise<Open> {
  await connection.connect();
  const asked = protocol.requests.ApiVersions.protocol({ version: API_VERSIONS_VERSION })(undefined);
  const { apiVersions } = await connection.send(asked);
  const versions = Object.fromEntries(apiVersions.map(({ apiKey, minVersion, maxVersion }) => [apiKey, { minVersion, maxVersion }]));
  connection.setVersions(versions);
  connection.setSupportAuthenticationProtocol(true);
  await connection.authenticate();
  return { connection, lookup: protocol.lookup(versions) };
}

async function exchange<Answer>(connection: Connection, request: RawRequest<Answer>, clientId: string): Promise<Answer> {
  const { apiKey, apiVersion, apiName, body, timeoutMs, decode } = request;
  if (!connection.isAuthenticated()) await connection.authenticate();
  const correlationId = connection.nextCorrelationId();
  const bytes = body.reduce((sum, part) => sum + part.length, 0);
  const head = new WireWriter(64).int16(apiKey).int16(apiVersion).int32(correlationId).text(clientId).content;
  const size = new WireWriter(4).int32(head.length + bytes).content;
  const payload = await new Promise<Buffer>((resolve, reject) => {
    connection.requestQueue.push({
      entry: { apiKey, apiName, apiVersion, correlationId, resolve: (answer) => resolve(answer.payload), reject },
      expectResponse: true,
      requestTimeout: timeoutMs,
      sendRequest: () => {
        const { socket } = connection;
        if (socket === undefined || !connection.isConnected()) throw new Error('the connection is not open');
        socket.cork();
        for (const part of [size, head, ...body]) socket.write(part);
        socket.uncork();
      },
    });
  });
  return decode(payload);
}

function openSocket({ host, port, ssl, onConnect }: SocketFactoryArguments, settings: KafkaSettings): Socket {
  const plain = settings.connect?.(host, port) ?? connectSocket({ host, port });
  const socket = ssl === null ? plain : connectTls({ ...ssl, socket: plain });
  // A TLS socket does not tell of what befalls the one below it before the handshake.
  if (socket !== plain) plain.on('error', (error) => socket.destroy(error));
  socket.once(ssl === null ? 'connect' : 'secureConnect', onConnect);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  socket.setNoDelay(true);
  return socket;
}

function tlsOptions(tls: boolean | KafkaTls, host: string): TlsOptions | null {
  if (tls === false) return null;
  const name = tls === true ? undefined : tls.serverName;
  const servername = name ?? (isIP(host) === 0 ? host : undefined);
  return {
    host,
    ...(servername === undefined ? {} : { servername }),
    ...(tls === true || tls.caFile === undefined ? {} : { ca: readFileSync(tls.caFile) }),
    ...(tls === true || tls.certFile === undefined ? {} : { cert: readFileSync(tls.certFile) }),
    ...(tls === true || tls.keyFile === undefined ? {} : { key: readFileSync(tls.keyFile) }),
  };
}

function saslOptions(sasl: KafkaSasl | undefined): unknown {
  if (sasl === undefined) return null;
  if (sasl.mechanism !== 'oauthbearer') return sasl;
  const { token } = sasl;
  return { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: await token() }) };
}
