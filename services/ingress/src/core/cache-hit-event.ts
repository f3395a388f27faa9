/** The event of an answer that came from the response cache. Pure. */
import type { Usage, UsageEvent } from '@tokenledger/domain';

/** What the event of an answer from the cache says of the one that the provider gave. */
export interface ServedBefore {
  readonly provider: string;
  readonly channelId: string;
  readonly region: string;
  readonly servedModel: string;
  readonly serviceTier: string;
  readonly finishReason: string;
  /** Null when not all that was billed is known. */
  readonly usage: Usage | null;
}

/** Nothing was forwarded: it has no attempts, no usage and no cost. Who served the answer before is named, so that what it would have cost can be told. */
export function cacheHitEvent(event: UsageEvent, served: ServedBefore): UsageEvent {
  return {
    ...event,
    provider: served.provider,
    channelId: served.channelId,
    region: served.region,
    servedModel: served.servedModel,
    serviceTier: served.serviceTier,
    finishReason: served.finishReason,
    routeType: 'cache',
    routeReason: 'same_request',
    avoidedUsage: served.usage,
  };
}
