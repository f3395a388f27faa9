/** What a conformance run found, as JSON and as a table by provider and surface. */
import type { Chunking } from './support/chunkings.ts';
import type { ConformanceRun } from './run.ts';
import type { Verdict } from './verdict.ts';

export interface ConformanceReport {
  readonly recordings: number;
  readonly exchanges: number;
  readonly passed: number;
  readonly failed: number;
  readonly excluded: ConformanceRun['excluded'];
  readonly duration_s: number;
  readonly by_provider_and_surface: readonly {
    readonly provider: string;
    readonly surface: string;
    readonly recordings: number;
    /** How many passed, by chunking. */
    readonly passed: Readonly<Partial<Record<Chunking['name'], number>>>;
  }[];
  /** By the id of the recording; the chunkings that show the same differences stand together. */
  readonly failures: readonly {
    readonly id: string;
    readonly file: string;
    readonly kind: string;
    readonly chunkings: readonly string[];
    readonly differences: readonly string[];
  }[];
}

export function reportOf({ recordings, excluded, verdicts, durationMs }: ConformanceRun): ConformanceReport {
  const failed = verdicts.filter(({ differences }) => differences.length > 0);
  return {
    recordings,
    exchanges: verdicts.length,
    passed: verdicts.length - failed.length,
    failed: failed.length,
    excluded,
    duration_s: Math.round(durationMs / 1000),
    by_provider_and_surface: [...Map.groupBy(verdicts, lineOf).values()].map(tableLine).sort(byName),
    failures: [
      ...Map.groupBy(failed, ({ recording, differences }) => JSON.stringify([recording.file, recording.id, differences])).values(),
    ].map(failure),
  };
}

export function reportText(report: ConformanceReport): string {
  const names = [...new Set(report.by_provider_and_surface.flatMap(({ passed }) => Object.keys(passed)))] as Chunking['name'][];
  const lines = report.by_provider_and_surface.map(({ provider, surface, recordings, passed }) => [
    provider,
    surface,
    String(recordings),
    ...names.map((name) => (passed[name] === recordings ? 'all' : `${passed[name] ?? 0} of ${recordings}`)),
  ]);
  const failures = report.failures.map(
    ({ id, file, kind, chunkings, differences }) => `FAILED ${file} ${id} (${kind}; ${chunkings.join(', ')}): ${differences.join('; ')}`,
  );
  const excluded = Object.entries(report.excluded).map(([id, reason]) => `EXCLUDED ${id}: ${reason}`);
  const summary = `${report.passed} of ${report.exchanges} exchanges passed (${report.recordings} recordings in ${names.length} chunkings), ${report.failed} failed, in ${report.duration_s} s`;
  return [...failures, ...excluded, ...aligned([['provider', 'surface', 'recordings', ...names], ...lines]), summary].join('\n');
}

function lineOf({ recording, surface }: Verdict): string {
  return `${recording.provider} ${surface}`;
}

function tableLine(verdicts: readonly Verdict[]): ConformanceReport['by_provider_and_surface'][number] {
  const [first] = verdicts as readonly [Verdict, ...Verdict[]];
  const passed: Partial<Record<Chunking['name'], number>> = {};
  for (const { chunking, differences } of verdicts) passed[chunking] = (passed[chunking] ?? 0) + (differences.length === 0 ? 1 : 0);
  const recordings = new Set(verdicts.map(({ recording }) => `${recording.file} ${recording.id}`)).size;
  return { provider: first.recording.provider, surface: first.surface, recordings, passed };
}

function failure(verdicts: readonly Verdict[]): ConformanceReport['failures'][number] {
  const [{ recording, differences }] = verdicts as readonly [Verdict, ...Verdict[]];
  return { id: recording.id, file: recording.file, kind: recording.kind, chunkings: verdicts.map(({ chunking }) => chunking), differences };
}

function byName(
  left: { readonly provider: string; readonly surface: string },
  right: { readonly provider: string; readonly surface: string },
): number {
  return left.provider.localeCompare(right.provider) || left.surface.localeCompare(right.surface);
}

function aligned(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
