/** A folder of a test's own below the system's temporary folder; `await using` removes it with the test. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TempDir extends AsyncDisposable {
  readonly path: string;
}

export async function makeTempDir(purpose = 'test'): Promise<TempDir> {
  const path = await mkdtemp(join(tmpdir(), `tokenledger-${purpose}-`));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 3 }) };
}
