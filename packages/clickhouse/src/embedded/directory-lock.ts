/** Who has the embedded directory open. The lock is the kernel's: it goes when its process goes, however that ends. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { AppError } from '@tokenledger/domain';

export interface DirectoryLock {
  release(): void;
}

/** Waits up to `waitMs` for a holder that is on its way out, such as the server of a process that was just killed. Blocks the thread meanwhile.
 *  Throws `EMBEDDED_DIRECTORY_IN_USE`. */
export function lockDirectory(directory: string, waitMs: number): DirectoryLock {
  mkdirSync(directory, { recursive: true });
  const database = new DatabaseSync(join(directory, 'lock.db'));
  try {
    database.exec(`PRAGMA busy_timeout = ${Math.round(waitMs)}; BEGIN EXCLUSIVE`);
  } catch (error) {
    database.close();
    throw new AppError(
      'EMBEDDED_DIRECTORY_IN_USE',
      `the ClickHouse directory ${directory} is open in another process: stop it, or choose another directory`,
      {
        cause: error,
      },
    );
  }
  return { release: () => database.close() };
}
