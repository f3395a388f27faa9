/** Why a change is refused, with every place that is wrong. */
import type { Issue } from '@tokenledger/control';
import { invariant, type Rejected, rejected } from '@tokenledger/domain';

export interface Refusal extends Rejected {
  readonly issues: readonly Issue[];
}

/** More would only be noise. */
const ISSUES_MAX = 100;

/** The first issue gives the code. At least one. */
export function refusal(issues: readonly Issue[]): Refusal {
  const [first] = issues;
  invariant(first !== undefined, 'a refusal has a reason');
  const more = issues.length === 1 ? '' : ` (and ${issues.length - 1} more: see issues)`;
  return { ...rejected(first.code, `${first.message}${more}`), issues: issues.slice(0, ISSUES_MAX) };
}

/** One issue about the whole, or about the field at `path`. */
export function refuse(code: string, message: string, path = ''): Refusal {
  return refusal([{ path, code, message }]);
}
