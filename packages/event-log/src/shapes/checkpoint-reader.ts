/** Finds the newest complete checkpoint of a partition. */
import type { EventLog, LogRecord } from '../port.ts';
import { IDLE_WAIT_MS } from './batch.ts';
import type { Manifest } from './checkpoint-record.ts';
import { decodeManifest, decodeOutputsPart, manifestKey, outputsKey, partHeader, scopesDigest } from './checkpoint-record.ts';
import type { Claim } from './claim.ts';
import type { Retry } from './retry.ts';
import { persist } from './retry.ts';
import type { FoldOutput } from './types.ts';

export interface Checkpoint {
  readonly manifest: Manifest;
  readonly parts: ReadonlyMap<string, Uint8Array>;
  readonly outputs: readonly FoldOutput[];
}

export interface StoredCheckpoints {
  readonly newest: Checkpoint | null;
  /** Everything that older epochs left behind. */
  readonly olderKeys: readonly string[];
}

const POLL_RECORDS_MAX = 1_000;
const POLL_BYTES_MAX = 4 * 1024 * 1024;

/** Reads the checkpoint topic up to the claim. `scope` is what the partition's keys begin with. Memory is bounded by what its folds keep there. */
export async function readCheckpoints(retry: Retry, log: EventLog, topic: string, claim: Claim, scope: string): Promise<StoredCheckpoints> {
  const reader = await persist(retry, () => log.reader({ topic, partition: claim.checkpointPartition, from: 'start' }));
  const byEpoch = new Map<number, Map<string, LogRecord>>();
  try {
    for (let next = 0; next <= claim.offset && !retry.signal.aborted;) {
      const records = await persist(retry, () =>
        reader.poll({ recordsMax: POLL_RECORDS_MAX, bytesMax: POLL_BYTES_MAX, waitMs: IDLE_WAIT_MS }),
      );
      for (const record of records) if (record.offset < claim.offset) keep(byEpoch, scope, record);
      next = (records.at(-1)?.offset ?? next - 1) + 1;
    }
  } finally {
    await reader.close();
  }
  const epochs = [...byEpoch.keys()].toSorted((a, b) => b - a);
  const newest = epochs
    .map((epoch) => complete(`${scope}${epoch}/`, byEpoch.get(epoch) ?? new Map()))
    .find((checkpoint) => checkpoint !== null);
  return { newest: newest ?? null, olderKeys: epochs.flatMap((epoch) => [...(byEpoch.get(epoch)?.keys() ?? [])]) };
}

function keep(byEpoch: Map<number, Map<string, LogRecord>>, scope: string, record: LogRecord): void {
  if (record.key === null || !record.key.startsWith(scope)) return;
  const epoch = Number.parseInt(record.key.slice(scope.length), 10);
  if (Number.isNaN(epoch)) return;
  const records = byEpoch.get(epoch) ?? new Map<string, LogRecord>();
  byEpoch.set(epoch, records);
  if (record.value === null) records.delete(record.key);
  else records.set(record.key, record);
}

/** The epoch's checkpoint, or null when its manifest or one of the parts that it stands for is not there. */
function complete(prefix: string, records: ReadonlyMap<string, LogRecord>): Checkpoint | null {
  const manifestValue = records.get(manifestKey(prefix))?.value;
  if (manifestValue === null || manifestValue === undefined) return null;
  const manifest = decodeManifest(manifestValue);
  const newest = newestParts(`${prefix}scope/`, records, manifest.number);
  if (
    newest.size !== manifest.scopes ||
    scopesDigest(Array.from(newest, ([scope, part]) => [scope, part.number])) !== manifest.scopesDigest
  )
    return null;
  const outputs: FoldOutput[] = [];
  for (let index = 0; index < manifest.outputParts; index += 1) {
    const part = records.get(outputsKey(prefix, manifest.number, index));
    if (part?.value === null || part?.value === undefined || partHeader(part).number !== manifest.number) return null;
    outputs.push(...decodeOutputsPart(part.value));
  }
  return { manifest, outputs, parts: new Map(Array.from(newest, ([scope, part]) => [scope, part.value])) };
}

/** For each scope the part with the highest number that the manifest covers; scopes that were deleted by then are left out. */
function newestParts(
  prefix: string,
  records: ReadonlyMap<string, LogRecord>,
  through: number,
): Map<string, { readonly number: number; readonly value: Uint8Array }> {
  const newest = new Map<string, { readonly number: number; readonly deleted: boolean; readonly value: Uint8Array }>();
  for (const [key, record] of records) {
    if (!key.startsWith(prefix) || record.value === null) continue;
    const scope = key.slice(prefix.length + 2);
    const { number, deleted } = partHeader(record);
    if (number <= through && number > (newest.get(scope)?.number ?? 0)) newest.set(scope, { number, deleted, value: record.value });
  }
  return new Map([...newest].filter(([, part]) => !part.deleted));
}
