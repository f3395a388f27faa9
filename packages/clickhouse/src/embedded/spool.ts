/** Data of inserts on their way into the engine, a file each. Behind a statement the engine takes data only up to the first blank line, and what
 *  follows for the next statement; read from a file, any bytes are data, and it is cheaper too (24 instead of 35 µs of CPU for a wide row). */
import { mkdirSync, rmSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export class Spool {
  readonly #directory: string;
  #files = 0;

  /** Empties the directory: what a killed process left there was never acknowledged. */
  constructor(directory: string) {
    this.#directory = directory;
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
  }

  /** The file is there while `use` works, and gone afterwards. */
  async hold<T>(data: Uint8Array, use: (file: string) => Promise<T>): Promise<T> {
    const file = join(this.#directory, String(++this.#files));
    try {
      await writeFile(file, data);
      return await use(file);
    } finally {
      await rm(file, { force: true });
    }
  }
}
