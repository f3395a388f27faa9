/** A disk in memory that does what disks do: it forgets what was not synced when the power goes, tears what was under way, fills up and stalls. */
import { invariant } from '@tokenledger/domain';
import type { JournalDisk, JournalFile } from './disk.ts';

export interface SimulatedDisk extends JournalDisk {
  /** The process dies: everything that was appended stays, as much of the write under way as `torn` says (0 to 1), and nothing more is taken from it. */
  kill(torn?: number): SimulatedDisk;
  /** The power goes: of what was not synced, `kept` says how much stays (0 to 1), and the same of names that were not synced. */
  cutPower(kept: number): SimulatedDisk;
  /** All that is there now, for another machine or another time. */
  copy(): SimulatedDisk;
  /** Replaces the bytes of a file, as damage does. */
  damage(name: string, change: (bytes: Buffer) => Buffer | null): void;
  /** Asked before each operation: throws to fail it, waits to stall it. */
  before: (operation: 'append' | 'sync' | 'create' | 'remove' | 'read', name: string) => Promise<void>;
  /** How much of an append that fails stays in the file, 0 to 1. */
  short: () => number;
  readonly names: readonly string[];
  readonly asideNames: readonly string[];
  bytes(name: string): Buffer;
}

interface StoredFile {
  content: Buffer;
  syncedBytes: number;
}

interface Write {
  readonly file: StoredFile;
  readonly bytes: Buffer;
}

export function simulatedDisk(files: Map<string, StoredFile> = new Map(), aside: string[] = []): SimulatedDisk {
  let dead = false;
  const alive = (): void => {
    if (dead) throw new Error('the process that had this disk is dead');
  };
  const stored = (name: string): StoredFile => {
    const file = files.get(name);
    invariant(file !== undefined, `the file ${name} exists`);
    return file;
  };
  const asking = async (operation: Parameters<SimulatedDisk['before']>[0], name: string): Promise<void> => {
    alive();
    await disk.before(operation, name);
    alive();
  };
  let underWay: Write | null = null;
  const tear = ({ file, bytes }: Write, part: number): void => {
    file.content = Buffer.concat([file.content, bytes.subarray(0, Math.floor(bytes.length * part))]);
    underWay = null;
  };

  const disk: SimulatedDisk = {
    before: async () => undefined,
    short: () => 0,
    get names() {
      return [...files.keys()].toSorted();
    },
    get asideNames() {
      return aside;
    },
    bytes: (name) => stored(name).content,
    list: async () => [...files.keys()],
    read: async (name) => {
      await asking('read', name);
      return Buffer.from(stored(name).content);
    },
    sync: async (name) => {
      await asking('sync', name);
      stored(name).syncedBytes = stored(name).content.length;
    },
    create: async (name): Promise<JournalFile> => {
      await asking('create', name);
      invariant(!files.has(name), `the file ${name} is new`);
      const file: StoredFile = { content: Buffer.alloc(0), syncedBytes: 0 };
      files.set(name, file);
      return {
        async append(bytes) {
          const write = (underWay = { file, bytes: Buffer.from(bytes) });
          try {
            await asking('append', name);
          } catch (error) {
            if (!dead) tear(write, disk.short());
            throw error;
          }
          tear(write, 1);
        },
        async sync() {
          const { length } = file.content;
          await asking('sync', name);
          file.syncedBytes = Math.max(file.syncedBytes, length);
        },
        close: async () => undefined,
      };
    },
    remove: async (name) => {
      await asking('remove', name);
      files.delete(name);
    },
    setAside: async (names) => {
      for (const name of names) {
        files.delete(name);
        aside.push(name);
      }
      return 'aside';
    },
    kill(torn = 0) {
      dead = true;
      if (underWay !== null) tear(underWay, torn);
      return simulatedDisk(files, aside);
    },
    cutPower(kept) {
      dead = true;
      for (const file of files.values()) {
        const left = file.syncedBytes + Math.floor((file.content.length - file.syncedBytes) * kept);
        file.content = file.content.subarray(0, left);
        file.syncedBytes = left;
      }
      return simulatedDisk(files, aside);
    },
    copy: () => simulatedDisk(new Map(Array.from(files, ([name, file]) => [name, { ...file }]))),
    damage(name, change) {
      const changed = change(Buffer.from(stored(name).content));
      if (changed === null) files.delete(name);
      else files.set(name, { content: changed, syncedBytes: changed.length });
    },
  };
  return disk;
}
