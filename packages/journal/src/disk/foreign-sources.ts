/** The foreign sources that somebody adds to, each with its writer. */
import type { ForeignSource } from '../journal.ts';
import type { EarlierSource } from './earlier-source.ts';
import { ForeignWriter, type ForeignWriterOptions } from './foreign-writer.ts';
import type { Lane } from './lane.ts';
import type { Segment } from './segment-writer.ts';

export interface ForeignSourcesOptions extends Omit<ForeignWriterOptions, 'firstSegment' | 'held' | 'lane' | 'onAdded'> {
  /** No file has this number or a higher one. */
  readonly firstSegment: number;
  /** Gives what is held of a source to whoever adds to it from now on. */
  readonly take: (source: string) => EarlierSource | undefined;
  readonly laneOf: (source: string, partition: number) => Lane;
  readonly onAdded: (source: string, partition: number) => void;
  /** Nobody adds to it any more: it is like any source that was left. */
  readonly onLeft: (left: EarlierSource) => void;
}

export class ForeignSources {
  readonly #options: ForeignSourcesOptions;
  readonly #writers = new Map<string, ForeignWriter>();
  #nextSegment: number;
  #closing = false;

  constructor(options: ForeignSourcesOptions) {
    this.#options = options;
    this.#nextSegment = options.firstSegment;
  }

  /** Of their segments. */
  get bytes(): number {
    let sum = 0;
    for (const { segments } of this.#writers.values()) for (const { bytes } of segments) sum += bytes;
    return sum;
  }

  segmentsOf(source: string): readonly Segment[] | undefined {
    return this.#writers.get(source)?.segments;
  }

  use(source: string, partition: number): ForeignSource {
    const writer = this.#writers.get(source) ?? this.#open(source, partition);
    return writer.use(() => void this.#release(writer));
  }

  /** Resolves once all that was added is synced, and left. */
  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all(Array.from(this.#writers.values(), (writer) => writer.close()));
    for (const writer of this.#writers.values()) this.#leave(writer);
  }

  #open(source: string, partition: number): ForeignWriter {
    const { take, laneOf, onAdded, ...options } = this.#options;
    const held = take(source);
    const lane = held?.lanes[0] ?? laneOf(source, partition);
    const writer = new ForeignWriter({
      ...options,
      firstSegment: this.#nextSegment,
      held: held ?? { segments: [], lastBatch: 0 },
      lane,
      onAdded: () => onAdded(source, lane.partition),
    });
    this.#writers.set(source, writer);
    return writer;
  }

  async #release(writer: ForeignWriter): Promise<void> {
    await writer.close();
    if (this.#closing || writer.inUse || !writer.isSettled || this.#writers.get(writer.source) !== writer) return;
    this.#leave(writer);
  }

  #leave(writer: ForeignWriter): void {
    const { source, lastBatch, lane } = writer;
    this.#writers.delete(source);
    // Its files may still wait to be removed when it is added to again: the next ones need other names.
    this.#nextSegment = Math.max(this.#nextSegment, writer.nextSegment);
    this.#options.onLeft({ source, segments: [...writer.segments], lanes: [lane], lastBatch, unresolved: 0, lost: 0, damagedBatches: [] });
  }
}
