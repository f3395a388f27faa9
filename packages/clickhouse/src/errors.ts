/** Codes of errors that this package throws. */
export const ERRORS = {
  CLICKHOUSE_UNAVAILABLE:
    'ClickHouse could not be reached, or the connection ended before its answer. Whether an insert took effect is unknown. Check the URL and that the server runs.',
  CLICKHOUSE_QUERY_FAILED: "ClickHouse refused or failed a query. The message carries the server's own code and words.",
  CLICKHOUSE_ANSWER_INVALID:
    'What answers at the ClickHouse URL does not speak its HTTP interface as expected. Check the URL: the HTTP port is 8123 by default, and a proxy must not change answers.',
  CLICKHOUSE_KILL_TIMEOUT:
    'A killed query was still running when the wait ended. Wait for it to end, then retry; its insert may still take effect.',
  FENCED:
    'A newer owner writes this partition: this one stands down and repeats nothing. Nothing to do, unless the log was reset while ClickHouse was kept: then empty the table `fence`.',
  CLICKHOUSE_TLS_INVALID:
    'A certificate or key file for ClickHouse cannot be read, or one of the pair is missing. Correct the `clickhouse.tls_…` options.',
  MIGRATION_CHANGED:
    'The file of an applied migration was edited or renamed. Restore it as it was, and put the change into a new migration with the next number.',
  MIGRATION_UNKNOWN: 'The database has migrations that this program does not know: a newer version has run here. Upgrade this program.',
  MIGRATION_FILE_INVALID: 'A migration file has a wrong name, number, statement or placeholder. The message names the file and line.',
  MIGRATION_FAILED: 'A statement of a migration failed. The message names the file, line and reason; correct it and migrate again.',
  ACCESS_FAILED:
    'A statement about roles, grants or row policies failed. The message names the file, line and reason. The user that applies them needs `access_management`.',
  MIGRATION_OUT_OF_ORDER: 'A migration that was never applied has a lower number than one that was. Give it the next number.',
  EMBEDDED_DIRECTORY_IN_USE: 'Another process has the embedded ClickHouse directory open. Stop it, or choose another data directory.',
  EMBEDDED_PORT_TAKEN:
    'Something listens on the port of the embedded ClickHouse already. Stop it, or choose another port (0 means any free one).',
  EMBEDDED_START_FAILED: 'The embedded ClickHouse did not start. The message carries its last words.',
} as const;
