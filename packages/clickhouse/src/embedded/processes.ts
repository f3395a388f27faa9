/** `system.processes` and `KILL QUERY`, answered from the server's own table of queries.
 *
 *  What holds: a query shown here has not ended; a query no longer shown never takes effect any more, or has taken effect already. A killed query that is still
 *  being received or waits for its turn is cancelled at once; a running one is killed in the engine, which stops between blocks as ClickHouse does.
 *  What does not: a query that sets `log_comment` in a SETTINGS clause of its own hides its marker, so that killing it means waiting for its end. */
import { setTimeout as wait } from 'node:timers/promises';
import { quoteString } from '../sql/quote.ts';
import { isWord } from '../sql/statement.ts';
import { type Token, tokenizeCode } from '../sql/tokens.ts';
import type { Engine } from './engine.ts';
import { EngineError } from './engine-error.ts';
import type { QueryTable, RunningQuery } from './running-query.ts';

/** Of a query's text, shown in `system.processes`. */
const SQL_CHARS_MAX = 4096;
const KILL_RETRY_MS_MIN = 5;
const KILL_RETRY_MS_MAX = 250;

const STRUCTURE =
  'marker String, query_id String, query String, elapsed Float64, is_cancelled UInt8, user String, is_initial_query UInt8, interface UInt8';

/** ClickHouse's number for HTTP. */
const INTERFACE_HTTP = 2;

/** Rows of `system.processes` with the ids that clients gave; the engine's columns where the query is at work in it, their defaults elsewhere. */
export function processesSubquery(queries: readonly RunningQuery[]): string {
  const rows = queries.map((query) =>
    JSON.stringify({
      marker: query.marker,
      query_id: query.id,
      query: query.sql.slice(0, SQL_CHARS_MAX),
      elapsed: (performance.now() - query.startedAtMs) / 1000,
      is_cancelled: query.signal.aborted ? 1 : 0,
      user: 'default',
      is_initial_query: 1,
      interface: INTERFACE_HTTP,
    }),
  );
  return (
    '(SELECT engine.* REPLACE (own.query_id AS query_id, own.query_id AS initial_query_id, own.query AS query, own.elapsed AS elapsed, ' +
    'own.is_cancelled AS is_cancelled, own.user AS user, own.user AS initial_user, own.is_initial_query AS is_initial_query, own.interface AS interface) ' +
    `FROM format(JSONEachRow, ${quoteString(STRUCTURE)}, ${quoteString(rows.join('\n'))}) AS own ` +
    "LEFT ANY JOIN system.processes AS engine ON engine.Settings['log_comment'] = own.marker)"
  );
}

/** What begins so asks for rows; `DESCRIBE` and the like are about the table itself. */
const ASKS = ['SELECT', 'WITH', 'EXPLAIN'] as const;

/** Where a query names `system.processes`, quoted or not. Its columns cannot be qualified with the table's name there: give it an alias. */
export function findProcesses(sql: string): readonly { readonly start: number; readonly end: number }[] {
  const tokens = [...tokenizeCode(sql)];
  const first = tokens.find((token) => token.text !== '(');
  if (!ASKS.some((word) => isWord(first, word))) return [];
  return tokens.flatMap((token, at) => {
    const [dot, table] = [tokens[at + 1], tokens[at + 2]];
    return isName(token, 'system') && dot?.text === '.' && isName(table, 'processes') ? [{ start: token.start, end: table!.end }] : [];
  });
}

function isName(token: Token | undefined, name: string): boolean {
  return isWord(token, name.toUpperCase()) || (token?.kind === 'quoted_name' && token.text.slice(1, -1) === name);
}

/** Kills queries, each until it has ended. */
export class Killer {
  readonly #engine: Engine;
  readonly #table: QueryTable;

  constructor(engine: Engine, table: QueryTable) {
    this.#engine = engine;
    this.#table = table;
  }

  /** Returns the query's end, without waiting for it; `undefined` when no such query runs. */
  kill(id: string): Promise<void> | undefined {
    const query = this.#table.get(id);
    if (query === undefined) return undefined;
    const isFirst = !query.signal.aborted;
    query.cancel();
    if (isFirst && query.phase === 'running') void this.#killInEngine(query);
    return query.done;
  }

  /** Again and again: the engine does not list a query in the first moments after it was handed over. Never rejects. */
  async #killInEngine(query: RunningQuery): Promise<void> {
    let ended = false;
    void query.done.then(() => (ended = true));
    for (let retryMs = KILL_RETRY_MS_MIN; !ended; retryMs = Math.min(retryMs * 2, KILL_RETRY_MS_MAX)) {
      const connection = this.#engine.connect({});
      try {
        await connection.query(`KILL QUERY WHERE Settings['log_comment'] = ${quoteString(query.marker)} ASYNC`, 'Null');
      } catch (error) {
        if (!(error instanceof EngineError)) throw error;
        // Asked again below: it must end whatever the engine said.
      } finally {
        connection.close();
      }
      await Promise.race([query.done, wait(retryMs)]);
    }
  }
}
