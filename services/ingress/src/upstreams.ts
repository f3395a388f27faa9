/** Connections to the providers: one pool per origin. Only configured base URLs are ever contacted. */
import type { ResolvedChannel } from '@tokenledger/control';
import type { Surface } from '@tokenledger/providers';
import { Pool } from 'undici';
import type { IngressConfig } from './config.ts';

export interface Upstream {
  readonly pool: Pool;
  /** Path of the channel's base URL, put before the surface's path; `''` for none. */
  readonly basePath: string;
  /** Flat header pairs with the channel's credential. */
  readonly credential: readonly string[];
}

export interface Upstreams {
  of(channel: ResolvedChannel, surface: Surface): Upstream;
  close(): Promise<void>;
}

export function upstreams(config: IngressConfig): Upstreams {
  const pools = new Map<string, Pool>();
  /** Resolved channels are frozen in a snapshot of the documents: a changed one is another object. */
  const known = new WeakMap<ResolvedChannel, Map<Surface, Upstream>>();

  function resolve(channel: ResolvedChannel, surface: Surface): Upstream {
    const { origin, pathname } = new URL(channel.baseUrl);
    let pool = pools.get(origin);
    if (pool === undefined) {
      pool = connect(origin, config);
      pools.set(origin, pool);
    }
    return {
      pool,
      basePath: pathname === '/' ? '' : pathname,
      credential: Object.entries(surface.credentialHeaders(channel.credential)).flat(),
    };
  }

  return {
    of(channel, surface) {
      let bySurface = known.get(channel);
      if (bySurface === undefined) known.set(channel, (bySurface = new Map()));
      let upstream = bySurface.get(surface);
      if (upstream === undefined) bySurface.set(surface, (upstream = resolve(channel, surface)));
      return upstream;
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
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
