/** Forms the batches of one partition: whole sends, in the order in which they came. */

export interface BatchLimits {
  readonly batchRecordsMax: number;
  readonly batchBytesMax: number;
  readonly lingerMs: number;
  /** With this many records a batch waits for no more. */
  readonly lingerRecordsMax: number;
}

export interface Sized {
  readonly records: { readonly length: number };
  readonly bytes: number;
  /** When it came, in milliseconds. */
  readonly sinceMs: number;
}

export class SendQueue<Send extends Sized> {
  readonly #limits: BatchLimits;
  #sends: Send[] = [];
  #records = 0;
  #bytes = 0;

  constructor(limits: BatchLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#sends.length;
  }

  push(send: Send): void {
    this.#sends.push(send);
    this.#records += send.records.length;
    this.#bytes += send.bytes;
  }

  /** How long the next batch may still wait for more; 0 when it is full or has waited enough, null when there is none. */
  waitMs(nowMs: number): number | null {
    const first = this.#sends[0];
    if (first === undefined) return null;
    const enough = Math.min(this.#limits.lingerRecordsMax, this.#limits.batchRecordsMax);
    if (this.#records >= enough || this.#bytes >= this.#limits.batchBytesMax) return 0;
    return Math.max(0, first.sinceMs + this.#limits.lingerMs - nowMs);
  }

  /** The next batch: a send is never split, so one that is larger than the limits comes alone. */
  take(): readonly Send[] {
    let count = 0;
    let records = 0;
    let bytes = 0;
    for (const send of this.#sends) {
      const fits = records + send.records.length <= this.#limits.batchRecordsMax && bytes + send.bytes <= this.#limits.batchBytesMax;
      if (count > 0 && !fits) break;
      count += 1;
      records += send.records.length;
      bytes += send.bytes;
    }
    this.#records -= records;
    this.#bytes -= bytes;
    return this.#sends.splice(0, count);
  }
}
