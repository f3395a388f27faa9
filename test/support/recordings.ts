/** Finds the recordings of real provider exchanges, which are kept beside the repository and not in it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from './repository.ts';

/**
 * The folder of the recordings (one JSON line per exchange, a file per provider and surface), or undefined where there is none:
 * then a suite skips itself with `describe.skipIf`, and the reason is printed here, once.
 */
export function findRecordings(): string | undefined {
  const named = process.env['TOKENLEDGER_RECORDINGS_DIR'];
  const folder = named ?? join(repositoryRoot, '..', 'shared', 'recordings');
  if (existsSync(folder)) return folder;
  if (named !== undefined) throw new Error(`TOKENLEDGER_RECORDINGS_DIR names ${named}, which does not exist`);
  console.warn('SKIPPED: no recordings of provider exchanges. Set TOKENLEDGER_RECORDINGS_DIR to their folder to run these tests.');
  return undefined;
}
