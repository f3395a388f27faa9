/** The one way to talk to ClickHouse: `@clickhouse/client` with our fixed settings, typed helpers, and errors as `AppError`. */
import { Readable } from 'node:stream';
import { type ClickHouseClient, ClickHouseLogLevel, type ClickHouseSettings, createClient } from '@clickhouse/client';
import { AppError, invariant } from '@tokenledger/domain';
import { toAppError } from './client-error.ts';
import { lazyRows } from './lazy-rows.ts';
import { encodeBlock, type NativeBlock } from './native/block.ts';
import { quoteName, quoteString } from './sql/quote.ts';
import { readTlsFiles, type TlsFiles } from './tls-files.ts';

/** What a row of `JSONCompactEachRow` may hold. Decimals and 64-bit integers go in as strings, `DateTime64` as `YYYY-MM-DD hh:mm:ss.mmm` in UTC. */
export type Cell = string | number | boolean | null | readonly Cell[] | { readonly [key: string]: Cell };

export interface ClickHouseOptions {
  /** Of the HTTP interface, e.g. `http://127.0.0.1:8123`. */
  readonly url: string;
  /** `tokenledger` unless given. It need not exist before the first migration. */
  readonly database?: string;
  readonly username?: string;
  readonly password?: string;
  /** For a URL of `https`. */
  readonly tls?: TlsFiles;
  /** How long one request may take, in milliseconds; 30,000 unless given. */
  readonly requestTimeoutMs?: number;
  /** Requests at a time; further ones wait. 10 unless given. */
  readonly connectionsMax?: number;
  /** Named in the server's query log. */
  readonly application?: string;
}

export interface QueryOptions {
  /** Values for `{name:Type}` placeholders. */
  readonly params?: Readonly<Record<string, unknown>>;
  /** Unique among running queries; `kill` finds it by its beginning. */
  readonly queryId?: string;
  readonly settings?: ClickHouseSettings;
  readonly signal?: AbortSignal;
}

export interface InsertOptions {
  readonly queryId?: string;
  readonly settings?: ClickHouseSettings;
}

/** All methods throw `CLICKHOUSE_UNAVAILABLE` (retryable), `CLICKHOUSE_QUERY_FAILED` (`ClickHouseQueryError`; retryable when trying again can help)
 *  and `CLICKHOUSE_ANSWER_INVALID`. */
export interface ClickHouse {
  readonly url: string;
  readonly database: string;
  /** Rows as objects: 64-bit integers and decimals as strings, `DateTime64` as ISO 8601 in UTC, e.g. `2026-01-31T23:59:59.123Z`. */
  query<Row>(sql: string, options?: QueryOptions): Promise<Row[]>;
  /** Rows as `query` gives them, for many wide ones that are taken one by one: each is text until then, so that few live at a time. */
  queryLazily<Row>(sql: string, options?: QueryOptions): Promise<Iterable<Row>>;
  /** A statement without rows in its answer. */
  command(sql: string, options?: QueryOptions): Promise<void>;
  /** One insert of all rows, in the order of `columns`. Returns how many rows the server says it wrote. Besides the errors of all methods it throws `FENCED`
   *  when the constraint `fence` of the table refused a row (then none was written). After `CLICKHOUSE_UNAVAILABLE` it may have taken effect, or may yet. */
  insertRows(
    table: string,
    columns: readonly string[],
    rows: readonly (readonly Cell[])[],
    options?: InsertOptions,
  ): Promise<{ readonly writtenRows: number }>;
  /** Like `insertRows`, for many rows: the server parses nothing. */
  insertBlock(table: string, block: NativeBlock, options?: InsertOptions): Promise<{ readonly writtenRows: number }>;
  /** Kills every query whose id begins so, and returns once the server runs none of them any more: from then on none of them takes effect.
   *  Throws `CLICKHOUSE_KILL_TIMEOUT` (retryable) when one still ran after `waitMs`. */
  kill(queryIdPrefix: string, options?: { readonly waitMs?: number }): Promise<void>;
  /** Creates the database that this client was opened for, unless it is there. `onCluster`: e.g. `ON CLUSTER main`, or `''`. */
  createDatabase(onCluster?: string): Promise<void>;
  ping(): Promise<void>;
  close(): Promise<void>;
}

