/** npm run simulate -- --seeds N [--from SEED] : runs the whole path under seeded faults and says which seeds break a promise. Exit 1 when one does.
 *  Ctrl-C ends it after the runs in hand, and what is known then is printed. */
import { parseArgs } from 'node:util';
import { FAULT_KINDS } from './support/fault-counts.ts';
import { runParallel } from './support/run-parallel.ts';
import type { RangeReport } from './support/run-range.ts';

const SHOWN_MAX = 20;
const SECOND_MS = 1_000;
const SECOND_US = 1_000_000;

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '100' }, from: { type: 'string', default: '1' } },
});
const seeds = count('seeds', values.seeds);
const from = count('from', values.from);
const startedMs = performance.now();
let toldMs = startedMs;

let shown = 0;
const ended = new AbortController();
process.once('SIGINT', () => ended.abort());
const report = await runParallel({ from, seeds, signal: ended.signal }, (sum) => {
  for (const { seed, failures } of sum.failed.slice(shown)) console.error(`seed ${seed} failed: ${failures[0]}`);
  shown = sum.failed.length;
  if (performance.now() - toldMs < 10 * SECOND_MS) return;
  toldMs = performance.now();
  console.error(`${sum.runs} of ${seeds} seeds, ${sum.failed.length} failed`);
});
print(report);
process.exitCode = report.failed.length > 0 ? 1 : 0;

function count(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  console.error(`--${name} takes a whole number of at least 1, not '${text}'`);
  process.exit(2);
}

function print({ runs, events, unresolved, eventsMin, faultsMin, faults, failed }: RangeReport): void {
  const seconds = (performance.now() - startedMs) / SECOND_MS;
  const { user, system } = process.cpuUsage();
  const cpuSeconds = (user + system) / SECOND_US;
  console.log(`${runs} seeds from ${from} in ${seconds.toFixed(0)} s (${cpuSeconds.toFixed(0)} s of CPU)`);
  console.log(`${events} events (${unresolved} unresolved), at least ${eventsMin} for each seed`);
  console.log(`faults, at least ${faultsMin} for each seed:`);
  for (const kind of FAULT_KINDS) console.log(`  ${kind.padEnd(26)} ${String(faults[kind]).padStart(8)}`);
  for (const { seed, failures } of failed.slice(0, SHOWN_MAX)) {
    console.log(`seed ${seed} failed: ${failures[0]}${failures.length > 1 ? ` (and ${failures.length - 1} more)` : ''}`);
    console.log(`  again: npm run simulate -- --seeds 1 --from ${seed}`);
  }
  console.log(failed.length === 0 ? 'every promise held' : `${failed.length} seeds failed`);
}
