/** The versions of each schema, oldest first, as the files in `schemas/avro` have them. A file is never edited once it is committed: add the next version. */
import { readFileSync } from 'node:fs';

/** How many versions of each record there are. The newest is written; all are read. */
export const VERSIONS = { UsageEvent: 3, PricedEvent: 3, RejectedEvent: 1, OpenedRequest: 1 } as const;

export type RecordName = keyof typeof VERSIONS;

/** Those that go to topics. */
export const TOPIC_RECORD_NAMES: readonly RecordName[] = ['UsageEvent', 'PricedEvent', 'RejectedEvent'];

export const RECORD_NAMES: readonly RecordName[] = [...TOPIC_RECORD_NAMES, 'OpenedRequest'];

const DIRECTORY = new URL('../../../schemas/avro/', import.meta.url);

/** Reads the schemas of one record as parsed JSON. */
export function loadVersions(name: RecordName): readonly unknown[] {
  return Array.from({ length: VERSIONS[name] }, (_, index): unknown =>
    JSON.parse(readFileSync(new URL(`${name}.v${index + 1}.avsc`, DIRECTORY), 'utf8')),
  );
}
