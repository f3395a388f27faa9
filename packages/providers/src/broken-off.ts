/** What is known of an answer whose connection broke. */
import { UNFINISHED } from './normalised.ts';
import type { ObservedAnswer } from './surface.ts';

/** Counts that were stated until then are not the whole of it: usage is unknown, and what was stated is left to an estimate. */
export function brokenOff(observed: ObservedAnswer): ObservedAnswer {
  if (observed.usage === null || !observed.usageFlags.includes(UNFINISHED)) return observed;
  return { ...observed, usage: null, usageReason: 'cut_off' };
}
