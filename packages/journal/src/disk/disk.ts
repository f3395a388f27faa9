/** What a journal needs of a disk, so that a simulation can put one there that tears, fills up and loses power. */

export interface JournalFile {
  /** Writes all of it at the end. Resolves once the operating system has it. */
  append(bytes: Uint8Array): Promise<void>;
  /** Resolves once the disk has everything that was appended. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface JournalDisk {
  /** Names of files, in no order. */
  list(): Promise<readonly string[]>;
  read(name: string): Promise<Buffer>;
  /** Resolves once the disk has all of a file that an earlier process wrote. */
  sync(name: string): Promise<void>;
  /** A new file, whose name is on disk when this resolves. Throws when it exists. */
  create(name: string): Promise<JournalFile>;
  remove(name: string): Promise<void>;
  /** Moves files of a source out of the way, where nothing looks for them; returns where to. */
  setAside(names: readonly string[]): Promise<string>;
}
