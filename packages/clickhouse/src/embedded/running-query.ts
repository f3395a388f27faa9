/** The server's own table of queries: from the moment a request's headers have arrived until its answer is ready. The engine drops the ids that clients give,
 *  so this table is what `system.processes` shows and what `KILL QUERY` works on. */
import { EngineError } from './engine-error.ts';

export type QueryPhase = 'receiving' | 'waiting' | 'running';

export class RunningQuery {
  readonly id: string;
  /** The engine carries it as the connection's `log_comment`: the only way to find the query there. */
  readonly marker: string;
  readonly startedAtMs = performance.now();
  /** Settles when nothing of the query can happen any more. Never rejects. */
  readonly done: Promise<void>;
  phase: QueryPhase = 'receiving';
  sql: string;
  readonly #cancel = new AbortController();
  readonly #settle: () => void;

  constructor(id: string, marker: string, sql: string) {
    this.id = id;
    this.marker = marker;
    this.sql = sql;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.done = promise;
    this.#settle = resolve;
  }

  /** Aborted once the query is not to go on. */
  get signal(): AbortSignal {
    return this.#cancel.signal;
  }

  cancel(): void {
    this.#cancel.abort();
  }

  throwIfCancelled(): void {
    if (this.signal.aborted) throw EngineError.refusal('QUERY_WAS_CANCELLED', 'Query was cancelled before it was run.');
  }

  /** `promise`, or `QUERY_WAS_CANCELLED` as soon as the query is cancelled; then `promise` is left to itself. */
  async orCancelled<T>(promise: Promise<T>): Promise<T> {
    this.throwIfCancelled();
    const { promise: cancelled, reject } = Promise.withResolvers<never>();
    const onAbort = (): void => reject(EngineError.refusal('QUERY_WAS_CANCELLED', 'Query was cancelled before it was run.'));
    this.signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await Promise.race([promise, cancelled]);
    } finally {
      this.signal.removeEventListener('abort', onAbort);
    }
  }

  finish(): void {
    this.#settle();
  }
}

export class QueryTable {
  readonly #byId = new Map<string, RunningQuery>();
  #count = 0;

  /** Throws `QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING`: a repeat of an insert never runs beside the first. */
  start(id: string, sql: string): RunningQuery {
    if (this.#byId.has(id)) throw EngineError.refusal('QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING', `Query with id = ${id} is already running.`);
    const query = new RunningQuery(id, `tokenledger-embedded:${process.pid}:${++this.#count}`, sql);
    this.#byId.set(id, query);
    return query;
  }

  finish(query: RunningQuery): void {
    this.#byId.delete(query.id);
    query.finish();
  }

  get(id: string): RunningQuery | undefined {
    return this.#byId.get(id);
  }

  list(): readonly RunningQuery[] {
    return [...this.#byId.values()];
  }
}
