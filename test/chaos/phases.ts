/** What a process has in hand, in a small file that outlives it: the process writes it at each change, the nemesis reads it once the process is stopped or dead. */
import { readFileSync } from 'node:fs';

export interface Phases {
  /** Journals and partitions that are being taken over from a former life. */
  readonly recovery: number;
  /** Batches that are read and whose offset is not committed. */
  readonly batch: number;
  /** Requests of clients that are not answered to their end. */
  readonly request: number;
}

export const NO_PHASES: Phases = { recovery: 0, batch: 0, request: 0 };

/** Every state has as many bytes, so that one write replaces another whole. */
const BYTES = 64;

export function encodePhases({ recovery, batch, request }: Phases): Buffer {
  return Buffer.from(`${JSON.stringify([recovery, batch, request]).padEnd(BYTES - 1)}\n`);
}

/** Nothing is in hand where nothing was ever written. */
export function readPhases(file: string): Phases {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return NO_PHASES;
    throw error;
  }
  if (text === '') return NO_PHASES;
  const [recovery = 0, batch = 0, request = 0] = JSON.parse(text) as readonly number[];
  return { recovery, batch, request };
}

/** What a kill now would interrupt; `''` for nothing. */
export function describePhases({ recovery, batch, request }: Phases): string {
  if (recovery > 0) return 'recovery';
  if (batch > 0) return 'batch';
  return request > 0 ? 'request' : '';
}
