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
