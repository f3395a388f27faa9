/** What a run did and found, as JSON and as a table to read. */
import type { ChaosOptions } from './run.ts';
import type { Death } from './victim.ts';
import type { Difference, Evidence } from './verdict.ts';

export interface Report {
  readonly seed: number;
  readonly command: string;
  readonly duration_s: number;
  readonly heal_s: number;
  readonly kills: number;
  /** Kills that met something in hand. */
  readonly kills_in_work: number;
  /** By kind of victim: how many, and what was in hand. */
  readonly kills_by_kind: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly faults: Readonly<Record<string, number>>;
  readonly failed_starts: number;
  /** By what clients saw. */
  readonly requests: Readonly<Record<string, number>>;
  readonly billed_attempts: number;
  readonly rows: number;
  readonly rows_by_outcome: Readonly<Record<string, number>>;
  readonly attempts: number;
  readonly sources: number;
  readonly unresolved: number;
  readonly unresolved_max: number;
  readonly differences: readonly Difference[];
}

const IDLE = 'idle';
/** Of all kills, the share that has to meet something in hand. */
export const IN_WORK_SHARE_MIN = 0.8;
const DIFFERENCES_SHOWN = 20;
const MS_PER_S = 1_000;

export function reportOf(run: {
  readonly options: ChaosOptions;
  readonly deaths: readonly Death[];
  readonly faults: ReadonlyMap<string, number>;
  readonly failedStarts: number;
  readonly evidence: Evidence;
  readonly differences: readonly Difference[];
  readonly healMs: number;
  readonly durationMs: number;
}): Report {
  const { options, deaths, evidence, differences } = run;
  const { rows, bill } = evidence;
  const unresolved = rows.filter(({ outcome }) => outcome === 'unresolved').length;
  const kinds = Map.groupBy(deaths, ({ kind }) => kind);
  return {
    seed: options.seed,
    command: `npm run chaos -- --seed ${options.seed} --kills ${options.kills} --rate ${options.requestsPerSecond}`,
    duration_s: Math.round(run.durationMs / MS_PER_S),
    heal_s: Math.round(run.healMs / MS_PER_S),
    kills: deaths.length,
    kills_in_work: deaths.filter(({ interrupted }) => interrupted !== '').length,
    kills_by_kind: Object.fromEntries([...kinds].map(([kind, died]) => [kind, counts(died, ({ interrupted }) => interrupted || IDLE)])),
    faults: Object.fromEntries(sorted([...run.faults])),
    failed_starts: run.failedStarts,
    requests: counts(evidence.clients ?? [], ({ ended }) => (ended.kind === 'answered' ? `answered ${ended.status}` : ended.kind)),
    billed_attempts: bill.length,
    rows: rows.length,
    rows_by_outcome: counts(rows, ({ outcome }) => outcome),
    attempts: rows.reduce((sum, { attempts }) => sum + attempts.length, 0),
    sources: new Set(rows.map(({ source }) => source)).size,
    unresolved,
    unresolved_max: evidence.unresolvedMax,
    differences: differences.slice(0, DIFFERENCES_SHOWN),
  };
}

export function reportText(report: Report): string {
  const list = (of: Readonly<Record<string, number>>): string =>
    Object.entries(of)
      .map(([name, count]) => `${count} ${name}`)
      .join(', ');
  const lines = [
    `seed ${report.seed}: ${report.kills} kills, ${report.kills_in_work} of them with something in hand, in ${report.duration_s} s (healed in ${report.heal_s} s)`,
    ...Object.entries(report.kills_by_kind).map(([kind, met]) => `  ${kind.padEnd(10)} ${String(sum(met)).padStart(4)}: ${list(met)}`),
    `faults beside kills: ${list(report.faults)}; ${report.failed_starts} starts failed and were tried again`,
    `requests: ${list(report.requests)}`,
    `bill: ${report.billed_attempts} attempts; ledger: ${report.rows} rows (${list(report.rows_by_outcome)}), ${report.attempts} attempts, ${report.sources} sources`,
    `unresolved: ${report.unresolved}, of at most ${report.unresolved_max} in flight when an ingress was killed`,
    report.differences.length === 0
      ? 'bill and ledger agree'
      : `bill and ledger differ. The first request: ${JSON.stringify(report.differences[0], undefined, 2)}\nthen: ${report.differences
          .slice(1)
          .map(({ of, what }) => `\n  ${of}: ${what}`)
          .join('')}`,
  ];
  return lines.join('\n');
}

function counts<Item>(items: readonly Item[], nameOf: (item: Item) => string): Readonly<Record<string, number>> {
  return Object.fromEntries(sorted([...Map.groupBy(items, nameOf)].map(([name, same]) => [name, same.length] as const)));
}

function sum(of: Readonly<Record<string, number>>): number {
  return Object.values(of).reduce((total, one) => total + one, 0);
}

function sorted(entries: readonly (readonly [string, number])[]): readonly (readonly [string, number])[] {
  return entries.toSorted(([a], [b]) => (a < b ? -1 : 1));
}
