/** The embedded ClickHouse as its user sees it: started, watched, started again after a crash, stopped. */
import { resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { AppError } from '@tokenledger/domain';
import { type Child, spawnChild } from './child.ts';
import type { EmbeddedServerOptions } from './messages.ts';

export interface EmbeddedClickHouseOptions {
  /** Holds the data; created when it is missing. */
  readonly directory: string;
  /** 0 means any free one; the same one is taken again after a crash. */
  readonly port: number;
  /** `127.0.0.1` unless given. There is no password, and the engine reads and writes files for whoever asks, as the user that runs it:
   *  do not open it to others, and on a machine with users that you do not trust run a ClickHouse server instead. */
  readonly host?: string;
  /** Queries at work at a time, 8 unless given; further ones wait. */
  readonly sessions?: number;
  /** Configuration of the engine in ClickHouse's own form: users, macros, clusters. Its own defaults unless given. */
  readonly configFile?: string;
  /** How long to wait for another server on its way out to let go of the directory, in milliseconds; 5,000 unless given. */
  readonly lockWaitMs?: number;
  readonly startTimeoutMs?: number;
  /** Called with what the process prints, and with a sentence on each crash and restart. */
  readonly log?: (line: string) => void;
  /** Called on each change of `state()`. */
  readonly onState?: (state: EmbeddedState) => void;
}

export type EmbeddedState =
  | { readonly kind: 'ready'; readonly pid: number; readonly restarts: number }
  /** It has crashed and is being started again. */
  | { readonly kind: 'restarting'; readonly reason: string; readonly restarts: number }
  /** It has crashed too often; only a new start helps. */
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'stopping' }
  | { readonly kind: 'stopped' };

export interface EmbeddedClickHouse {
  /** E.g. `http://127.0.0.1:8123`. */
  readonly url: string;
  state(): EmbeddedState;
  /** Lets running queries finish for most of `deadlineMs` (10,000 unless given), closes the engine, ends the process; by force when the time is over.
   *  Called again it gives the same promise. Never rejects. */
  stop(deadlineMs?: number): Promise<void>;
}

const SESSIONS = 8;
const LOCK_WAIT_MS = 5_000;
const START_TIMEOUT_MS = 30_000;
const STOP_DEADLINE_MS = 10_000;
/** Of the deadline, for queries that still run; the rest is for closing the engine. */
const STOP_GRACE_MS = 5_000;

const RESTART_DELAY_MS_MIN = 100;
const RESTART_DELAY_MS_MAX = 5_000;
/** In a row; a run that lasted `STABLE_MS` begins a new row. */
const RESTARTS_MAX = 10;
const STABLE_MS = 60_000;

/** Resolves once it answers `/ping`. Throws `EMBEDDED_DIRECTORY_IN_USE`, `EMBEDDED_PORT_TAKEN`, `EMBEDDED_START_FAILED`. */
export async function startEmbeddedClickHouse(options: EmbeddedClickHouseOptions): Promise<EmbeddedClickHouse> {
  const supervisor = new Supervisor(options);
  await supervisor.start();
  return supervisor;
}

class Supervisor implements EmbeddedClickHouse {
  readonly #options: EmbeddedClickHouseOptions;
  readonly #host: string;
  #port: number;
  #state: EmbeddedState = { kind: 'stopped' };
  #child: Child | undefined;
  #stopped: Promise<void> | undefined;
  readonly #stopAsked = new AbortController();
  #supervised: Promise<void> = Promise.resolve();

  constructor(options: EmbeddedClickHouseOptions) {
    this.#options = options;
    this.#host = options.host ?? '127.0.0.1';
    this.#port = options.port;
  }

  get url(): string {
    return `http://${this.#host.includes(':') ? `[${this.#host}]` : this.#host}:${this.#port}`;
  }

  state(): EmbeddedState {
    return this.#state;
  }

  async start(): Promise<void> {
    const child = await this.#spawn();
    this.#port = child.port;
    this.#setState({ kind: 'ready', pid: child.pid, restarts: 0 });
    this.#supervised = this.#supervise(child);
  }

  stop(deadlineMs: number = STOP_DEADLINE_MS): Promise<void> {
    this.#stopped ??= this.#stop(deadlineMs);
    return this.#stopped;
  }

  async #stop(deadlineMs: number): Promise<void> {
    this.#setState({ kind: 'stopping' });
    this.#stopAsked.abort();
    this.#child?.terminate();
    const timer = setTimeout(() => this.#child?.kill(), deadlineMs);
    await this.#supervised;
    clearTimeout(timer);
    this.#setState({ kind: 'stopped' });
  }

  /** Returns when the process has ended for good. Never rejects. */
  async #supervise(first: Child): Promise<void> {
    let child = first;
    let restarts = 0;
    let inARow = 0;
    for (;;) {
      const startedAt = performance.now();
      let reason = await child.ended;
      if (performance.now() - startedAt > STABLE_MS) inARow = 0;
      for (;;) {
        if (this.#stopAsked.signal.aborted) return;
        if (++inARow > RESTARTS_MAX) {
          this.#options.log?.(`the embedded ClickHouse ${reason}, and is not started again after ${RESTARTS_MAX} restarts in a row`);
          return this.#setState({ kind: 'failed', reason });
        }
        const delayMs = Math.min(RESTART_DELAY_MS_MIN * 2 ** (inARow - 1), RESTART_DELAY_MS_MAX);
        this.#options.log?.(`the embedded ClickHouse ${reason}; starting it again in ${delayMs} ms`);
        this.#setState({ kind: 'restarting', reason, restarts });
        await wait(delayMs, undefined, { signal: this.#stopAsked.signal }).catch(() => undefined); // a stop is seen below
        if (this.#stopAsked.signal.aborted) return;
        try {
          child = await this.#spawn();
          break;
        } catch (error) {
          reason = error instanceof Error ? `did not start again (${error.message})` : String(error);
        }
      }
      restarts++;
      if (this.#stopAsked.signal.aborted) child.terminate();
      else this.#setState({ kind: 'ready', pid: child.pid, restarts });
    }
  }

  async #spawn(): Promise<Child> {
    const options: EmbeddedServerOptions = {
      directory: resolve(this.#options.directory),
      configFile: this.#options.configFile === undefined ? '' : resolve(this.#options.configFile),
      host: this.#host,
      port: this.#port,
      sessions: this.#options.sessions ?? SESSIONS,
      lockWaitMs: this.#options.lockWaitMs ?? LOCK_WAIT_MS,
      stopGraceMs: STOP_GRACE_MS,
    };
    const { log = () => undefined, startTimeoutMs = START_TIMEOUT_MS } = this.#options;
    const child = await spawnChild(options, startTimeoutMs, log, this.#stopAsked.signal);
    this.#child = child;
    const answer = await fetch(`http://${this.#host}:${child.port}/ping`).catch((error: unknown) => error);
    if (!(answer instanceof Response && answer.ok)) {
      child.kill();
      await child.ended;
      throw new AppError('EMBEDDED_START_FAILED', `the embedded ClickHouse listens on port ${child.port} and does not answer /ping`, {
        cause: answer,
      });
    }
    return child;
  }

  #setState(state: EmbeddedState): void {
    this.#state = state;
    this.#options.onState?.(state);
  }
}
