/** One process owns an embedded log for writing. The lock is a transaction on a file of its own: the kernel frees it when the process dies, however it dies. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { AppError } from '@tokenledger/domain';

export interface OwnerLock {
  release(): void;
}

/** Throws `LOG_LOCKED`. */
export function lockForWriting(directory: string): OwnerLock {
  const lock = new DatabaseSync(join(directory, 'owner.lock'), { timeout: 0 });
  try {
    // A rollback journal, not WAL: only then does EXCLUSIVE keep everybody else out.
    lock.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    throw new AppError(
      'LOG_LOCKED',
      `Another process owns the event log in ${directory}: stop that process, or choose another data directory.`,
      { cause: error },
    );
  }
  return { release: () => lock.close() };
}
