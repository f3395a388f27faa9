/** The file system under a journal. */
import { fdatasync, ftruncateSync, writeSync } from 'node:fs';
import { mkdir, open, readFile, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { JournalDisk, JournalFile } from './disk.ts';

const ASIDE = 'aside';

const syncData = promisify(fdatasync);

/** A file is filled with zeros so far ahead of its end: to sync what was written over them takes half the CPU, and half the time, of syncing a file that grew,
 *  since where its blocks are does not change. */
const ZEROS = Buffer.alloc(256 * 1024);

/** `directory` must exist. */
export function nodeDisk(directory: string): JournalDisk {
  /** A directory's entries are on disk once it is synced itself. */
  const syncPath = async (path: string): Promise<void> => {
    const handle = await open(path, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  };
  return {
    async list() {
      const entries = await readdir(directory, { withFileTypes: true });
      return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
    },
    read: (name) => readFile(join(directory, name)),
    sync: (name) => syncPath(join(directory, name)),
    async create(name): Promise<JournalFile> {
      const handle = await open(join(directory, name), 'wx', 0o600);
      await syncPath(directory);
      const { fd } = handle;
      let end = 0;
      let filled = 0;
      const fillThrough = (needed: number): void => {
        try {
          while (filled < needed) filled += writeSync(fd, ZEROS, 0, ZEROS.byteLength, filled);
        } catch {
          // A disk without room for zeros may have some for what counts: if not, the write itself says so.
          filled = Number.POSITIVE_INFINITY;
        }
      };
      return {
        // Into the page cache, in microseconds: handing it to another thread would cost several times as much.
        async append(bytes) {
          if (end + bytes.byteLength > filled) fillThrough(end + bytes.byteLength);
          for (let written = 0; written < bytes.byteLength;) {
            written += writeSync(fd, bytes, written, bytes.byteLength - written, end + written);
          }
          end += bytes.byteLength;
        },
        sync: () => syncData(fd),
        async close() {
          try {
            ftruncateSync(fd, end);
          } finally {
            await handle.close();
          }
        },
      };
    },
    async remove(name) {
      await rm(join(directory, name));
      await syncPath(directory);
    },
    async setAside(names) {
      const aside = join(directory, ASIDE);
      await mkdir(aside, { recursive: true });
      for (const name of names) await rename(join(directory, name), join(aside, name));
      await syncPath(aside);
      await syncPath(directory);
      return aside;
    },
  };
}
