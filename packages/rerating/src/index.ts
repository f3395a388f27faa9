export type { ClosedPeriod } from './core/closed-periods.ts';
export { total, type TallyRow } from './core/tally.ts';
export { ERRORS } from './errors.ts';
export { RERATE_PREFIX, type Selection } from './ledger-reader.ts';
export {
  type Differences,
  type NewRating,
  type PostOptions,
  rerate,
  type Rerated,
  rerateDifferences,
  type RerateOptions,
} from './rerate.ts';
