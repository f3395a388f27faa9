/** Connections to the providers: one pool per origin. Only base URLs of channels are ever contacted. */
import type { ResolvedChannel } from '@tokenledger/control';
import type { Surface } from '@tokenledger/providers';
import { Pool } from 'undici';
import type { IngressConfig } from './config.ts';

export interface Upstream {
  readonly pool: Pool;
  readonly origin: string;
  /** Path of the channel's base URL, put before the surface's path; `''` for none. */
  readonly basePath: string;
  /** Flat header pairs with the channel's credential. */
  readonly credential: readonly string[];
}

export interface Upstreams {
  of(channel: ResolvedChannel, surface: Surface): Upstream;
  /** These are the channels now. Connections to an origin that none of them has are closed after the last request that may still use them. */
  keep(channels: readonly ResolvedChannel[]): void;
  /** Origins that connections are kept for, those that are being left included. */
  readonly origins: number;
  /** At once, whatever is under way. */
  close(): Promise<void>;
}

interface Held {
  readonly pool: Pool;
  /** Runs while no channel has the origin. */
  leaving: NodeJS.Timeout | undefined;
}

/** The server looks for requests that take too long to arrive this often at least. */
export const ARRIVAL_CHECK_MS = 5000;

export function upstreams(config: IngressConfig): Upstreams {
  const pools = new Map<string, Held>();
  const draining = new Set<Pool>();
  /** Resolved channels are frozen in a snapshot of the documents: a changed one is another object. */
  const known = new WeakMap<ResolvedChannel, Map<Surface, Upstream>>();
  /** A request may have begun under the documents of before and still be arriving; later than this none does. */
  const lastArrivalMs = config.request_timeout_ms + ARRIVAL_CHECK_MS;

  function resolve(channel: ResolvedChannel, surface: Surface): Upstream {
    const { origin, pathname } = new URL(channel.baseUrl);
    let held = pools.get(origin);
    if (held === undefined) {
      held = { pool: connect(origin, config), leaving: undefined };
      pools.set(origin, held);
    }
    return {
      pool: held.pool,
      origin,
      basePath: pathname === '/' ? '' : pathname,
      credential: Object.entries(surface.credentialHeaders(channel.credential, channel.provider)).flat(),
    };
  }

  function leave(origin: string, { pool }: Held): void {
    pools.delete(origin);
    draining.add(pool);
    // Waits for the requests that it has.
    void pool.close().finally(() => draining.delete(pool));
  }

  return {
    of(channel, surface) {
      let bySurface = known.get(channel);
      if (bySurface === undefined) known.set(channel, (bySurface = new Map()));
      let upstream = bySurface.get(surface);
      if (upstream === undefined) bySurface.set(surface, (upstream = resolve(channel, surface)));
      return upstream;
    },
    keep(channels) {
      const wanted = new Set(channels.map(({ baseUrl }) => new URL(baseUrl).origin));
      for (const [origin, held] of pools) {
        if (wanted.has(origin)) {
          clearTimeout(held.leaving);
          held.leaving = undefined;
        } else {
          held.leaving ??= setTimeout(() => leave(origin, held), lastArrivalMs).unref();
        }
      }
    },
    get origins() {
      return pools.size + draining.size;
    },
    async close() {
      for (const { leaving } of pools.values()) clearTimeout(leaving);
      await Promise.all([...Array.from(pools.values(), ({ pool }) => pool), ...draining].map((pool) => pool.destroy()));
    },
  };
}

function connect(origin: string, config: IngressConfig): Pool {
  return new Pool(origin, {
    connections: config.upstream_connections_max,
    pipelining: 1,
    connectTimeout: config.upstream_connect_timeout_ms,
    headersTimeout: config.upstream_headers_timeout_ms,
    bodyTimeout: config.upstream_idle_timeout_ms,
    allowH2: false,
  });
}
