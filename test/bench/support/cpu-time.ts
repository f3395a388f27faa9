/** CPU time of another process, all its threads, as the operating system counts it. */
import { readdirSync, readFileSync } from 'node:fs';

const NS_PER_MS = 1e6;

/** What Node calls a thread of `node:worker_threads` that has no name of its own. */
const WORKER = 'WorkerThread';

/** Milliseconds on a CPU since the process began (Linux: `/proc/PID/task/TID/schedstat`, nanoseconds). */
export function cpuTimeMs(pid: number): number {
  return threadsCpuMs(pid, () => true);
}

/** As above, of its worker threads alone. */
export function workersCpuTimeMs(pid: number): number {
  return threadsCpuMs(pid, (path) => readFileSync(`${path}/comm`, 'utf8').trim() === WORKER);
}

function threadsCpuMs(pid: number, counts: (path: string) => boolean): number {
  if (process.platform !== 'linux') throw new Error('the CPU time of a process is read from /proc, which only Linux has');
  let sumNs = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const path = `/proc/${pid}/task/${thread}`;
    if (counts(path)) sumNs += Number(readFileSync(`${path}/schedstat`, 'utf8').split(' ')[0]);
  }
  return sumNs / NS_PER_MS;
}

/** Clock ticks per second, in which `/proc` counts: 100 on every Linux that Node runs on. */
const TICK_MS = 10;

/** As above, with the threads that have ended, and in steps of 10 ms: for minutes of a process whose threads come and go. */
export function wholeCpuTimeMs(pid: number): number {
  const [, fields = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(/^.*\) /s);
  const [user, system] = fields.split(' ').slice(11, 13).map(Number);
  return ((user ?? Number.NaN) + (system ?? Number.NaN)) * TICK_MS;
}
