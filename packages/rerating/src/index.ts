export type { ClosedPeriod } from './core/closed-periods.ts';
export type { NewRating } from './core/adjustment.ts';
export { AMOUNTS, type AmountName } from './core/amounts.ts';
export { total, type TallyRow, type TallySums } from './core/tally.ts';
export { ERRORS } from './errors.ts';
export { RERATE_PREFIX, type Selection } from './ledger-reader.ts';
export type { Differences } from './differences.ts';
export { type PostOptions, rerate, type Rerated, rerateDifferences, type RerateOptions } from './rerate.ts';
export type { Change, OtherModel } from './core/what-if.ts';
export { whatIf, type WhatIf, type WhatIfOptions, type WhatIfRow } from './what-if.ts';
export type { VolumeReached } from './core/volume-month.ts';
export { lastSealedDay, VOLUME_PREFIX } from './volume-reader.ts';
export {
  monthThrough,
  type VolumeDifferences,
  volumeDifferences,
  type VolumeOptions,
  type VolumePostOptions,
  type VolumesPosted,
  postVolumes,
} from './volumes.ts';
export { type Agreed, type DailyVolumes, dailyVolumes, type DailyVolumesOptions } from './daily-volumes.ts';
