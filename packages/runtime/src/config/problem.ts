/** What is wrong with a setting: where it stands, why it is refused and what to do, in one line. */
import { AppError } from '@tokenledger/domain';
import { redactText } from '../logging/redaction.ts';

/** Where a value came from. */
export type Origin =
  | { readonly kind: 'file'; readonly file: string; readonly line: number }
  | { readonly kind: 'environment'; readonly variable: string }
  | { readonly kind: 'flag'; readonly flag: string }
  | { readonly kind: 'default' };

export interface ConfigProblem {
  readonly origin: Origin;
  /** e.g. `ingress.port`. */
  readonly path: string;
  readonly why: string;
  readonly fix: string;
}

/** Carries every problem; its message is the first one's line. */
export class ConfigError extends AppError {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly [ConfigProblem, ...ConfigProblem[]]) {
    const more = problems.length - 1;
    super('CONFIG_INVALID', problemLine(problems[0]) + (more === 0 ? '' : ` (and ${more} more: see --check-config)`));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** One line, secrets taken out: `tokenledger.yaml:3: ingress.port is "abc": expected …; set …`. */
export function problemLine(problem: ConfigProblem): string {
  const line = `${originText(problem.origin)}${problem.path} ${problem.why}; ${problem.fix}`;
  return redactText(line.replaceAll(/\s*\n\s*/g, ' '));
}

function originText(origin: Origin): string {
  switch (origin.kind) {
    case 'file':
      return `${origin.file}:${origin.line}: `;
    case 'environment':
      return `${origin.variable}: `;
    case 'flag':
      return `${origin.flag}: `;
    case 'default':
      return '';
  }
}

/** The name in `known` nearest to `name`, if it is near enough to be what was meant. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const limit = Math.max(2, Math.floor(name.length / 3));
  let best: { readonly candidate: string; readonly distance: number } | undefined;
  for (const candidate of known) {
    const distance = editDistance(name, candidate);
    if (distance <= limit && distance < candidate.length && (best === undefined || distance < best.distance))
      best = { candidate, distance };
  }
  return best?.candidate;
}

/** Levenshtein distance. */
function editDistance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const substitution = (previous[column - 1] ?? 0) + (left[row - 1] === right[column - 1] ? 0 : 1);
      current.push(Math.min(substitution, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[right.length] ?? 0;
}
