/** How the channels of routes fare: what each has in hand, and whether it is passed over for a while. Kept as long as the channel's document stays as it is. */
import type { ResolvedChannel } from '@tokenledger/control';
import type { IngressConfig } from './config.ts';
import type { AttemptResult } from './core/attempt-plan.ts';
import { Breaker } from './core/breaker.ts';

export interface ChannelHealth {
  /** Whether a request should go there at this moment. */
  readonly takes: (channel: ResolvedChannel) => boolean;
  /** Whether it may have another request in hand. */
  readonly hasRoom: (channel: ResolvedChannel) => boolean;
  began(channel: ResolvedChannel): void;
  ended(channel: ResolvedChannel, result: AttemptResult): void;
}

interface Health {
  readonly breaker: Breaker;
  inFlight: number;
}

export type HealthConfig = Pick<IngressConfig, 'breaker_failures' | 'breaker_open_ms'>;

/** `now`: monotonic milliseconds. `onOpened`: a channel is passed over from now on, or goes on to be after a trial. */
export function channelHealth(config: HealthConfig, now: () => number, onOpened: (channelId: string) => void): ChannelHealth {
  const known = new WeakMap<ResolvedChannel, Health>();

  function of(channel: ResolvedChannel): Health {
    let health = known.get(channel);
    if (health === undefined) {
      const breaker = new Breaker({ failuresMax: config.breaker_failures, openMs: config.breaker_open_ms });
      known.set(channel, (health = { breaker, inFlight: 0 }));
    }
    return health;
  }

  return {
    takes(channel) {
      const { breaker, inFlight } = of(channel);
      return breaker.takes(now()) && isBelow(inFlight, channel.inFlightMax);
    },
    hasRoom: (channel) => isBelow(of(channel).inFlight, channel.inFlightMax),
    began(channel) {
      const health = of(channel);
      health.inFlight += 1;
      health.breaker.began(now());
    },
    ended(channel, result) {
      const health = of(channel);
      health.inFlight -= 1;
      if (result === 'served') health.breaker.succeeded();
      if (result === 'failed' && health.breaker.failed(now())) onOpened(channel.id);
    },
  };
}

/** `max`: null for none. */
function isBelow(inFlight: number, max: number | null): boolean {
  return max === null || inFlight < max;
}
