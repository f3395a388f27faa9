/** Turns what `@clickhouse/client` throws into `AppError`. */
import { ClickHouseError } from '@clickhouse/client';
import { AppError } from '@tokenledger/domain';

/** A failure that ClickHouse itself reported. `code` is `CLICKHOUSE_QUERY_FAILED` or `FENCED`. */
export class ClickHouseQueryError extends AppError {
  /** ClickHouse's own number, e.g. 60 for an unknown table. Its name can be wrong in the message: the client takes the first capitals in parentheses for it. */
  readonly engineCode: number;

  constructor(code: 'CLICKHOUSE_QUERY_FAILED' | 'FENCED', engineCode: number, message: string, cause: unknown) {
    super(code, `ClickHouse: ${message.trim()} (code ${engineCode})`, { retryable: PASSING.has(engineCode), cause });
    this.engineCode = engineCode;
  }
}

/** What passes by itself: load, limits of the moment, replicas and the coordination service. Numbers of ClickHouse's ErrorCodes.cpp. */
const PASSING: ReadonlySet<number> = new Set([
  159, // TIMEOUT_EXCEEDED
  202, // TOO_MANY_SIMULTANEOUS_QUERIES
  209, // SOCKET_TIMEOUT
  210, // NETWORK_ERROR
  216, // QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING
  236, // ABORTED
  241, // MEMORY_LIMIT_EXCEEDED
  242, // TABLE_IS_READ_ONLY
  243, // NOT_ENOUGH_SPACE
  252, // TOO_MANY_PARTS
  279, // ALL_CONNECTION_TRIES_FAILED
  285, // TOO_FEW_LIVE_REPLICAS
  319, // UNKNOWN_STATUS_OF_INSERT
  373, // SESSION_IS_LOCKED
  394, // QUERY_WAS_CANCELLED
  999, // KEEPER_EXCEPTION
]);

const VIOLATED_CONSTRAINT = 469;
const FENCE_REFUSED = /^Constraint `fence` for table /;

export function toAppError(error: unknown, url: string): AppError {
  if (error instanceof AppError) return error;
  if (error instanceof ClickHouseError) {
    const engineCode = Number(error.code);
    const isFenced = engineCode === VIOLATED_CONSTRAINT && FENCE_REFUSED.test(error.message);
    return new ClickHouseQueryError(isFenced ? 'FENCED' : 'CLICKHOUSE_QUERY_FAILED', engineCode, error.message, error);
  }
  const reason = error instanceof Error ? error.message : String(error);
  if (error instanceof SyntaxError)
    return new AppError('CLICKHOUSE_ANSWER_INVALID', `the answer from ${url} is not JSON as asked: ${reason}`, { cause: error });
  return new AppError('CLICKHOUSE_UNAVAILABLE', `ClickHouse at ${url} did not answer: ${reason || 'connection failed'}`, {
    retryable: true,
    cause: error,
  });
}
