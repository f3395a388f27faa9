/** Parts on their way to a thread: their bodies in memory that it shares, the rest as numbers. Memory of the usual size is used again and again. */
import { type CountBatch, PART_NUMBERS, type PartKind } from './count-batch.ts';

/** A batch is full with so many parts, or so many bytes; a longer part is alone in its own. */
const PARTS_MAX = 256;
const BYTES_MAX = 1024 * 1024;

export class GatheredParts<Part extends { readonly deadlineMs: number }> {
  parts: Part[] = [];
  #kinds: PartKind[] = [];
  readonly #numbers = new Float64Array(PARTS_MAX * PART_NUMBERS);
  #bytes: Uint8Array | undefined;
  #end = 0;

  get isFull(): boolean {
    return this.parts.length >= PARTS_MAX || this.#end >= BYTES_MAX;
  }

  hasRoom(bytes: number): boolean {
    return this.parts.length === 0 || this.#end + bytes <= BYTES_MAX;
  }

  /** There must be room. `bytes`: of all chunks. */
  add(part: Part, kind: PartKind, chunks: readonly Uint8Array[], bytes: number): void {
    if (this.#bytes === undefined || bytes > BYTES_MAX) this.#bytes = new Uint8Array(new SharedArrayBuffer(Math.max(bytes, BYTES_MAX)));
    for (const chunk of chunks) {
      this.#bytes.set(chunk, this.#end);
      this.#end += chunk.byteLength;
    }
    const at = this.parts.length * PART_NUMBERS;
    this.#numbers[at] = this.#indexOf(kind);
    this.#numbers[at + 1] = this.#end;
    this.#numbers[at + 2] = part.deadlineMs;
    this.parts.push(part);
  }

  message(): CountBatch {
    return {
      bytes: this.#bytes ?? new Uint8Array(0),
      kinds: this.#kinds,
      parts: this.#numbers.slice(0, this.parts.length * PART_NUMBERS),
    };
  }

  /** False for one that was made for a long part. */
  clear(): boolean {
    this.parts = [];
    this.#kinds = [];
    this.#end = 0;
    return this.#bytes?.byteLength === BYTES_MAX;
  }

  /** Most batches have few kinds. */
  #indexOf(kind: PartKind): number {
    const known = this.#kinds.findIndex(
      (other) =>
        other.model === kind.model &&
        other.kind === kind.kind &&
        other.surface === kind.surface &&
        other.provider === kind.provider &&
        other.contentType === kind.contentType &&
        other.calibration === kind.calibration,
    );
    return known < 0 ? this.#kinds.push(kind) - 1 : known;
  }
}
