/** What a provider's usage object says once its rules have been applied. */
import type { Usage } from '@tokenledger/domain';

/** `none`: an object without any count. `invalid`: a count that is none, or sums beyond 2^53. */
export type Normalised =
  | { readonly kind: 'usage'; readonly usage: Usage; readonly flags: readonly string[] }
  | { readonly kind: 'none' | 'invalid' };

/** The split of a total into classes was not given: the total stands in `uncached_input` or `visible_output`. */
export const SPLIT_UNKNOWN = 'split_unknown';
/** The answer's numbers contradict each other, or a later cumulative count is lower than an earlier one. */
export const CONTRADICTORY = 'contradictory';
/** More than one usage object came in a stream that should have one. */
export const REPEATED = 'repeated';
/** The provider's own total is not the sum of its input and output. */
export const TOTAL_DIFFERS = 'total_differs';
/** Tokens of server-side compaction, which the provider states beside its totals, are included. */
export const COMPACTION = 'compaction';
/** The raw usage names tokens of another model, which are not in the classes. */
export const OTHER_MODEL_USAGE = 'other_model_usage';
/** The raw usage names units that are billed and that no class holds. */
export const UNCLASSIFIED = 'unclassified_units';
/** The counts are those until then: the answer ended without saying that it was done. */
export const UNFINISHED = 'unfinished';
