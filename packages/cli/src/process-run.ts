/** Runs a composition until it is told to stop: the lock on the data directory, progress, signals, the run note, the ending. */
import {
  createLifecycle,
  lockDataDir,
  onStopSignals,
  removeRunNote,
  requireFreePort,
  writeRunNote,
  type Progress,
} from '@tokenledger/runtime';
import type { Composition } from './compose.ts';
import { EXIT } from './exit.ts';
import type { Settings } from './settings.ts';
import { VERSION } from './version.ts';

export interface ProcessRun {
  readonly settings: Settings;
  readonly roles: readonly string[];
  /** Called with the data directory in hand, before anything starts. */
  readonly prepare: () => Composition;
  /** Sections whose ports must be free. */
  readonly listens: readonly ('ingress' | 'clickhouse' | 'admin')[];
  readonly say: (line: string) => void;
  readonly onReady: (composition: Composition) => void;
}

const STOP_SIGNAL_HINT = 'Stopping … (again to stop at once)';

/** Resolves once stopped. Throws what kept it from starting. */
export async function runUntilStopped(run: ProcessRun): Promise<void> {
  const { settings, say } = run;
  const { layout, config } = settings;
  const lock = lockDataDir(layout);
  try {
    for (const section of run.listens) await requireFreePort({ section, host: config[section].host, port: config[section].port });
    const composition = run.prepare();
    const lifecycle = createLifecycle({
      parts: composition.parts,
      stopTimeoutMs: config.shutdown.timeout_ms,
      onProgress: (progress) => progressLine(progress, say),
    });
    let asked = (): void => undefined;
    const stopAsked = new Promise<void>((resolve) => (asked = resolve));
    let stopping = false;
    const forgetSignals = onStopSignals({
      graceful: () => {
        stopping = true;
        say(STOP_SIGNAL_HINT);
        asked();
        void lifecycle.stop();
      },
      now: () => process.exit(EXIT.interrupted),
    });
    try {
      await start(lifecycle, () => stopping);
      if (!stopping) {
        writeRunNote(layout, {
          pid: process.pid,
          version: VERSION,
          started_at: new Date().toISOString(),
          roles: run.roles,
          urls: composition.urls(),
        });
        run.onReady(composition);
      }
      await stopAsked;
      const { left } = await lifecycle.stop();
      for (const item of left) say(`${item.part}: ${item.left}`);
      say(left.length === 0 ? 'Stopped.' : 'Stopped, not cleanly: the lines above say what was left.');
      if (left.length > 0) process.exitCode = EXIT.failed;
    } finally {
      forgetSignals();
      removeRunNote(layout);
    }
  } finally {
    lock.release();
  }
}

/** A stop that was asked for while starting is no failure. */
async function start(lifecycle: { start(): Promise<void> }, stopping: () => boolean): Promise<void> {
  try {
    await lifecycle.start();
  } catch (error) {
    if (!stopping()) throw error;
  }
}

/** A part that takes longer says how long, so that nobody wonders where the time went. */
const SHOWN_FROM_MS = 1_000;
const SECOND_MS = 1_000;

/** What is not started but done once. */
const DOING: Readonly<Record<string, string>> = { migrations: 'applying migrations', documents: 'loading documents' };

function progressLine(progress: Progress, say: (line: string) => void): void {
  switch (progress.kind) {
    case 'starting':
      return say(`  ${DOING[progress.part] ?? `starting ${progress.part}`} …`);
    case 'started':
      return progress.durationMs < SHOWN_FROM_MS
        ? undefined
        : say(`  (${progress.part} took ${(progress.durationMs / SECOND_MS).toFixed(1)} s)`);
    case 'stopping':
    case 'stopped':
      return undefined;
  }
}