export const DEFAULT_DATABASE = 'tokenledger';

const KILL_WAIT_MS = 30_000;
const KILL_POLL_MS = 50;

/** `async_insert` would acknowledge rows before they are in the table, and deduplication drops rows by the hash of their block: identity decides here.
 *  Floats cannot hold our numbers, so they leave JSON as strings. */
const FIXED_SETTINGS: ClickHouseSettings = {
  async_insert: 0,
  insert_deduplicate: 0,
  output_format_json_quote_decimals: 1,
  output_format_json_quote_64bit_integers: 1,
  output_format_json_quote_denormals: 1,
  date_time_output_format: 'iso',
  date_time_input_format: 'best_effort',
  session_timezone: 'UTC',
};

/** Newer servers deduplicate whatever `insert_deduplicate` says unless these say so too (seen in 26.7); older ones refuse what they do not know. */
const DEDUPLICATION_OFF: Readonly<Record<string, string>> = { deduplicate_insert: 'disable', deduplicate_insert_select: 'disable' };

/** Opens no connection yet: `ping` tells whether the server answers. Throws `CLICKHOUSE_TLS_INVALID`. */
export function openClickHouse(options: ClickHouseOptions): ClickHouse {
  const database = options.database ?? DEFAULT_DATABASE;
  const connect = (to: string): ClickHouseClient => connectTo(options, to);
  return new HttpClickHouse(connect, options.url, database);
}

function connectTo(options: ClickHouseOptions, database: string): ClickHouseClient {
  const tls = readTlsFiles(options.tls ?? {});
  return createClient({
    url: options.url,
    database,
    username: options.username ?? 'default',
    password: options.password ?? '',
    ...(tls === undefined ? {} : { tls }),
    application: options.application ?? 'tokenledger',
    request_timeout: options.requestTimeoutMs ?? 30_000,
    max_open_connections: options.connectionsMax ?? 10,
    clickhouse_settings: FIXED_SETTINGS,
    use_multipart_params_auto: true,
    // Errors are thrown: whoever catches them decides whether they are worth a line.
    log: { level: ClickHouseLogLevel.OFF },
  });
}

class HttpClickHouse implements ClickHouse {
  readonly url: string;
  readonly database: string;
  readonly #connect: (database: string) => ClickHouseClient;
  readonly #client: ClickHouseClient;
  #writeSettings: Promise<ClickHouseSettings> | undefined;

  constructor(connect: (database: string) => ClickHouseClient, url: string, database: string) {
    this.#connect = connect;
    this.#client = connect(database);
    this.url = url;
    this.database = database;
  }

