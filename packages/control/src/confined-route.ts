/** A route for requests that are confined to tiers: those of its channels alone that are of one. */
import type { ResolvedRoute } from './routes.ts';
import type { Tiers } from './tier-policy.ts';

const confinedRoutes = new WeakMap<Tiers, WeakMap<ResolvedRoute, ResolvedRoute | Nothing>>();
const NOTHING = Symbol('no channel of these tiers');
type Nothing = typeof NOTHING;

/** The route with those of its channels alone that are of these tiers; undefined when none is. Built once for each pair. */
export function withinTiers(route: ResolvedRoute, tiers: Tiers): ResolvedRoute | undefined {
  let known = confinedRoutes.get(tiers);
  if (known === undefined) confinedRoutes.set(tiers, (known = new WeakMap()));
  let confined = known.get(route);
  if (confined === undefined) known.set(route, (confined = confine(route, tiers)));
  return confined === NOTHING ? undefined : confined;
}

function confine(route: ResolvedRoute, tiers: Tiers): ResolvedRoute | Nothing {
  const groups = route.groups.map((group) => group.filter(({ channel }) => tiers.has(channel.tier))).filter((group) => group.length > 0);
  if (groups.length === 0) return NOTHING;
  return { ...route, groups, order: groups.every(({ length }) => length === 1) ? groups.flat() : undefined };
}
