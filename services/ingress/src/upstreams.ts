/** Connections to the providers: one pool per channel. Only configured base URLs are ever contacted. */
import type { ResolvedChannel } from '@tokenledger/control';
import { Pool } from 'undici';
import type { IngressConfig } from './config.ts';

export interface Upstream {
  readonly pool: Pool;
  /** Path of the channel's base URL, put before the surface's path; `''` for none. */
  readonly basePath: string;
}

export interface Upstreams {
  of(channel: ResolvedChannel): Upstream;
  close(): Promise<void>;
}

export function upstreams(config: IngressConfig): Upstreams {
  const byBaseUrl = new Map<string, Upstream>();
  return {
    of(channel) {
      let upstream = byBaseUrl.get(channel.baseUrl);
      if (upstream === undefined) {
        upstream = connect(channel.baseUrl, config);
        byBaseUrl.set(channel.baseUrl, upstream);
      }
      return upstream;
    },
    async close() {
      await Promise.all([...byBaseUrl.values()].map(({ pool }) => pool.destroy()));
    },
  };
}

function connect(baseUrl: string, config: IngressConfig): Upstream {
  const url = new URL(baseUrl);
  const pool = new Pool(url.origin, {
    connections: config.upstream_connections_max,
    pipelining: 1,
    connectTimeout: config.upstream_connect_timeout_ms,
    headersTimeout: config.upstream_headers_timeout_ms,
    bodyTimeout: config.upstream_idle_timeout_ms,
    allowH2: false,
  });
  return { pool, basePath: url.pathname === '/' ? '' : url.pathname };
}
