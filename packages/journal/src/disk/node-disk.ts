/** The file system under a journal. */
import { fdatasync, writeSync } from 'node:fs';
import { mkdir, open, readFile, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { JournalDisk, JournalFile } from './disk.ts';

const ASIDE = 'aside';

const syncData = promisify(fdatasync);

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
      let end = 0;
      return {
        // Into the page cache, in microseconds: handing it to another thread would cost several times as much.
        async append(bytes) {
          for (let written = 0; written < bytes.byteLength;) {
            written += writeSync(handle.fd, bytes, written, bytes.byteLength - written, end + written);
          }
          end += bytes.byteLength;
        },
        sync: () => syncData(handle.fd),
        close: () => handle.close(),
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
