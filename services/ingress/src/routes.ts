/** Finds what a request asks for: an endpoint at the root, whose channel is the first that serves it, or anything below a channel that is named. */
import type { ControlState, ResolvedChannel } from '@tokenledger/control';
import { type Endpoint, FREE_ENDPOINTS, type FreeEndpoint, type Surface, SURFACES, unknownSurface } from '@tokenledger/providers';
import { type EndpointTable, tableOfPaths, tableOfTails } from './core/endpoint-table.ts';
import { hasNames, pathTemplate, segmentsOf } from './core/path-template.ts';
import { pathOf } from './core/request-path.ts';
import type { FreeCall, Target } from './target.ts';

export type Route =
  | { readonly kind: 'billable'; readonly target: Target }
  | { readonly kind: 'free'; readonly call: FreeCall }
  | { readonly kind: 'channel_unknown' }
  | { readonly kind: 'path_invalid' }
  | { readonly kind: 'unserved' };

export interface RouteRequest {
  readonly method: string;
  /** As it stands in the request line. */
  readonly url: string;
  /** Whether a header says that the client speaks Anthropic's API: paths that others have too are told by it. */
  readonly speaksAnthropic: boolean;
}

export interface Routes {
  /** What is asked for under the same path by everybody: found by the server's own router, without any of this. */
  readonly fixed: readonly Target[];
  find(control: ControlState, request: RouteRequest): Route;
}

type Served =
  | { readonly kind: 'billable'; readonly surface: Surface; readonly endpoint: Endpoint }
  | { readonly kind: 'free'; readonly endpoint: FreeEndpoint };

interface ChannelRoutes {
  readonly table: EndpointTable<Served>;
  readonly surfaces: readonly Surface[];
  /** Speaks for what the table does not have. */
  readonly usual: Surface;
}

export const CHANNELS_PATH = '/channels/';
const ANTHROPIC = 'anthropic';
const ALL: readonly Surface[] = Object.values(SURFACES);
const UNREAD: ReadonlyMap<Surface, Surface> = new Map(ALL.map((surface) => [surface, unknownSurface(surface)]));

export function ingressRoutes(): Routes {
  const root = tableOfPaths(served(ALL), ({ endpoint }) => endpoint);
  /** Resolved channels are immutable: a changed one is another object. */
  const byChannel = new WeakMap<ResolvedChannel, ChannelRoutes>();

  function routesOf(channel: ResolvedChannel): ChannelRoutes {
    let routes = byChannel.get(channel);
    if (routes === undefined) byChannel.set(channel, (routes = channelRoutes(channel)));
    return routes;
  }

  return {
    fixed: ALL.flatMap(fixedTargets),
    find(control, request) {
      const path = pathOf(request.url);
      if (path === undefined) return { kind: 'path_invalid' };
      if (!path.startsWith(CHANNELS_PATH)) return fromRoot(root, control, request, path);
      const end = path.indexOf('/', CHANNELS_PATH.length);
      if (end < 0) return { kind: 'unserved' };
      const channel = control.channelNamed(path.slice(CHANNELS_PATH.length, end));
      if (channel === undefined) return { kind: 'channel_unknown' };
      return belowChannel(routesOf(channel), channel, request, path.slice(end));
    },
  };
}

function served(surfaces: readonly Surface[]): readonly Served[] {
  return [
    ...surfaces.flatMap((surface) => surface.endpoints.map((endpoint) => ({ kind: 'billable' as const, surface, endpoint }))),
    ...FREE_ENDPOINTS.map((endpoint) => ({ kind: 'free' as const, endpoint })),
  ];
}

function fixedTargets(surface: Surface): readonly Target[] {
  return surface.endpoints
    .filter(({ path }) => !hasNames(pathTemplate(path)))
    .map((endpoint) => ({ method: endpoint.method, path: endpoint.path, surface, endpoint, names: {}, channel: undefined }));
}

function channelRoutes({ surfacesBelow: names }: ResolvedChannel): ChannelRoutes {
  const surfaces = names.map((name): Surface => SURFACES[name]);
  const apis = new Set(surfaces.map(({ provider }) => provider));
  const known = served(surfaces).filter((entry) => entry.kind === 'billable' || entry.endpoint.apis.some((api) => apis.has(api)));
  return {
    table: tableOfTails(known, ({ endpoint }) => endpoint),
    surfaces,
    usual: surfaces[0] ?? SURFACES['openai.chat'],
  };
}

function fromRoot(root: EndpointTable<Served>, control: ControlState, request: RouteRequest, path: string): Route {
  const { method } = request;
  const found = root.find(method, segmentsOf(path));
  if (found === undefined) return { kind: 'unserved' };
  const { entry, names } = found;
  if (entry.kind === 'billable') {
    const { surface, endpoint } = entry;
    return { kind: 'billable', target: { method, path, surface, endpoint, names, channel: undefined } };
  }
  const speaking = surfacesSpeaking(ALL, entry.endpoint, request);
  const isServed = ({ name }: Surface): boolean => control.channelFor(name) !== undefined;
  const usual = speaking.find(({ name }) => name === entry.endpoint.surface);
  const surface = usual !== undefined && isServed(usual) ? usual : (speaking.find(isServed) ?? speaking[0]);
  if (surface === undefined) return { kind: 'unserved' };
  const channel = control.channelFor(surface.name);
  if (channel !== undefined && !isFreeAt(channel, entry.endpoint)) return unread(surface, channel, { method, path });
  return { kind: 'free', call: { method, path, surface, endpoint: entry.endpoint, names, channel } };
}

function belowChannel({ table, surfaces, usual }: ChannelRoutes, channel: ResolvedChannel, request: RouteRequest, path: string): Route {
  const { method } = request;
  const found = table.find(method, segmentsOf(path));
  if (found?.entry.kind === 'billable') {
    const { surface, endpoint } = found.entry;
    return { kind: 'billable', target: { method, path, surface, endpoint, names: found.names, channel } };
  }
  const surface = found === undefined ? undefined : surfacesSpeaking(surfaces, found.entry.endpoint, request, channel.provider)[0];
  if (found?.entry.kind === 'free' && surface !== undefined && isFreeAt(channel, found.entry.endpoint)) {
    return { kind: 'free', call: { method, path, surface, endpoint: found.entry.endpoint, names: found.names, channel } };
  }
  return unread(usual, channel, { method, path });
}

/** What nobody is known to give away is passed with an event. */
function unread(surface: Surface, channel: ResolvedChannel, { method, path }: Pick<Target, 'method' | 'path'>): Route {
  return { kind: 'billable', target: { method, path, surface: UNREAD.get(surface) ?? surface, endpoint: undefined, names: {}, channel } };
}

function isFreeAt({ provider }: ResolvedChannel, { providers }: FreeEndpoint): boolean {
  return providers === undefined || providers.includes(provider);
}

/** Those of the API that a free call belongs to. */
function surfacesSpeaking(
  surfaces: readonly Surface[],
  { apis }: FreeEndpoint,
  { speaksAnthropic }: RouteRequest,
  preferred = '',
): readonly Surface[] {
  const spoken = apis.filter((api) => surfaces.some(({ provider }) => provider === api));
  const told = [speaksAnthropic ? ANTHROPIC : '', preferred].find((api) => spoken.includes(api));
  const api = told ?? spoken[0];
  return surfaces.filter(({ provider }) => provider === api);
}
