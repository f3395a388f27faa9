/** Codes of errors that the command line throws itself. */
export const ERRORS = {
  PRICE_BOOK_UNREADABLE: 'The price book cannot be read. Correct `documents.price_book`, or leave it out for the one that ships.',
  KAFKA_BROKERS_MISSING: 'The log is to be in Kafka and no brokers are named. Set `kafka.brokers` (or `KAFKA_BROKERS`).',
  KAFKA_FILE_UNREADABLE: 'A certificate, key or token file for Kafka cannot be read. Correct its path or its permissions.',
  CLICKHOUSE_URL_MISSING:
    'This role writes to ClickHouse and none is configured. Set `clickhouse.url`, or use `tokenledger up`, which brings its own.',
  CLICKHOUSE_UNREACHABLE: 'ClickHouse does not answer. Start `tokenledger up`, or correct `clickhouse.url`.',
  MIGRATIONS_PENDING: 'The tables in ClickHouse are not those of this version. Run `tokenledger migrate`.',
  QUERY_FAILED: 'ClickHouse refused the query; the message is its own.',
  RESET_REFUSED: 'The directory is not the demo’s alone, or there is no demo in it. The message says what to delete by hand.',
  CHECK_FAILED: 'A check of `tokenledger doctor` failed; the message names the fix.',
  USAGE: 'The command line is wrong: see `--help`.',
} as const;
