/** One process owns a journal. The lock is a transaction on a file of its own: the kernel frees it when the process dies, however it dies. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { AppError } from '@tokenledger/domain';

export interface JournalLock {
  release(): void;
}

/** Throws `JOURNAL_LOCKED`. */
export function lockJournal(directory: string): JournalLock {
  const lock = new DatabaseSync(join(directory, 'owner.lock'), { timeout: 0 });
  try {
    // A rollback journal, not WAL: only then does EXCLUSIVE keep everybody else out.
    lock.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE');
  } catch (cause) {
    lock.close();
    throw new AppError(
      'JOURNAL_LOCKED',
      `another process owns the journal in ${directory}: stop that process, or give each ingress a directory of its own (ingress.journal_dir)`,
      { cause },
    );
  }
  return { release: () => lock.close() };
}

/** Whether somebody owns the journal at this moment. Nothing is made where there is none. */
export function isJournalLocked(directory: string): boolean {
  const path = join(directory, 'owner.lock');
  if (!existsSync(path)) return false;
  const lock = new DatabaseSync(path, { timeout: 0, readOnly: true });
  try {
    lock.exec('SELECT count(*) FROM sqlite_schema');
    return false;
  } catch {
    return true; // the owner's exclusive transaction keeps readers out, too
  } finally {
    lock.close();
  }
}
