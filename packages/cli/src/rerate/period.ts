/** What commands that rate a period again take alike: its bounds, whose events, and how what comes out is printed. */
import { AppError } from '@tokenledger/domain';
import type { Selection } from '@tokenledger/rerating';
import { type Command, Option } from 'commander';
import { parseTime } from '../parse-time.ts';

export interface PeriodOptions {
  /** Milliseconds since the epoch. */
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
  readonly tenant?: readonly string[];
  readonly provider?: readonly string[];
  readonly format: 'table' | 'json';
}

export function withPeriod(command: Command): Command {
  return command
    .requiredOption('--from <time>', 'first moment, e.g. 2026-10-01 or 2026-10-01T12:00:00Z', parseTime)
    .requiredOption('--to <time>', 'the moment after the last', parseTime)
    .option('--tenant <id...>', 'these tenants alone (default: all)')
    .option('--provider <name...>', 'events that went to one of these providers (default: all)')
    .addOption(new Option('--format <name>', 'how to print it').choices(['table', 'json']).default('table'));
}

/** Throws `USAGE`. */
export function selectionOf({ from, to, tenant, provider }: PeriodOptions, models: readonly string[]): Selection {
  if (from >= to) throw new AppError('USAGE', '--to must be after --from');
  return { fromMs: from, toMs: to, tenants: tenant ?? [], models, providers: provider ?? [] };
}

/** None: no line. */
export function retiredNote(days: readonly string[], what: string): readonly string[] {
  return days.length === 0 ? [] : [`Raw rows have left of ${days.length} days (${days[0]} to ${days.at(-1)}): ${what}.`];
}
