/** Runs a composition until it is told to stop: the lock on the data directory, progress, signals, the run note, the ending. */
import {
  createLifecycle,
  lockDataDir,
  onStopSignals,
  removeRunNote,
  requireFreePort,
  writeRunNote,
  type Progress,
  type RunNote,
  type StopReport,
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
  readonly listens: readonly ('ingress' | 'clickhouse' | 'admin' | 'registry')[];
  readonly say: (line: string) => void;
  /** For what a stop left behind. */
  readonly complain: (line: string) => void;
  readonly onReady: (composition: Composition) => void;
}

/** Resolves once stopped. Throws what kept it from starting. */
export async function runUntilStopped(run: ProcessRun): Promise<void> {
  const { settings } = run;
  const lock = lockDataDir(settings.layout);
  try {
    // What a crash left behind would send other commands to a port that is not ours any more.
    removeRunNote(settings.layout);
    for (const section of run.listens) {
      const { host, port } = settings.config[section];
      await requireFreePort({ section, host, port });
    }
    await serve(run, run.prepare());
  } finally {
    removeRunNote(settings.layout);
    lock.release();
  }
}

async function serve(run: ProcessRun, composition: Composition): Promise<void> {
  const { settings, say } = run;
  const lifecycle = createLifecycle({
    parts: composition.parts,
    stopTimeoutMs: settings.config.shutdown.timeout_ms,
    onProgress: (progress) => progressLine(progress, say),
  });
  const stopped = Promise.withResolvers<StopReport>();
  let stopping = false;
  const forgetSignals = onStopSignals({
    graceful() {
      stopping = true;
      say('Stopping … (again to stop at once)');
      stopped.resolve(lifecycle.stop());
    },
    now: () => process.exit(EXIT.interrupted),
  });
  try {
    await lifecycle.start().catch((error: unknown) => {
      // A stop that was asked for while starting is no failure.
      if (!stopping) throw error;
    });
    if (!stopping) announce(run, composition);
    const { left } = await stopped.promise;
    for (const item of left) run.complain(`${item.part}: ${item.left}`);
    if (left.length === 0) say('Stopped.');
    else {
      run.complain('Stopped, not cleanly: the lines above say what was left.');
      process.exitCode = EXIT.failed;
    }
  } finally {
    forgetSignals();
  }
}

function announce(run: ProcessRun, composition: Composition): void {
  const note: RunNote = {
    pid: process.pid,
    version: VERSION,
    started_at: new Date().toISOString(),
    roles: run.roles,
    urls: composition.urls(),
  };
  writeRunNote(run.settings.layout, note);
  run.onReady(composition);
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
