/** CPU time of another process, all its threads, as the operating system counts it. */
import { readdirSync, readFileSync } from 'node:fs';

const NS_PER_MS = 1e6;

/** Milliseconds on a CPU since the process began (Linux: `/proc/PID/task/TID/schedstat`, nanoseconds). */
export function cpuTimeMs(pid: number): number {
  if (process.platform !== 'linux') throw new Error('the CPU time of a process is read from /proc, which only Linux has');
  let sumNs = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    sumNs += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
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
