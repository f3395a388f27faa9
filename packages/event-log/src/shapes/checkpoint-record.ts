/** How a checkpoint stands in the log: parts of scopes and of outputs, each under two keys in turn, and a manifest, last, without which the parts mean nothing.
 *
 *  Keys, below `group/topic/partition/epoch/`: `scope/SLOT/NAME`, `outputs/SLOT/INDEX`, `manifest`. A scope changes its slot with every part, so that parts of a
 *  checkpoint that was never finished overwrite nothing of the one before. Zombies write below their own epoch and disturb nobody. */
import { createHash } from 'node:crypto';
import { AppError } from '@tokenledger/domain';
import type { LogRecord, OutgoingRecord } from '../port.ts';
import type { RecordIdentity } from './offset-metadata.ts';
import type { OutputNumbers } from './output-numbers.ts';
import type { FoldOutput } from './types.ts';

export type CheckpointSlot = 0 | 1;

export interface Manifest {
  /** Of the checkpoint within its epoch, from 1. */
  readonly number: number;
  /** The next offset to fold. */
  readonly offset: number;
  readonly last: RecordIdentity | null;
  readonly numbers: OutputNumbers;
  readonly scopes: number;
  /** Of the names and numbers of all parts of scopes: a part that was overtaken by an older one does not pass for the newest. */
  readonly scopesDigest: string;
  readonly outputParts: number;
}

const NUMBER_HEADER = 'tl-checkpoint';
const DELETED_HEADER = 'tl-deleted';

export function manifestKey(prefix: string): string {
  return `${prefix}manifest`;
}

export function scopeKey(prefix: string, slot: CheckpointSlot, scope: string): string {
  return `${prefix}scope/${slot}/${scope}`;
}

export function outputsKey(prefix: string, number: number, index: number): string {
  return `${prefix}outputs/${number % 2}/${index}`;
}

export function scopePart(prefix: string, slot: CheckpointSlot, scope: string, number: number, value: Uint8Array): OutgoingRecord {
  return { key: scopeKey(prefix, slot, scope), value, headers: { [NUMBER_HEADER]: String(number) } };
}

/** Says that the scope is gone as of this checkpoint. */
export function deletedScopePart(prefix: string, slot: CheckpointSlot, scope: string, number: number): OutgoingRecord {
  return {
    key: scopeKey(prefix, slot, scope),
    value: new Uint8Array(),
    headers: { [NUMBER_HEADER]: String(number), [DELETED_HEADER]: '1' },
  };
}

export function outputsPart(prefix: string, number: number, index: number, outputs: readonly FoldOutput[]): OutgoingRecord {
  const rows = outputs.map(({ topic, partition, record }) => [
    topic,
    partition,
    record.key,
    record.value === null ? null : Buffer.from(record.value).toString('base64'),
    record.headers ?? {},
  ]);
  return { key: outputsKey(prefix, number, index), value: Buffer.from(JSON.stringify(rows)), headers: { [NUMBER_HEADER]: String(number) } };
}

export function decodeOutputsPart(value: Uint8Array): readonly FoldOutput[] {
  const rows: readonly [string, number, string | null, string | null, Record<string, string>][] = JSON.parse(Buffer.from(value).toString());
  return rows.map(([topic, partition, key, bytes, headers]) => ({
    topic,
    partition,
    record: { key, value: bytes === null ? null : Buffer.from(bytes, 'base64'), headers },
  }));
}

export function manifestRecord(prefix: string, manifest: Manifest): OutgoingRecord {
  return { key: manifestKey(prefix), value: Buffer.from(JSON.stringify({ version: 1, ...manifest })) };
}

/** Throws `CHECKPOINT_MISSING` for a manifest of another version. */
export function decodeManifest(value: Uint8Array): Manifest {
  const { version, ...manifest }: Manifest & { readonly version: number } = JSON.parse(Buffer.from(value).toString());
  if (version !== 1)
    throw new AppError(
      'CHECKPOINT_MISSING',
      `A checkpoint has format ${version}, this version reads 1: run the version that wrote it, or run with \`rebuild\`.`,
    );
  return manifest;
}

export interface PartHeader {
  readonly number: number;
  readonly deleted: boolean;
}

export function partHeader(record: LogRecord): PartHeader {
  return { number: Number(record.headers[NUMBER_HEADER]), deleted: record.headers[DELETED_HEADER] !== undefined };
}

/** The same for the same names and numbers, whatever their order. */
export function scopesDigest(parts: Iterable<readonly [scope: string, number: number]>): string {
  let digest = 0n;
  for (const [scope, number] of parts) digest ^= createHash('sha256').update(`${number}/${scope}`).digest().readBigUInt64BE();
  return digest.toString(16);
}
