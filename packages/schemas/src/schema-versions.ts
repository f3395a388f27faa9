/** The versions of each schema, oldest first, as the files in `schemas/avro` have them. A file is never edited once it is committed: add the next version. */
import { readFileSync } from 'node:fs';

/** How many versions of each record there are. The newest is written; all are read. */
export const VERSIONS = { UsageEvent: 2, PricedEvent: 2, RejectedEvent: 1 } as const;

export type RecordName = keyof typeof VERSIONS;

export const RECORD_NAMES: readonly RecordName[] = ['UsageEvent', 'PricedEvent', 'RejectedEvent'];

const DIRECTORY = new URL('../../../schemas/avro/', import.meta.url);

/** Reads the schemas of one record as parsed JSON. */
export function loadVersions(name: RecordName): readonly unknown[] {
  return Array.from({ length: VERSIONS[name] }, (_, index): unknown =>
    JSON.parse(readFileSync(new URL(`${name}.v${index + 1}.avsc`, DIRECTORY), 'utf8')),
  );
}
