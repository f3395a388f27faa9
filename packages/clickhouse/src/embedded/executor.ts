/** Runs one HTTP query: receive, wait for a turn, open a connection, apply settings and parameters, run, close. */
import { quoteName, quoteString } from '../sql/quote.ts';
import { insertFromFile } from '../sql/insert-from-file.ts';
import type { KillMode } from '../sql/statement.ts';
import { CONTROL_SLOTS } from './control-slots.ts';
import { type Engine, type EngineConnection, readRows } from './engine.ts';
import { EngineError } from './engine-error.ts';
import { DEFAULT_FORMAT } from './formats.ts';
import { frameNative } from './native-frames.ts';
import { type PlacedStatement, placeStatement } from './placed-statement.ts';
import { Killer, processesSubquery } from './processes.ts';
import type { QueryRequest } from './request.ts';
import { QueryTable, type RunningQuery } from './running-query.ts';
import { Sessions } from './sessions.ts';
import { Slots } from './slots.ts';
import type { Spool } from './spool.ts';

export interface ExecutorLimits {
  /** Queries at work in the engine at a time. */
  readonly queriesMax: number;
  /** Queries that wait behind them. */
  readonly waitingMax: number;
  /** Open HTTP sessions. */
  readonly sessionsMax: number;
  /** Bytes of one answer. */
  readonly resultBytesMax: number;
}

export interface Answer {
  readonly format: string;
  readonly bytes: Buffer;
  readonly summary: Readonly<Record<string, string>>;
}

/** Where the engine's own defaults would make it answer otherwise than a ClickHouse server, or lose digits in JSON. */
const SERVER_SETTINGS: Readonly<Record<string, string>> = {
  implicit_select: '0',
  output_format_json_quote_decimals: '1',
  output_format_json_quote_64bit_integers: '1',
};

const DEFAULT_DATABASE = 'default';
const NOTHING = Buffer.alloc(0);

export class Executor {
  readonly table = new QueryTable();
  readonly #engine: Engine;
  readonly #spool: Spool;
  readonly #slots: Slots;
  readonly #controlSlots: Slots;
  readonly #killer: Killer;
  readonly #sessions: Sessions;
  readonly #defaults: Readonly<Record<string, string>>;

  constructor(engine: Engine, spool: Spool, limits: ExecutorLimits) {
    this.#engine = engine;
    this.#spool = spool;
    this.#slots = new Slots(limits.queriesMax, limits.waitingMax);
    this.#controlSlots = new Slots(CONTROL_SLOTS, limits.waitingMax);
    this.#killer = new Killer(engine, this.table);
    this.#defaults = { ...SERVER_SETTINGS, max_result_bytes: String(limits.resultBytesMax) };
    this.#sessions = new Sessions(engine, this.#defaults, limits.sessionsMax);
  }

  /** `leave` is aborted when the client has left: a query that has not begun by then never begins. Throws `EngineError`. */
  async run(request: QueryRequest, receive: () => Promise<Buffer>, leave: AbortSignal): Promise<Answer> {
    const query = this.table.start(request.queryId, request.sql);
    const onLeave = (): void => {
      if (query.phase !== 'running') query.cancel();
    };
    leave.addEventListener('abort', onLeave, { once: true });
    try {
      const placed = placeStatement(request.sql, await query.orCancelled(receive()));
      query.sql = placed.sql;
      query.phase = 'waiting';
      const isControl = placed.statement.kind === 'kill_query' || placed.processes.length > 0;
      return await (isControl ? this.#controlSlots : this.#slots).use(query, () => this.#connectAndRun(request, placed, query));
    } finally {
      leave.removeEventListener('abort', onLeave);
      this.table.finish(query);
    }
  }

  /** Cancels what has not begun, waits up to `graceMs` for what has, then kills it; returns when nothing runs. */
  async drain(graceMs: number): Promise<void> {
    const timer = setTimeout(() => this.table.list().forEach((query) => void this.#killer.kill(query.id)), graceMs);
    for (const query of this.table.list()) if (query.phase !== 'running') query.cancel();
    await Promise.all(this.table.list().map((query) => query.done));
    clearTimeout(timer);
    this.#sessions.closeAll();
  }

  async #connectAndRun(request: QueryRequest, placed: PlacedStatement, query: RunningQuery): Promise<Answer> {
    query.phase = 'running';
    if (request.session !== undefined) {
      if (request.readOnly) throw EngineError.refusal('NOT_IMPLEMENTED', 'a GET with session_id is not supported here: use POST');
      const changed = [...request.settings.keys(), 'log_comment'];
      return this.#sessions.use(request.session, changed, async (connection) => {
        const sql = prologue(request, `log_comment = ${quoteString(query.marker)}`);
        await connection.query(sql, 'Null');
        return this.#runStatement(connection, request, placed, query);
      });
    }
    const connection = this.#engine.connect({ ...this.#defaults, log_comment: query.marker });
    try {
      const sql = prologue(request, '');
      if (sql !== '') await connection.query(sql, 'Null');
      return await this.#runStatement(connection, request, placed, query);
    } finally {
      connection.close();
    }
  }

