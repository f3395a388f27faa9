/** In which order the channels of a route are tried for one request. Pure. */
import type { ResolvedRoute, RouteTarget } from '@tokenledger/control';

/** Between 0 and 1, both excluded; one number for each channel. */
export type Draw = (channelId: string) => number;

/** Within a group each channel comes first as often as its weight says, whatever the others' ids: the one whose exponential clock of that rate rings first. With draws
 *  that depend on a conversation and a channel alone, a channel that is added or leaves moves no other conversation than its own share. */
export function channelOrder({ order, groups }: Pick<ResolvedRoute, 'order' | 'groups'>, draw: Draw): readonly RouteTarget[] {
  return order ?? groups.flatMap((group) => (group.length === 1 ? group : drawn(group, draw)));
}

function drawn(group: readonly RouteTarget[], draw: Draw): readonly RouteTarget[] {
  return group
    .map((target) => ({ target, rings: -Math.log(draw(target.channel.id)) / target.weight }))
    .toSorted((a, b) => a.rings - b.rings)
    .map(({ target }) => target);
}

const BUCKETS = 2 ** 32;

/** The same for a conversation of a tenant wherever and whenever it is drawn. */
export function stickyDraw(tenantId: string, conversationId: string): Draw {
  const begun = hashed(hashed(0x811c9dc5, tenantId), conversationId);
  return (channelId) => (mixed(hashed(begun, channelId)) + 0.5) / BUCKETS;
}

/** FNV-1a over code units, with an end, so that no two lists of texts run together. */
function hashed(begun: number, text: string): number {
  let hash = begun;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return Math.imul(hash ^ 0x1_0000, 0x01000193);
}

/** Spreads what differs in few bits over all of them: the last step of MurmurHash3. */
function mixed(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
