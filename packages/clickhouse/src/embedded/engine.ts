/** The engine: chDB in this process, on one directory. Every request gets a connection of its own and closes it, because settings, parameters, the
 *  database in use and temporary tables belong to the connection: what is closed cannot leak (opening one costs 0.1 ms; 9,000 in a row left no memory behind).
 *
 *  Uses chDB's native calls and not its `Session`, for two reasons: `Session.close()` waits for the queries of all sessions, so that one slow query would keep
 *  every connection opened meanwhile; and `Session.insert()` takes text formats and plain table names only. The version is pinned, the contract suite holds it. */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { EngineError } from './engine-error.ts';

export interface EngineAnswer {
  readonly bytes: Buffer;
  readonly elapsedMs: number;
  /** Of the answer. How many rows were read for it chDB does not tell. */
  readonly rows: number;
}

export interface EngineWrite {
  readonly elapsedMs: number;
  readonly rowsWritten: number;
  readonly bytesWritten: number;
}

/** One statement at a time. Methods throw `EngineError`. */
export interface EngineConnection {
  query(sql: string, format: string): Promise<EngineAnswer>;
  /** A whole `INSERT`, which says where its rows come from: `SELECT` or `FROM INFILE`. */
  insert(sql: string): Promise<EngineWrite>;
  /** Not while a statement is running: that would take the engine down. */
  close(): void;
}

export interface Engine {
  readonly version: string;
  /** `settings` are the connection's defaults. */
  connect(settings: Readonly<Record<string, string>>): EngineConnection;
  close(): void;
}

/** The addon's calls, as chDB 3.4.0 has them. */
interface NativeChdb {
  CreateConnection(path: string, args: readonly string[]): unknown;
  CloseConnection(connection: unknown): void;
  QueryAsyncConnection(
    connection: unknown,
    sql: string,
    format: string,
  ): Promise<{ readonly bytes: Buffer; readonly elapsed: number; readonly rowsRead: number }>;
  InsertRawAsyncConnection(
    connection: unknown,
    head: string,
    data: Buffer,
    countLines: boolean,
  ): Promise<{ readonly elapsed: number; readonly rowsWritten: number; readonly bytesWritten: number }>;
}

/** The call wants data behind the statement; here none ever stand there. */
const NO_DATA = Buffer.from('\n');

/** Named always: without a file the engine takes whatever lies in the working directory as `config.xml`. */
export const EMPTY_CONFIG: string = fileURLToPath(new URL('./engine-config.xml', import.meta.url));

/** Throws what the addon says when the directory cannot be opened. */
export async function openEngine(directory: string, configFile: string): Promise<Engine> {
  const native = loadNative();
  // Kept open: the engine lives as long as one connection does, and with what the first one named.
  const base = native.CreateConnection(directory, [`--config-file=${configFile}`]);
  const version = (await native.QueryAsyncConnection(base, 'SELECT version()', 'TabSeparatedRaw')).bytes.toString().trim();
  return {
    version,
    connect: (settings) => new NativeConnection(native, native.CreateConnection(directory, toArguments(settings))),
    close: () => native.CloseConnection(base),
  };
}

/** Takes an answer in `JSONCompactEachRow` or `JSONEachRow` apart. */
export function readRows<Row>(bytes: Buffer): readonly Row[] {
  return bytes
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row);
}

function loadNative(): NativeChdb {
  const fromHere = createRequire(import.meta.url);
  const fromChdb = createRequire(fromHere.resolve('chdb'));
  return (fromChdb('./dist/loader.js') as { loadNative(): NativeChdb }).loadNative();
}

function toArguments(settings: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(settings).map(([name, value]) => `--${name}=${value}`);
}

class NativeConnection implements EngineConnection {
  readonly #native: NativeChdb;
  readonly #connection: unknown;

  constructor(native: NativeChdb, connection: unknown) {
    this.#native = native;
    this.#connection = connection;
  }

  async query(sql: string, format: string): Promise<EngineAnswer> {
    try {
      const { bytes, elapsed, rowsRead } = await this.#native.QueryAsyncConnection(this.#connection, sql, format);
      return { bytes, elapsedMs: elapsed * 1000, rows: rowsRead };
    } catch (error) {
      throw EngineError.from(error);
    }
  }

  async insert(sql: string): Promise<EngineWrite> {
    try {
      const { elapsed, rowsWritten, bytesWritten } = await this.#native.InsertRawAsyncConnection(this.#connection, sql, NO_DATA, false);
      return { elapsedMs: elapsed * 1000, rowsWritten, bytesWritten };
    } catch (error) {
      throw EngineError.from(error);
    }
  }

  close(): void {
    this.#native.CloseConnection(this.#connection);
  }
}
