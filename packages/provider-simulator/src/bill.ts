/** The simulator's own account of what it served, one JSON line per request, on disk before the answer's last byte. Tests hold every other count against it. */
import { readFile, open, type FileHandle } from 'node:fs/promises';
import type { Classes } from './classes.ts';

export interface BillLine {
  /** The answer's own id (`chatcmpl-…`, `msg_…`); `''` for an error. */
  readonly id: string;
  /** The `x-request-id` that came with the request; `''` when none came. */
  readonly request_id: string;
  readonly surface: string;
  readonly model: string;
  readonly served_model: string;
  readonly service_tier: string;
  readonly streamed: boolean;
  readonly status: number;
  /** A successful answer was sent to its end (its last bytes follow this line). */
  readonly completed: boolean;
  /** The answer stated its usage. */
  readonly reported: boolean;
  /** The usage object as sent, or as it would have been; null for an error that costs nothing. */
  readonly usage: unknown;
  /** What the request cost, whether or not it was reported; null for an error that costs nothing, and where a script dictated the usage object. */
  readonly classes: Classes | null;
  readonly at_ms: number;
}

/** Appends lines in groups: all that came during one sync go with the next. */
export class Bill {
  readonly #file: string;
  readonly #handle: FileHandle;
  #waiting: string[] = [];
  #next: Promise<void> | undefined;
  #last: Promise<void> = Promise.resolve();

  static async open(file: string): Promise<Bill> {
    return new Bill(file, await open(file, 'a'));
  }

  private constructor(file: string, handle: FileHandle) {
    this.#file = file;
    this.#handle = handle;
  }

  /** Resolves once the line is on disk. */
  append(line: BillLine): Promise<void> {
    this.#waiting.push(`${JSON.stringify(line)}\n`);
    this.#next ??= this.#last.then(() => this.#write());
    this.#last = this.#next;
    return this.#next;
  }

  /** All lines of the file, earlier runs' included. */
  async lines(): Promise<readonly BillLine[]> {
    await this.#last;
    return readBill(this.#file);
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#handle.close();
  }

  async #write(): Promise<void> {
    const text = this.#waiting.join('');
    this.#waiting = [];
    this.#next = undefined;
    await this.#handle.appendFile(text);
    await this.#handle.datasync();
  }
}

/** Reads a bill. A last line without its line feed was torn by a kill and never acknowledged: it is left out. */
export async function readBill(file: string): Promise<readonly BillLine[]> {
  const lines = (await readFile(file, 'utf8')).split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as BillLine);
}
