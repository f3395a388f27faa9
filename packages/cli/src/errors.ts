/** Codes of errors that the command line throws itself. */
export const ERRORS = {
  PRICE_BOOK_UNREADABLE:
    'The price book cannot be read. Correct `documents.price_book`, or leave it out for the one that ships; of `prices`, correct the name of the file.',
  PRICE_VERSION_UNKNOWN:
    'A re-rating names a price book that is not there. Name the id of a `price_book` document, `configured`, `shipped`, or eight characters or more of a version.',
  CATALOGUE_UNREADABLE: 'The catalogue of models cannot be read. Correct the name of the file, or leave it out for the one that ships.',
  KAFKA_BROKERS_MISSING: 'The log is to be in Kafka and no brokers are named. Set `kafka.brokers` (or `KAFKA_BROKERS`).',
  KAFKA_FILE_UNREADABLE: 'A certificate, key or token file for Kafka cannot be read. Correct its path or its permissions.',
  ADMIN_TOKEN_MISSING:
    'A command that talks to the registry has no admin token. Set `TOKENLEDGER_ADMIN_TOKEN`, or name a file with `--token-file`.',
  DEAD_LETTER_UNKNOWN: 'There is no dead letter of this id. Name one as `tokenledger dead-letters list` prints it.',
  DEAD_LETTER_UNREPAIRED:
    'A dead letter would be refused again as it is. Repair it (`tokenledger dead-letters show ID --event`), and name the file with `--from`.',
  EVENT_UNKNOWN:
    'ClickHouse has no event of this id. What was just sent is there after some seconds; what was refused is among the dead letters; raw rows leave when their retention says so.',
  DOCUMENT_FILE_INVALID: 'A file of documents is no YAML or holds something else. The message names file and line.',
  DOCUMENT_FILE_UNREADABLE: 'A file of documents cannot be read. Correct its path.',
  REGISTRY_ANSWER_UNKNOWN:
    'What answers at the URL of the registry is none, or one of another version. Correct `--registry`, or use the program of its version.',
  REGISTRY_UNREACHABLE: 'The registry does not answer. Start `tokenledger up`, or correct `--registry`.',
  REGISTRY_URL_INVALID: 'The URL of the registry is no URL. Write it as `http://HOST:PORT`.',
  TOPICS_NOT_DRAINED:
    'The usage topics were not all read, or still written to, so they did not grow. Stop the ingresses, let pricers and writers run, and try again.',
  CLICKHOUSE_URL_MISSING:
    'This role writes to ClickHouse and none is configured. Set `clickhouse.url`, or use `tokenledger up`, which brings its own.',
  CLICKHOUSE_NODES_MISSING:
    'A ClickHouse cluster is named and its nodes are not. List their addresses in `clickhouse.nodes`, shard by shard.',
  CLICKHOUSE_UNREACHABLE: 'ClickHouse does not answer. Start `tokenledger up`, or correct `clickhouse.url`.',
  MIGRATIONS_PENDING: 'The tables in ClickHouse are not those of this version. Run `tokenledger migrate`.',
  QUERY_FAILED: 'ClickHouse refused the query; the message is its own.',
  JOURNAL_MISSING: 'There is no journal in the directory that the message names: name the right one, or correct `ingress.journal_dir`.',
  NOT_WRITTEN:
    'Events that the log has are not in ClickHouse yet, so nobody can say what is missing there. Let pricers and writers run until they have read everything, and try again.',
  SOURCE_UNKNOWN: 'No source of this name ever said anything: see `tokenledger sources list`.',
  SOURCE_ALIVE:
    'The source said something a moment ago, so its ingress seems to run. Stop it first; `--force` closes the source all the same.',
  RESET_REFUSED: 'The directory is not the demo’s alone, or there is no demo in it. The message says what to delete by hand.',
  CHECK_FAILED: 'A check of `tokenledger doctor` failed; the message names the fix.',
  USAGE: 'The command line is wrong: see `--help`.',
} as const;
