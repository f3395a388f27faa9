/** Which process listens on a port of this machine: a broker's, however it was started. Linux only. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const LISTENS = '0A';

/** Throws when none of this user's does. */
export function listeningProcess(port: number): number {
  const inodes = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) => socketsOf(file, port)));
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (openFiles(pid).some((target) => inodes.has(target))) return Number(pid);
  }
  throw new Error(`no process here listens on port ${port}: a broker elsewhere cannot be measured`);
}

function socketsOf(file: string, port: number): readonly string[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => state === LISTENS && local !== undefined && Number.parseInt(local.split(':')[1] ?? '', 16) === port)
    .map((fields) => `socket:[${fields[9]}]`);
}

function openFiles(pid: string): readonly string[] {
  const directory = `/proc/${pid}/fd`;
  const targets: string[] = [];
  try {
    for (const file of readdirSync(directory)) targets.push(readlinkSync(`${directory}/${file}`));
  } catch {
    // It is another user's, or has ended meanwhile.
  }
  return targets;
}
