/** What depends on how much a month has: tiers that a contract begins at a volume, and what a rate card includes before its prices begin. Events are rated
 *  without; the difference is posted once a day is over. Pure. */
import { type ChargedClass, type Factor, ONE, TOKEN_CLASSES } from '@tokenledger/domain';

/** `usd`: amounts as they were rated, in pico-USD. `tokens`: quantities of token classes; other classes are neither counted nor changed. */
export const VOLUME_MEASURES = ['usd', 'tokens'] as const;
export type VolumeMeasure = (typeof VOLUME_MEASURES)[number];

/** `beyond`: each part of the volume has the factor of the step that it lies in. `whole_month`: all of it has that of the step that the month has come to. */
export type VolumeScope = 'beyond' | 'whole_month';

/** Of a calendar month, in UTC. */
export interface VolumeTerm {
  /** Beginnings of model names; none: every model. */
  readonly models: readonly string[];
  /** None: every class. */
  readonly classes: readonly ChargedClass[];
  readonly measure: VolumeMeasure;
  readonly appliesTo: VolumeScope;
  /** Rising. What lies below the first stays as it was rated. */
  readonly steps: readonly VolumeStep[];
}

export interface VolumeStep {
  /** Where it begins, in the unit of the measure. */
  readonly from: bigint;
  /** What is left of what was rated. */
  readonly factor: Factor;
}

/** A stretch of the volume within one step. */
export interface VolumePiece {
  readonly size: bigint;
  readonly factor: Factor;
}

const TOKENS: ReadonlySet<string> = new Set(TOKEN_CLASSES);

/** The first that fits counts a line and decides its price; -1: none does. */
export function volumeTermOf(terms: readonly VolumeTerm[], model: string, usageClass: ChargedClass): number {
  if (terms.length === 0) return -1;
  const name = model.toLowerCase();
  return terms.findIndex(
    ({ models, classes, measure }) =>
      (models.length === 0 || models.some((beginning) => name.startsWith(beginning.toLowerCase()))) &&
      (classes.length === 0 || classes.includes(usageClass)) &&
      (measure === 'usd' || TOKENS.has(usageClass)),
  );
}

/** The stretches of `size` units that come after `before` units of the month; `total`: how many the month has in all. */
export function volumePieces({ steps, appliesTo }: VolumeTerm, before: bigint, size: bigint, total: bigint): readonly VolumePiece[] {
  if (appliesTo === 'whole_month') return [{ size, factor: steps.findLast(({ from }) => from < total)?.factor ?? ONE }];
  const pieces: VolumePiece[] = [];
  const end = before + size;
  let at = before;
  for (let index = -1; index < steps.length && at < end; index += 1) {
    const next = steps[index + 1]?.from ?? end;
    const until = next < end ? next : end;
    if (until <= at) continue;
    pieces.push({ size: until - at, factor: steps[index]?.factor ?? ONE });
    at = until;
  }
  return pieces;
}
