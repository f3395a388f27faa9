/** How a command ends: one line on standard error, and a code that scripts can rely on. */
import { AppError } from '@tokenledger/domain';
import { ConfigError, problemLine, redactText } from '@tokenledger/runtime';
import { CommanderError } from 'commander';
import { RegistryRefusal } from './registry/client.ts';

export const EXIT = {
  ok: 0,
  /** Something did not work. */
  failed: 1,
  /** A setting, a port, a directory or the command line is wrong: nothing was started. */
  wrongSetting: 2,
  /** Ended by a second signal. */
  interrupted: 130,
} as const;

const WRONG_SETTING: ReadonlySet<string> = new Set([
  'CONFIG_INVALID',
  'CONFIG_UNREADABLE',
  'DATA_DIR_IN_USE',
  'EMBEDDED_DIRECTORY_IN_USE',
  'EMBEDDED_PORT_TAKEN',
  'LOG_LOCKED',
  'DATA_DIR_UNWRITABLE',
  'PORT_TAKEN',
  'LISTEN_FAILED',
  'ROLE_UNKNOWN',
  'CLICKHOUSE_URL_MISSING',
  'KAFKA_BROKERS_MISSING',
  'KAFKA_FILE_UNREADABLE',
  'PRICE_BOOK_UNREADABLE',
  'PRICE_BOOK_INVALID',
  'DOCUMENT_DUPLICATE',
  'REFERENCE_MISSING',
  'SECRET_MISSING',
  'SECRET_WEAK',
  'RESET_REFUSED',
  'ADMIN_TOKEN_MISSING',
  'DOCUMENT_FILE_INVALID',
  'DOCUMENT_FILE_UNREADABLE',
  'REGISTRY_URL_INVALID',
  'KEY_HASH_SECRET_MISMATCH',
  'USAGE',
]);

export interface Ending {
  readonly code: number;
  /** `''`: nothing to say. */
  readonly text: string;
}

/** What to print and exit with for anything a command threw. A defect keeps its stack; everything else is one line. */
export function endingOf(error: unknown): Ending {
  if (error instanceof CommanderError) return { code: error.exitCode === 0 ? EXIT.ok : EXIT.wrongSetting, text: '' };
  if (error instanceof RegistryRefusal) return { code: EXIT.failed, text: `tokenledger: ${error.lines().join('\n')}` };
  if (!(error instanceof AppError)) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { code: EXIT.failed, text: `tokenledger: unexpected error: ${redactText(stack)}` };
  }
  const oneLine = redactText(error.message.replaceAll(/\s*\n\s*/g, ' '));
  return { code: WRONG_SETTING.has(error.code) ? EXIT.wrongSetting : EXIT.failed, text: `tokenledger: ${oneLine}` };
}

/** For `--check-config`: each problem on a line of its own. */
export function problemLines(error: unknown): string {
  if (!(error instanceof ConfigError)) return endingOf(error).text;
  return error.problems.map((problem) => `tokenledger: ${problemLine(problem)}`).join('\n');
}
