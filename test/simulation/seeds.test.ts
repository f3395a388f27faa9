// A thousand runs of the whole path in one process, each with faults of its own: every promise holds in each of them. A seed that fails is run again by
// `npm run simulate -- --seeds 1 --from SEED`, and becomes a test of its own beside this one.
import { expect, test } from 'vitest';
import { FAULT_KINDS } from './support/fault-counts.ts';
import { runParallel } from './support/run-parallel.ts';

const SEEDS = 1_000;
const SHOWN = 5;

test(
  'every promise holds in a thousand seeds, each with at least 1,000 events and 10 faults, and each kind of fault is met',
  { timeout: 600_000 },
  async () => {
    const report = await runParallel({ from: 1, seeds: SEEDS });
    expect(report.failed.slice(0, SHOWN), 'seeds that failed').toEqual([]);
    expect(report.runs).toBe(SEEDS);
    expect(report.eventsMin).toBeGreaterThanOrEqual(1_000);
    expect(report.faultsMin).toBeGreaterThanOrEqual(10);
    for (const kind of FAULT_KINDS) expect(report.faults[kind], `how often ${kind} happened`).toBeGreaterThanOrEqual(100);
  },
);
