/** Runs a program as a test's own process group: collects what it prints, waits for a line of it, and ends it and what it started. */
import { spawn } from 'node:child_process';
import { waitFor } from './wait-for.ts';

export interface ChildOptions {
  readonly cwd?: string;
  /** Added to this process's environment; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Child extends AsyncDisposable {
  readonly pid: number;
  readonly exited: Promise<ChildExit>;
  stdout(): string;
  stderr(): string;
  /** Waits until the output (both streams) matches; fails at once when the process ends before that. */
  waitForOutput(pattern: RegExp, timeoutMs: number): Promise<RegExpExecArray>;
  signal(signal: NodeJS.Signals): void;
  /** Asks the process to end and waits; kills its group, and fails, when it is still there after `timeoutMs`. */
  stop(signal: NodeJS.Signals, timeoutMs: number): Promise<ChildExit>;
  /** The same as a terminal does it at Ctrl-C: SIGINT to every process of the group. */
  pressCtrlC(timeoutMs: number): Promise<ChildExit>;
  /** Whether a process of the group is still there: the child itself or one that it left behind. */
  groupExists(): boolean;
}

const killWaitMs = 5_000;

export function startChild(command: string, args: readonly string[], options: ChildOptions = {}): Child {
  const child = spawn(command, args, {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, with the child's id.
    detached: true,
  });
  const printed = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (printed.stderr += text));

  let ended: ChildExit | undefined;
  const exited = new Promise<ChildExit>((resolve) => {
    const settle = (exit: ChildExit): void => resolve((ended = exit));
    child.once('close', (code, signal) => settle({ code, signal }));
    child.once('error', (error) => {
      printed.stderr += error.message;
      // Without a process there is no "close".
      if (child.pid === undefined) settle({ code: null, signal: null });
    });
  });
  function signalGroup(signal: NodeJS.Signals | 0): boolean {
    if (child.pid === undefined) return false;
    try {
      return process.kill(-child.pid, signal);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
      throw error;
    }
  }

  // A test run that is itself ended leaves no process behind.
  const killWithUs = (): void => void signalGroup('SIGKILL');
  process.once('exit', killWithUs);

  async function kill(): Promise<void> {
    process.off('exit', killWithUs);
    signalGroup('SIGKILL');
    await waitFor(() => ended, { timeoutMs: killWaitMs, describe: `the end of killed process ${String(child.pid)}` });
  }

  async function ask(send: () => void, signal: NodeJS.Signals, timeoutMs: number): Promise<ChildExit> {
    send();
    try {
      return await waitFor(() => ended, {
        timeoutMs,
        describe: () => `${command} to end after ${signal}; it printed:\n${printed.stdout}${printed.stderr}`,
      });
    } catch (error) {
      await kill();
      throw error;
    }
  }

  return {
    get pid(): number {
      if (child.pid === undefined) throw new Error(`${command} could not be started`);
      return child.pid;
    },
    exited,
    stdout: () => printed.stdout,
    stderr: () => printed.stderr,
    waitForOutput: (pattern, timeoutMs) =>
      waitFor(
        () => {
          const found = pattern.exec(printed.stdout) ?? pattern.exec(printed.stderr);
          if (found === null && ended !== undefined) throw new Error(`${command} ended before it printed ${pattern}:\n${printed.stderr}`);
          return found;
        },
        { timeoutMs, describe: () => `${pattern} from ${command}, which printed:\n${printed.stdout}${printed.stderr}` },
      ),
    signal: (signal) => void child.kill(signal),
    stop: (signal, timeoutMs) => ask(() => void child.kill(signal), signal, timeoutMs),
    pressCtrlC: (timeoutMs) => ask(() => void signalGroup('SIGINT'), 'SIGINT', timeoutMs),
    groupExists: () => signalGroup(0),
    [Symbol.asyncDispose]: kill,
  };
}
