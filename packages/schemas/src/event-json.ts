/** A usage event as JSON that people can read and repair: the fields of its Avro record by their names. */
import { rejected, type Rejected, type UsageEvent } from '@tokenledger/domain';
import { avroType } from './avro-types.ts';
import { loadVersions } from './schema-versions.ts';
import { usageEventFromRow, usageEventRow, type UsageEventRow } from './usage-event.ts';

const newest = avroType(loadVersions('UsageEvent').at(-1));

export function usageEventToJson(event: UsageEvent): string {
  return JSON.stringify(usageEventRow(event), null, 2);
}

/** Rejects `UNDECODABLE`, with the names of the fields that do not fit; never throws. Whether the values make sense is asked by `checkUsageEvent`. */
export function usageEventFromJson(text: string): UsageEvent | Rejected {
  let row: unknown;
  try {
    row = JSON.parse(text);
  } catch (error) {
    return rejected('UNDECODABLE', `it is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const unfit: string[] = [];
  const fits = newest.isValid(row, { errorHook: (path) => unfit.push(path.join('.')) });
  if (!fits) return rejected('UNDECODABLE', `these fields do not fit the schema: ${unfit.join(', ') || 'all of it'}`);
  return usageEventFromRow(row as UsageEventRow);
}
