/** Requests that are confined to tiers: which channel may serve them. */
import type { ControlState, ResolvedChannel, ResolvedKey, Tiers } from '@tokenledger/control';
import { tiersOf } from '@tokenledger/control';
import { ATTRIBUTION_PREFIX } from './core/attribution.ts';
import { ERRORS } from './errors.ts';
import type { Refusal } from './refusal.ts';
import type { Target } from './target.ts';

/** The channel that a request names, or else the first of its surface, where that is of one of these tiers. */
export function channelWithin(
  control: ControlState,
  { channel, surface }: Pick<Target, 'channel' | 'surface'>,
  within: Tiers,
): ResolvedChannel | undefined {
  if (channel !== undefined) return within.has(channel.tier) ? channel : undefined;
  return control.channels.find(({ surfaces, tier }) => within.has(tier) && surfaces.some((name) => name === surface.name));
}

export function tierRefusal(within: Tiers): Refusal {
  const named = [...within].join(', ');
  return {
    status: 403,
    code: 'TIER_REFUSED',
    outcome: 'refused_policy',
    message: `${ERRORS.TIER_REFUSED} They are: ${named === '' ? 'none' : named}.`,
  };
}

const PROJECT_HEADER = `${ATTRIBUTION_PREFIX}project`;

/** Of a call that has no event. `headers`: flat pairs of our own headers. Null: any tier. */
export function tiersOfFreeCall({ tiers, attribution, fixed }: ResolvedKey, headers: readonly string[]): Tiers | null {
  if (tiers === null) return null;
  const at = fixed.has('projectId') ? -1 : headers.indexOf(PROJECT_HEADER);
  return tiersOf(tiers, at < 0 ? attribution.projectId : (headers[at + 1] ?? ''));
}
