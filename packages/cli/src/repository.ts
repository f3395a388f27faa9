/** Files of the repository that this program needs while it runs. */
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..', '..');

export const REPOSITORY = {
  migrations: join(ROOT, 'schemas', 'clickhouse'),
  demoDocuments: join(ROOT, 'deploy', 'demo', 'tokenledger.yaml'),
  configurationPage: join(ROOT, 'docs', 'configuration.md'),
} as const;
