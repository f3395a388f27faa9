/** Where a request goes, as its method and path say. */
import type { ResolvedChannel } from '@tokenledger/control';
import type { Endpoint, FreeEndpoint, Surface } from '@tokenledger/providers';
import type { PathNames } from './core/path-template.ts';

interface Place {
  readonly method: string;
  /** Below the channel's base URL, as it came, without query. */
  readonly path: string;
  /** Speaks for the channel: its credential, its shape of errors. */
  readonly surface: Surface;
}

/** A request that has an event. */
export interface Target extends Place {
  /** Undefined where the surface is unknown: then its body and answer pass unread. */
  readonly endpoint: Endpoint | undefined;
  readonly names: PathNames;
  /** The one that the path names; undefined: the first that serves the surface. */
  readonly channel: ResolvedChannel | undefined;
}

/** Google's clients may send their key as a parameter (https://cloud.google.com/docs/authentication/api-keys-use). */
const APIS_WITH_KEY_IN_QUERY: ReadonlySet<string> = new Set(['google', 'vertex']);

export function takesKeyInQuery({ surface }: Place): boolean {
  return APIS_WITH_KEY_IN_QUERY.has(surface.provider);
}

/** As clouds name their regions; what a client writes in its place would become a column. */
const REGION = /^[a-z0-9-]{1,64}$/;

/** The region that serves, where the path names it; undefined where it names none. */
export function regionInPath({ names: { region } }: Target): string | undefined {
  return region !== undefined && REGION.test(region) ? region : undefined;
}

/** A call that costs nothing. */
export interface FreeCall extends Place {
  readonly endpoint: FreeEndpoint;
  readonly names: PathNames;
  /** Undefined: there is none. */
  readonly channel: ResolvedChannel | undefined;
}
