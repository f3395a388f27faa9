/** One run of the embedded server's process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { AppError } from '@tokenledger/domain';
import { CONTROL_SLOTS } from './control-slots.ts';
import type { EmbeddedServerMessage, EmbeddedServerOptions } from './messages.ts';

export interface Child {
  readonly pid: number;
  readonly port: number;
  /** Resolves with a sentence when the process has ended. Never rejects. */
  readonly ended: Promise<string>;
  terminate(): void;
  kill(): void;
}

const SERVER_MAIN = fileURLToPath(new URL('./server-main.ts', import.meta.url));

/** Threads beside those of queries: kills, file names, compression. */
const SPARE_THREADS = 4;
/** Of what the process wrote, kept for the error message. */
const LAST_WORDS_CHARS_MAX = 2_000;

/** Resolves once the server listens; `signal` ends it before that. Throws the server's own `AppError`, or `EMBEDDED_START_FAILED`. */
export async function spawnChild(
  options: EmbeddedServerOptions,
  startTimeoutMs: number,
  onOutput: (line: string) => void,
  signal: AbortSignal,
): Promise<Child> {
  const child = spawn(process.execPath, [SERVER_MAIN, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // Every query at work in the engine takes one of these threads.
    env: { ...process.env, UV_THREADPOOL_SIZE: String(options.sessions + CONTROL_SLOTS + SPARE_THREADS) },
  });
  const lastWords = followOutput(child, onOutput);
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`could not be started: ${error.message}`));
    child.once('close', (code, signal) => resolve(signal === null ? `ended with code ${code}` : `ended by ${signal}`));
  });
  const giveUp = (): void => void child.kill('SIGKILL');
  signal.addEventListener('abort', giveUp, { once: true });
  const message = await firstMessage(child, ended, startTimeoutMs);
  signal.removeEventListener('abort', giveUp);
  switch (message.kind) {
    case 'listening':
      return { pid: child.pid!, port: message.port, ended, terminate: () => child.kill('SIGTERM'), kill: () => child.kill('SIGKILL') };
    case 'failed':
      throw new AppError(message.code, message.message);
    case 'silent':
      child.kill('SIGKILL');
      await ended;
      throw new AppError('EMBEDDED_START_FAILED', `the embedded ClickHouse did not start: it ${message.reason}. ${lastWords()}`.trim(), {
        retryable: true,
      });
    default:
      return message satisfies never;
  }
}

type FirstMessage = EmbeddedServerMessage | { readonly kind: 'silent'; readonly reason: string };

async function firstMessage(child: ChildProcess, ended: Promise<string>, timeoutMs: number): Promise<FirstMessage> {
  const told = new Promise<FirstMessage>((resolve) => child.once('message', (message) => resolve(message as EmbeddedServerMessage)));
  const silent = ended.then((reason): FirstMessage => ({ kind: 'silent', reason }));
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<FirstMessage>((resolve) => {
    timer = setTimeout(() => resolve({ kind: 'silent', reason: `did not listen within ${timeoutMs} ms` }), timeoutMs);
  });
  try {
    return await Promise.race([told, silent, late]);
  } finally {
    clearTimeout(timer);
  }
}

function followOutput(child: ChildProcess, onOutput: (line: string) => void): () => string {
  let words = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      words = (words + text).slice(-LAST_WORDS_CHARS_MAX);
      for (const line of text.split('\n')) if (line !== '') onOutput(line);
    });
  }
  return () => words.trim();
}
