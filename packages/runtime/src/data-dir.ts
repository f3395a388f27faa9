/** The data directory: what lies where in it, who holds it, and the note that lets other commands find the process that does. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { AppError } from '@tokenledger/domain';

export interface DataLayout {
  readonly root: string;
  readonly log: string;
  readonly journal: string;
  readonly clickhouse: string;
  readonly secrets: string;
  readonly simulatorBill: string;
  readonly demo: string;
  readonly lock: string;
  readonly runNote: string;
}

export function dataLayout(root: string): DataLayout {
  return {
    root,
    log: join(root, 'log'),
    journal: join(root, 'journal'),
    clickhouse: join(root, 'clickhouse'),
    secrets: join(root, 'secrets'),
    simulatorBill: join(root, 'simulator', 'bill.jsonl'),
    demo: join(root, 'demo.json'),
    lock: join(root, 'lock.db'),
    runNote: join(root, 'run.json'),
  };
}

/** Who runs on a data directory and where it answers. */
export interface RunNote {
  readonly pid: number;
  readonly version: string;
  readonly started_at: string;
  readonly roles: readonly string[];
  readonly urls: { readonly ingress?: string; readonly admin?: string; readonly registry?: string; readonly clickhouse?: string };
}

export interface DataDirLock {
  release(): void;
}

/** Creates the directory and sees that it can be written. Throws `DATA_DIR_UNWRITABLE`. */
export function requireWritableDir(layout: DataLayout): void {
  const probe = join(layout.root, `.probe-${process.pid}`);
  try {
    mkdirSync(layout.root, { recursive: true });
    writeFileSync(probe, '');
    rmSync(probe);
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new AppError(
      'DATA_DIR_UNWRITABLE',
      `data.dir ${layout.root} cannot be written (${why}): correct its permissions, or choose another with --data DIR`,
      { cause: error },
    );
  }
}

/** Holds the directory until released or until the process ends: the lock is the kernel's, so a crash leaves none behind.
 *  Throws `DATA_DIR_IN_USE`, `DATA_DIR_UNWRITABLE`. */
export function lockDataDir(layout: DataLayout): DataDirLock {
  requireWritableDir(layout);
  const database = new DatabaseSync(layout.lock);
  try {
    database.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    const pid = readRunNote(layout)?.pid;
    const holder = pid === undefined ? 'another process' : `process ${pid}`;
    throw new AppError('DATA_DIR_IN_USE', `data.dir ${layout.root} is in use by ${holder}: stop it, or choose another with --data DIR`, {
      cause: error,
    });
  }
  return { release: () => database.close() };
}

export function writeRunNote(layout: DataLayout, note: RunNote): void {
  writeJsonFile(layout.runNote, note);
}

/** Writes in one step: a reader sees the old text, the new one or none. */
export function writeJsonFile(path: string, value: unknown): void {
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(value, null, 2)}\n`);
  renameSync(draft, path);
}

export function removeRunNote(layout: DataLayout): void {
  rmSync(layout.runNote, { force: true });
}

/** Undefined when there is none, or it cannot be read. A note says who wrote it, not that it still runs: ask the admin URL. */
export function readRunNote(layout: DataLayout): RunNote | undefined {
  try {
    return JSON.parse(readFileSync(layout.runNote, 'utf8')) as RunNote;
  } catch {
    return undefined; // a missing note is the usual case, and a torn one says nothing
  }
}
