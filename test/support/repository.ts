/** Where the checkout is, for tests that read the repository itself or start its programs. */
import { join } from 'node:path';

export const repositoryRoot: string = join(import.meta.dirname, '..', '..');
