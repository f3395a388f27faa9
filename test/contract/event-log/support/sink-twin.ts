/** A SinkStore in memory that does to a Sink what a database behind a network does: inserts fail half way, succeed without saying so, or arrive late. */
import type { Pacing, SinkBatch, SinkOwner, SinkStore, SinkWritten } from '@tokenledger/event-log';
import { AppError } from '@tokenledger/domain';
import { text } from './records.ts';

export interface Row {
  readonly value: string;
  readonly epoch: number;
}

/** What becomes of one insert. */
export type InsertFate = 'done' | 'nothing' | 'half' | 'unanswered' | 'late';

interface LateInsert {
  readonly partition: string;
  readonly epoch: number;
  readonly values: readonly string[];
}

export interface SinkTwinOptions {
  readonly pacing: Pacing;
  /** `false` makes the twin a pretender: it lets every epoch insert. */
  readonly fence?: boolean;
}

export class SinkTwin implements SinkStore {
  readonly epochs: number[] = [];
  readonly batches: SinkBatch[] = [];
  readonly released: SinkOwner[] = [];
  /** The fates of the next inserts; `done` after them. */
  fates: InsertFate[] = [];
  readonly #pacing: Pacing;
  readonly #fenced: boolean;
  readonly #tables = new Map<string, Row[]>();
  readonly #fences = new Map<string, number>();
  readonly #seen = new Map<string, { readonly epoch: number; readonly values: Set<string> }>();
  #late: LateInsert[] = [];

  constructor({ pacing, fence = true }: SinkTwinOptions) {
    this.#pacing = pacing;
    this.#fenced = fence;
  }

  rows(topic: string, partition: number): readonly Row[] {
    return this.#tables.get(`${topic}/${partition}`) ?? [];
  }

  values(topic: string, partition: number): string[] {
    return this.rows(topic, partition).map((row) => row.value);
  }

  async takeOver(owner: SinkOwner): Promise<void> {
    const partition = `${owner.topic}/${owner.partition}`;
    await this.#pacing.wait(1);
    this.epochs.push(owner.epoch);
    this.#refuseOlder(partition, owner.epoch);
    this.#fences.set(partition, owner.epoch);
    this.#seen.set(partition, { epoch: owner.epoch, values: new Set(this.#tables.get(partition)?.map((row) => row.value)) });
  }

  async write(owner: SinkOwner, batch: SinkBatch): Promise<SinkWritten> {
    const partition = `${owner.topic}/${owner.partition}`;
    this.batches.push(batch);
    await this.#pacing.wait(1);
    const seen = this.#seen.get(partition);
    if (seen?.epoch !== owner.epoch) throw fenced(partition);
    const values = batch.records.map(text);
    const missing = values.filter((value) => !seen.values.has(value));
    this.#insert(partition, owner.epoch, missing, this.fates.shift() ?? 'done');
    for (const value of missing) seen.values.add(value);
    return { inserted: missing.length, repeats: values.length - missing.length, rejected: 0 };
  }

  release(owner: SinkOwner): void {
    this.released.push(owner);
    const partition = `${owner.topic}/${owner.partition}`;
    if (this.#seen.get(partition)?.epoch === owner.epoch) this.#seen.delete(partition);
  }

  /** Inserts that were held up on their way arrive now. */
  deliverLate(): void {
    const late = this.#late;
    this.#late = [];
    for (const { partition, epoch, values } of late) {
      if (!this.#fenced || epoch >= (this.#fences.get(partition) ?? 0)) this.#store(partition, epoch, values);
    }
  }

  #insert(partition: string, epoch: number, values: readonly string[], fate: InsertFate): void {
    if (fate === 'nothing') throw new Error('the insert was not made');
    if (fate === 'late') {
      this.#late.push({ partition, epoch, values });
      throw new Error('the insert got no answer');
    }
    this.#refuseOlder(partition, epoch);
    this.#store(partition, epoch, fate === 'half' ? values.slice(0, Math.ceil(values.length / 2)) : values);
    if (fate === 'half') throw new Error('the insert was made by half');
    if (fate === 'unanswered') throw new Error('the answer to the insert was lost');
  }

  #refuseOlder(partition: string, epoch: number): void {
    if (this.#fenced && epoch < (this.#fences.get(partition) ?? 0)) throw fenced(partition);
  }

  #store(partition: string, epoch: number, values: readonly string[]): void {
    const table = this.#tables.get(partition) ?? [];
    this.#tables.set(partition, table);
    table.push(...values.map((value) => ({ value, epoch })));
  }
}

function fenced(partition: string): AppError {
  return new AppError('FENCED', `A newer epoch writes ${partition}.`);
}
