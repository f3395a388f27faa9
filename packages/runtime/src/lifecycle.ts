/** Ordered start and stop of the parts of a process. What had started is stopped again in reverse, whatever happens, within a bound. */
import { AppError } from '@tokenledger/domain';
import type { Role } from './role.ts';

/** Something to start and stop. A `Role` is one. */
export interface Part {
  readonly name: string;
  start(): Promise<void>;
  /** Finishes within `deadlineMs`; says in `left` what it left behind, `''` when nothing. */
  stop(deadlineMs: number): Promise<{ readonly left: string }>;
}

export type Progress =
  | { readonly kind: 'starting'; readonly part: string }
  | { readonly kind: 'started'; readonly part: string; readonly durationMs: number }
  | { readonly kind: 'stopping'; readonly part: string }
  | { readonly kind: 'stopped'; readonly part: string; readonly left: string };

export interface LifecycleOptions {
  readonly parts: readonly Part[];
  /** For the whole stop, in milliseconds. */
  readonly stopTimeoutMs: number;
  readonly onProgress?: (progress: Progress) => void;
}

export interface StopReport {
  /** What each part left behind; empty for a clean stop. */
  readonly left: readonly { readonly part: string; readonly left: string }[];
}

export interface Lifecycle {
  /** Starts the parts one after another. On a failure stops what had started and throws the failure; `START_INTERRUPTED` when `stop` was called meanwhile. */
  start(): Promise<void>;
  /** Stops in reverse order. Called again it gives the same promise. Never throws. */
  stop(): Promise<StopReport>;
}

/** What every part gets at least, however long the ones before it took. */
const PART_STOP_MS_MIN = 200;

export function createLifecycle(options: LifecycleOptions): Lifecycle {
  const started: Part[] = [];
  const report = options.onProgress ?? ((): void => undefined);
  let starting: Promise<void> | undefined;
  let stopping: Promise<StopReport> | undefined;

  async function startAll(): Promise<void> {
    for (const part of options.parts) {
      if (stopping !== undefined) throw new AppError('START_INTERRUPTED', 'stopped while starting');
      report({ kind: 'starting', part: part.name });
      const beganMs = performance.now();
      // A part that failed half-way is stopped too: it alone knows what it holds.
      started.push(part);
      await part.start();
      report({ kind: 'started', part: part.name, durationMs: performance.now() - beganMs });
    }
  }

  async function stopAll(): Promise<StopReport> {
    const deadlineMs = performance.now() + options.stopTimeoutMs;
    const left: { part: string; left: string }[] = [];
    for (let part = started.pop(); part !== undefined; part = started.pop()) {
      report({ kind: 'stopping', part: part.name });
      const reserveMs = started.length * PART_STOP_MS_MIN;
      const allowedMs = Math.max(PART_STOP_MS_MIN, deadlineMs - performance.now() - reserveMs);
      const outcome = await stopWithin(part, allowedMs);
      if (outcome !== '') left.push({ part: part.name, left: outcome });
      report({ kind: 'stopped', part: part.name, left: outcome });
    }
    return { left };
  }

  return {
    async start() {
      starting = startAll();
      try {
        await starting;
      } catch (error) {
        await (stopping ??= stopAll());
        throw error;
      }
    },
    stop() {
      // A part that is being started is let finish first: `startAll` looks at `stopping` before the next one.
      stopping ??= Promise.resolve(starting).then(stopAll, stopAll);
      return stopping;
    },
  };
}

async function stopWithin(part: Part, allowedMs: number): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`did not stop within ${Math.round(allowedMs)} ms`), allowedMs);
  });
  const stopped = part.stop(allowedMs).then(
    (outcome) => outcome.left,
    (error: unknown) => `failed to stop: ${error instanceof Error ? error.message : String(error)}`,
  );
  const left = await Promise.race([stopped, late]);
  clearTimeout(timer);
  return left;
}

/** A part made of two functions; `stop` may take no notice of the deadline when it is quick. */
export function part(name: string, start: () => Promise<void>, stop: (deadlineMs: number) => Promise<void>): Part {
  return {
    name,
    start,
    async stop(deadlineMs) {
      await stop(deadlineMs);
      return { left: '' };
    },
  };
}

/** Picks roles by name, in the order of `available`. Throws `ROLE_UNKNOWN`. */
export function selectRoles<Name extends Role['name']>(available: readonly Name[], wanted: readonly string[]): readonly Name[] {
  const known: readonly string[] = available;
  const unknown = wanted.find((name) => !known.includes(name));
  if (unknown !== undefined || wanted.length === 0) {
    const what = unknown === undefined ? 'no role was named' : `'${unknown}' is not a role`;
    throw new AppError('ROLE_UNKNOWN', `--roles: ${what}; choose from ${available.join(', ')}`);
  }
  return available.filter((name) => wanted.includes(name));
}
