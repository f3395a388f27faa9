/** Log lines: pino to standard error, secrets taken out, JSON for machines and text for a terminal. */
import { pino, type Logger as PinoLogger } from 'pino';
import { redactJsonLine } from './redaction.ts';
import { textLine } from './text-line.ts';

export type Logger = PinoLogger;

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

/** Where lines go; `process.stderr` is one. */
export interface LogOutput {
  readonly isTTY?: boolean | undefined;
  write(text: string): unknown;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  readonly format: 'auto' | 'json' | 'text';
  /** Default: standard error. */
  readonly output?: LogOutput;
}

/** A child made with `logger.child({ role: 'pricer' })` names its role on each line. */
export function createLogger(options: LoggerOptions): Logger {
  const output = options.output ?? process.stderr;
  const text = options.format === 'text' || (options.format === 'auto' && output.isTTY === true);
  // Redacting the finished line, and not fields beforehand, also covers messages, stacks and the causes of errors.
  const write = (line: string): void => {
    const clean = redactJsonLine(line);
    output.write(text ? textLine(clean) : clean);
  };
  return pino({ level: options.level, base: null }, { write });
}

/** For tests and for tools that have nothing to say. */
export function silentLogger(): Logger {
  return pino({ level: 'silent' });
}
