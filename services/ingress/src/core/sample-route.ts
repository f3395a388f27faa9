/** Places of routes for tests. */
import type { ResolvedChannel, RouteTarget } from '@tokenledger/control';

export function channelOf(id: string, change: Partial<ResolvedChannel> = {}): ResolvedChannel {
  return {
    id,
    provider: 'openai',
    surfaces: ['openai.chat'],
    surfacesBelow: ['openai.chat'],
    baseUrl: `http://${id}.test`,
    region: '',
    injectUsage: true,
    drainTimeoutMs: null,
    drainBytesMax: null,
    tier: '',
    inFlightMax: null,
    credential: `sk-${id}`,
    problem: '',
    ...change,
  };
}

export function targetOf(id: string, weight = 0): RouteTarget {
  return { channel: channelOf(id), model: '', weight, isCheaper: false };
}
