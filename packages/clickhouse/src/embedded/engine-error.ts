/** A failed statement, in ClickHouse's words: number, name and message, and the HTTP status that ClickHouse answers with. */

/** Numbers and names as in ClickHouse's ErrorCodes.cpp, of what this server itself refuses. */
export const REFUSALS = {
  BAD_ARGUMENTS: 36,
  NOT_IMPLEMENTED: 48,
  SYNTAX_ERROR: 62,
  UNKNOWN_SETTING: 115,
  READONLY: 164,
  TOO_MANY_SIMULTANEOUS_QUERIES: 202,
  QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING: 216,
  TOO_MANY_BYTES: 307,
  SESSION_NOT_FOUND: 372,
  SESSION_IS_LOCKED: 373,
  QUERY_WAS_CANCELLED: 394,
  ACCESS_DENIED: 497,
  ABORTED: 236,
} as const;

export type RefusalName = keyof typeof REFUSALS;

const MESSAGE = /Code: (\d+)\. DB::Exception: (.*?)(?: \(([A-Z][A-Z0-9_]+)\))?\s*$/s;

export class EngineError extends Error {
  readonly engineCode: number;
  readonly engineName: string;

  constructor(engineCode: number, engineName: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'EngineError';
    this.engineCode = engineCode;
    this.engineName = engineName;
  }

  static refusal(name: RefusalName, message: string): EngineError {
    return new EngineError(REFUSALS[name], name, message);
  }

  /** Reads the engine's message; what is none of its messages becomes `UNKNOWN_EXCEPTION`, as in ClickHouse. */
  static from(error: unknown): EngineError {
    const text = error instanceof Error ? error.message : String(error);
    const match = MESSAGE.exec(text);
    if (!match) return new EngineError(1002, 'UNKNOWN_EXCEPTION', text, { cause: error });
    return new EngineError(Number(match[1]), match[3] ?? 'UNKNOWN_EXCEPTION', match[2]!, { cause: error });
  }
}

/** The server's form, which clients take apart. */
export function formatEngineError(error: EngineError, version: string): string {
  return `Code: ${error.engineCode}. DB::Exception: ${error.message} (${error.engineName}) (version ${version} (chDB))\n`;
}

/** As ClickHouse maps them: https://github.com/ClickHouse/ClickHouse/blob/master/src/Server/HTTP/exceptionCodeToHTTPStatus.cpp */
const NAMES_BY_STATUS: readonly (readonly [number, readonly string[]])[] = [
  [401, ['REQUIRED_PASSWORD']],
  [403, ['ACCESS_DENIED', 'AUTHENTICATION_FAILED', 'SET_NON_GRANTED_ROLE', 'UNKNOWN_USER', 'WRONG_PASSWORD']],
  [
    400,
    [
      'BAD_ARGUMENTS',
      'CANNOT_COMPILE_REGEXP',
      'CANNOT_PARSE_DATE',
      'CANNOT_PARSE_DATETIME',
      'CANNOT_PARSE_DOMAIN_VALUE_FROM_STRING',
      'CANNOT_PARSE_ESCAPE_SEQUENCE',
      'CANNOT_PARSE_INPUT_ASSERTION_FAILED',
      'CANNOT_PARSE_IPV4',
      'CANNOT_PARSE_IPV6',
      'CANNOT_PARSE_NUMBER',
      'CANNOT_PARSE_QUOTED_STRING',
      'CANNOT_PARSE_TEXT',
      'CANNOT_PARSE_UUID',
      'DUPLICATE_COLUMN',
      'ILLEGAL_COLUMN',
      'INCORRECT_DATA',
      'SYNTAX_ERROR',
      'THERE_IS_NO_COLUMN',
      'TOO_BIG_AST',
      'TOO_DEEP_AST',
      'TYPE_MISMATCH',
      'UNEXPECTED_AST_STRUCTURE',
      'UNKNOWN_ELEMENT_IN_AST',
      'UNKNOWN_TYPE_OF_AST_NODE',
      'VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE',
    ],
  ],
  [
    404,
    [
      'UNKNOWN_AGGREGATE_FUNCTION',
      'UNKNOWN_DATABASE',
      'UNKNOWN_DATABASE_ENGINE',
      'UNKNOWN_DIRECTION_OF_SORTING',
      'UNKNOWN_FORMAT',
      'UNKNOWN_FUNCTION',
      'UNKNOWN_IDENTIFIER',
      'UNKNOWN_ROLE',
      'UNKNOWN_SETTING',
      'UNKNOWN_STORAGE',
      'UNKNOWN_TABLE',
      'UNKNOWN_TYPE',
      'UNKNOWN_TYPE_OF_QUERY',
    ],
  ],
  [408, ['TIMEOUT_EXCEEDED']],
  // Two that are 500 in ClickHouse: here they are about the request itself, which a client should be able to tell.
  [413, ['QUERY_IS_TOO_LARGE', 'TOO_MANY_BYTES']],
  [501, ['NOT_IMPLEMENTED']],
  [503, ['ABORTED', 'CANNOT_OPEN_FILE', 'CANNOT_SCHEDULE_TASK', 'SOCKET_TIMEOUT', 'TOO_MANY_SIMULTANEOUS_QUERIES']],
];

const STATUS_BY_NAME: ReadonlyMap<string, number> = new Map(
  NAMES_BY_STATUS.flatMap(([status, names]) => names.map((name): readonly [string, number] => [name, status])),
);

export function toHttpStatus(error: EngineError): number {
  return STATUS_BY_NAME.get(error.engineName) ?? 500;
}