  async query<Row>(sql: string, options: QueryOptions = {}): Promise<Row[]> {
    return this.#call(async () => {
      const answer = await this.#client.query({ query: sql, format: 'JSONEachRow', ...toRequest(options) });
      return answer.json<Row>();
    });
  }

  async queryLazily<Row>(sql: string, options: QueryOptions = {}): Promise<Iterable<Row>> {
    return this.#call(async () => {
      const answer = await this.#client.query({ query: sql, format: 'JSONCompactEachRowWithNames', ...toRequest(options) });
      const lines: string[] = [];
      for await (const rows of answer.stream()) for (const { text } of rows) lines.push(text);
      return lazyRows<Row>(lines);
    });
  }

  async command(sql: string, options: QueryOptions = {}): Promise<void> {
    await this.#call(async () => this.#client.command({ query: sql, ...toRequest(await this.#forWriting(options)) }));
  }

  async insertRows(
    table: string,
    columns: readonly string[],
    rows: readonly (readonly Cell[])[],
    options: InsertOptions = {},
  ): Promise<{ readonly writtenRows: number }> {
    if (rows.length === 0) return { writtenRows: 0 };
    return this.#call(async () => {
      const { summary } = await this.#client.insert({
        table: `${table} (${columns.map(quoteName).join(', ')})`,
        values: rows,
        format: 'JSONCompactEachRow',
        ...toRequest(await this.#forWriting(options)),
      });
      return this.#written(summary);
    });
  }

  async insertBlock(table: string, block: NativeBlock, options: InsertOptions = {}): Promise<{ readonly writtenRows: number }> {
    const names = Object.keys(block);
    if (names.length === 0 || block[names[0] as string]?.count === 0) return { writtenRows: 0 };
    const bytes = encodeBlock(block);
    return this.#call(async () => {
      const { stream, summary } = await this.#client.exec({
        query: `INSERT INTO ${table} (${names.map(quoteName).join(', ')}) FORMAT Native`,
        values: Readable.from([bytes], { objectMode: false }),
        ...toRequest(await this.#forWriting(options)),
      });
      // What is left unread would hold the connection.
      for await (const _ of stream);
      return this.#written(summary);
    });
  }

  #written(summary: { readonly written_rows: string } | undefined): { readonly writtenRows: number } {
    if (summary === undefined)
      throw new AppError('CLICKHOUSE_ANSWER_INVALID', `the answer to an insert at ${this.url} has no X-ClickHouse-Summary`);
    return { writtenRows: Number(summary.written_rows) };
  }

  async kill(queryIdPrefix: string, options: { readonly waitMs?: number } = {}): Promise<void> {
    invariant(queryIdPrefix !== '', 'every query id begins with the empty string');
    const waitMs = options.waitMs ?? KILL_WAIT_MS;
    const condition = `startsWith(query_id, ${quoteString(queryIdPrefix)})`;
    const deadline = performance.now() + waitMs;
    for (;;) {
      // Not through `command`: what that asks before would wait behind the queries to be killed when the server is full.
      await this.#call(() => this.#client.command({ query: `KILL QUERY WHERE ${condition} ASYNC` }));
      const running = await this.query<{ readonly query_id: string }>(`SELECT query_id FROM system.processes WHERE ${condition}`);
      if (running.length === 0) return;
      if (performance.now() > deadline) {
        const ids = running.map((row) => row.query_id).join(', ');
        throw new AppError('CLICKHOUSE_KILL_TIMEOUT', `still running ${waitMs} ms after they were killed: ${ids}`, { retryable: true });
      }
      await new Promise((resolve) => setTimeout(resolve, KILL_POLL_MS));
    }
  }

  async createDatabase(onCluster = ''): Promise<void> {
    // A server refuses any statement that comes with a database it does not have, this one too.
    const client = this.#connect('default');
    try {
      await this.#call(() => client.command({ query: `CREATE DATABASE IF NOT EXISTS ${quoteName(this.database)} ${onCluster}` }));
    } finally {
      await client.close();
    }
  }

  async ping(): Promise<void> {
    const answer = await this.#client.ping();
    if (!answer.success) throw toAppError(answer.error, this.url);
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  /** Asks the server once which of its settings turn deduplication off. */
  async #forWriting(options: QueryOptions): Promise<QueryOptions> {
    this.#writeSettings ??= this.#readWriteSettings().catch((error: unknown) => {
      this.#writeSettings = undefined;
      throw error;
    });
    return { ...options, settings: { ...(await this.#writeSettings), ...options.settings } };
  }

  async #readWriteSettings(): Promise<ClickHouseSettings> {
    const known = await this.#client.query({
      query: 'SELECT name FROM system.settings WHERE name IN ({names:Array(String)})',
      query_params: { names: Object.keys(DEDUPLICATION_OFF) },
      format: 'JSONEachRow',
    });
    return Object.fromEntries((await known.json<{ readonly name: string }>()).map(({ name }) => [name, DEDUPLICATION_OFF[name]]));
  }

  async #call<T>(request: () => Promise<T>): Promise<T> {
    try {
      return await request();
    } catch (error) {
      throw toAppError(error, this.url);
    }
  }
}

function toRequest(options: QueryOptions) {
  return {
    ...(options.params && { query_params: { ...options.params } }),
    ...(options.queryId !== undefined && { query_id: options.queryId }),
    ...(options.settings && { clickhouse_settings: options.settings }),
    ...(options.signal && { abort_signal: options.signal }),
  };
}
