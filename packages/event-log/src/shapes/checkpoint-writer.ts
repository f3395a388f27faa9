/** Writes the checkpoints of one epoch: the first holds every scope, later ones those that changed. */
import { invariant } from '@tokenledger/domain';
import type { OutgoingRecord, Producer } from '../port.ts';
import { recordBytes } from '../record-size.ts';
import type { CheckpointSlot, Manifest } from './checkpoint-record.ts';
import { deletedScopePart, manifestRecord, outputsPart, scopeKey, scopePart, scopesDigest } from './checkpoint-record.ts';
import type { Retry } from './retry.ts';
import { sendInOrder } from './send.ts';
import type { FoldOutput } from './types.ts';

/** Outputs of one part, before their bytes are written as text. */
const OUTPUTS_PART_BYTES_MAX = 256 * 1024;

export interface CheckpointContent extends Pick<Manifest, 'offset' | 'last' | 'numbers'> {
  readonly outputs: readonly FoldOutput[];
  readonly scopes: readonly string[];
  readonly changedScopes: ReadonlySet<string>;
  readonly encode: (scope: string) => Uint8Array;
}

export interface CheckpointTarget {
  readonly producer: Producer;
  readonly topic: string;
  readonly partition: number;
  /** What the epoch's keys begin with. */
  readonly prefix: string;
}

interface StoredPart {
  readonly slot: CheckpointSlot;
  readonly number: number;
}

export class CheckpointWriter {
  readonly #target: CheckpointTarget;
  readonly #parts = new Map<string, StoredPart>();
  #number = 0;
  /** Outdated once the next manifest is in the log. */
  #outdatedKeys: readonly string[];

  constructor(target: CheckpointTarget, olderKeys: readonly string[]) {
    this.#target = target;
    this.#outdatedKeys = olderKeys;
  }

  /** Resolves once the manifest is acknowledged, and what it outdates has tombstones. */
  async write(retry: Retry, content: CheckpointContent): Promise<void> {
    const { producer, topic, partition, prefix } = this.#target;
    const number = (this.#number += 1);
    // 1. Parts. A crash among them leaves parts above the last manifest's number: they count for nothing.
    const scopes = this.#scopeParts(content, number);
    const outputs = outputParts(prefix, number, content.outputs);
    await sendInOrder(retry, producer, topic, partition, [...scopes, ...outputs]);
    // 2. The manifest. A crash before it leaves the checkpoint before; after it, this one is complete.
    const numbered = Array.from(this.#parts, ([scope, part]) => [scope, part.number] as const);
    const { offset, last, numbers } = content;
    const manifest: Manifest = {
      number,
      offset,
      last,
      numbers,
      scopes: numbered.length,
      scopesDigest: scopesDigest(numbered),
      outputParts: outputs.length,
    };
    await sendInOrder(retry, producer, topic, partition, [manifestRecord(prefix, manifest)]);
    // 3. Tombstones. A crash before or among them leaves keys that the next owner removes.
    await sendInOrder(
      retry,
      producer,
      topic,
      partition,
      this.#outdatedKeys.map((key) => ({ key, value: null })),
    );
    this.#outdatedKeys = [];
  }

  #scopeParts({ scopes, changedScopes, encode }: CheckpointContent, number: number): OutgoingRecord[] {
    const { prefix } = this.#target;
    const live = new Set(scopes);
    const records: OutgoingRecord[] = [];
    for (const scope of scopes) {
      if (number > 1 && !changedScopes.has(scope)) continue;
      const slot = otherSlot(this.#parts.get(scope)?.slot);
      records.push(scopePart(prefix, slot, scope, number, encode(scope)));
      this.#parts.set(scope, { slot, number });
    }
    for (const scope of changedScopes) {
      const before = this.#parts.get(scope);
      if (before === undefined || live.has(scope)) continue;
      const slot = otherSlot(before.slot);
      records.push(deletedScopePart(prefix, slot, scope, number));
      this.#parts.delete(scope);
      // The part goes first: without it, the mark is not needed.
      this.#outdatedKeys = [...this.#outdatedKeys, scopeKey(prefix, before.slot, scope), scopeKey(prefix, slot, scope)];
    }
    invariant(
      this.#parts.size === live.size,
      `${live.size} scopes, ${this.#parts.size} of them with parts: changedScopes names every scope that came or went`,
    );
    return records;
  }
}

function otherSlot(slot: CheckpointSlot | undefined): CheckpointSlot {
  return slot === 0 ? 1 : 0;
}

function outputParts(prefix: string, number: number, outputs: readonly FoldOutput[]): OutgoingRecord[] {
  const parts: FoldOutput[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const output of outputs) {
    const size = recordBytes(output.record);
    if (bytes + size > OUTPUTS_PART_BYTES_MAX) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)?.push(output);
    bytes += size;
  }
  return parts.map((part, index) => outputsPart(prefix, number, index, part));
}
