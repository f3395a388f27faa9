/** What befalls a process from within: its clock is off, or the disk of its journal is full. Read by the process from a small file, again and again. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';

export interface Afflictions {
  /** Added to what the clock says, in milliseconds. */
  readonly clock_offset_ms: number;
  /** No file of the journal takes another byte. */
  readonly disk_full: boolean;
}

export const HEALTHY: Afflictions = { clock_offset_ms: 0, disk_full: false };

export function writeAfflictions(file: string, afflictions: Afflictions): void {
  writeFileSync(`${file}.new`, JSON.stringify(afflictions));
  renameSync(`${file}.new`, file);
}

export function readAfflictions(file: string): Afflictions {
  return JSON.parse(readFileSync(file, 'utf8')) as Afflictions;
}