  async #runStatement(connection: EngineConnection, request: QueryRequest, placed: PlacedStatement, query: RunningQuery): Promise<Answer> {
    const { statement, sql } = placed;
    // The last look: from here on only the engine can stop it.
    query.throwIfCancelled();
    switch (statement.kind) {
      case 'insert_data': {
        const written = await this.#spool.hold(placed.data, (file) => insert(connection, insertFromFile(sql, file)));
        return { format: '', bytes: NOTHING, summary: { read_rows: written.written_rows, read_bytes: written.written_bytes, ...written } };
      }
      case 'insert_select':
        return { format: '', bytes: NOTHING, summary: await insert(connection, sql.slice(0, statement.end)) };
      case 'kill_query': {
        if (request.readOnly) throw EngineError.refusal('READONLY', 'default: Cannot execute query in readonly mode.');
        const killed = await this.#kill(connection, sql.slice(statement.conditionStart, statement.conditionEnd), statement.mode, query);
        return select(connection, killed, request, statement.format);
      }
      case 'query':
        return select(connection, this.#showProcesses(placed, statement.end), request, statement.format);
      default:
        return statement satisfies never;
    }
  }

  #showProcesses({ sql, processes }: PlacedStatement, end: number): string {
    if (processes.length === 0) return sql.slice(0, end);
    const own = processesSubquery(this.table.list());
    let shown = '';
    let from = 0;
    for (const place of processes) {
      shown += sql.slice(from, place.start) + own;
      from = place.end;
    }
    return shown + sql.slice(from, end);
  }

  /** Returns SQL that lists what was killed, in the columns that ClickHouse has for it. */
  async #kill(connection: EngineConnection, condition: string, mode: KillMode, asking: RunningQuery): Promise<string> {
    const found = await connection.query(
      `SELECT query_id FROM ${processesSubquery(this.table.list())} WHERE ${condition}`,
      'JSONCompactEachRow',
    );
    const rows: string[] = [];
    for (const [id] of readRows<readonly [string]>(found.bytes)) {
      const sql = this.table.get(id)?.sql;
      if (id === asking.id || sql === undefined) continue;
      const ended = mode === 'TEST' ? undefined : this.#killer.kill(id);
      if (mode === 'SYNC') await ended;
      rows.push(JSON.stringify({ kill_status: mode === 'SYNC' ? 'finished' : 'waiting', query_id: id, user: 'default', query: sql }));
    }
    // Of no rows at all the engine would make an answer without columns.
    const data = quoteString(rows.join('\n') || '{}');
    return `SELECT * FROM format(JSONEachRow, 'kill_status String, query_id String, user String, query String', ${data}) LIMIT ${rows.length}`;
  }
}

/** What has to be said on the connection before the statement. All at once, so that `readonly` is checked against the state before. */
function prologue(request: QueryRequest, more: string): string {
  const changes: string[] = more === '' ? [] : [more];
  for (const [name, value] of request.settings) {
    // `log_comment` carries our marker.
    if (name === 'log_comment' || (name === 'readonly' && request.readOnly && value === '0')) continue;
    changes.push(`${quoteName(name)} = ${quoteString(value)}`);
  }
  for (const [name, value] of request.params) changes.push(`${quoteName(`param_${name}`)} = ${quoteString(value)}`);
  if (request.readOnly && (request.settings.get('readonly') ?? '0') === '0') changes.push('readonly = 2');
  const set = changes.length === 0 ? '' : `SET ${changes.join(', ')}`;
  const use = request.database === DEFAULT_DATABASE ? '' : `USE ${quoteName(request.database)}`;
  return [use, set].filter((part) => part !== '').join('; ');
}

/** Gives the summary. */
async function insert(connection: EngineConnection, sql: string) {
  const { rowsWritten, bytesWritten, elapsedMs } = await connection.insert(sql);
  return { written_rows: String(rowsWritten), written_bytes: String(bytesWritten), elapsed_ns: toNs(elapsedMs) };
}

async function select(connection: EngineConnection, sql: string, request: QueryRequest, namedFormat: string): Promise<Answer> {
  const format = namedFormat || request.format || DEFAULT_FORMAT;
  const answer = await connection.query(sql, format);
  const bytes = format.toLowerCase() === 'native' ? frameNative(answer.bytes, request.clientRevision) : answer.bytes;
  const summary = {
    written_rows: '0',
    written_bytes: '0',
    result_rows: String(answer.rows),
    result_bytes: String(bytes.length),
    elapsed_ns: toNs(answer.elapsedMs),
  };
  return { format, bytes, summary };
}

function toNs(ms: number): string {
  return String(Math.round(ms * 1e6));
}
