/** The totals that a usage object states, held against each other. */
import type { Usage } from '@tokenledger/domain';
import type { Counts } from './counts.ts';
import { TOTAL_DIFFERS, type Normalised } from './normalised.ts';

/** Null: not stated. */
export interface Totals {
  readonly input: number | null;
  readonly output: number | null;
  readonly both: number | null;
}

export function readTotals(counts: Counts, input: string, output: string): Totals {
  return { input: counts.at(input), output: counts.at(output), both: counts.at('total_tokens') };
}

/** Once everything has been read of `counts`: the classes that it gave; `none` or `invalid` where it has no total or something that is no count. */
export function normalisedWith({ input, output, both }: Totals, counts: Counts, usage: Usage, flags: ReadonlySet<string>): Normalised {
  const sum = (input ?? 0) + (output ?? 0);
  if (counts.invalid || sum > Number.MAX_SAFE_INTEGER) return { kind: 'invalid' };
  if (input === null && output === null) return { kind: counts.found ? 'invalid' : 'none' };
  const differs = both !== null && input !== null && output !== null && both !== sum;
  return { kind: 'usage', usage, flags: differs ? [...flags, TOTAL_DIFFERS] : [...flags] };
}
