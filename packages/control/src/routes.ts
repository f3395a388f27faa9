/** Routes as requests are decided by them: resolved once per change of the documents, found by surface, model, task and labels. Pure. */
import type { Attribution } from '@tokenledger/domain';
import type { SurfaceName } from '@tokenledger/providers';
import { withinTiers } from './confined-route.ts';
import type { Route } from './documents.ts';
import { responseCacheTtlMs } from './response-caching.ts';
import type { ResolvedChannel } from './state.ts';
import type { Tiers } from './tier-policy.ts';

/** One place of a route. */
export interface RouteTarget {
  readonly channel: ResolvedChannel;
  /** What the provider is asked for; `''`: the model that was requested. */
  readonly model: string;
  /** 0 where it stands alone. */
  readonly weight: number;
  /** It is there because it costs less. */
  readonly isCheaper: boolean;
}

/** One route as requests of one surface meet it. */
export interface ResolvedRoute {
  readonly id: string;
  /** In order: weighted neighbours together, any other alone. Channels that speak the surface, at least one; of these the ones that can be used, where one can. */
  readonly groups: readonly (readonly RouteTarget[])[];
  /** All of them in that order where nothing is weighted: then it is the same for every request. */
  readonly order: readonly RouteTarget[] | undefined;
  readonly isSticky: boolean;
  readonly attemptsMax: number;
  readonly retries: number;
  readonly retryAfterMaxMs: number;
  /** Null: as the config says. */
  readonly attemptTimeoutMs: number | null;
  readonly deadlineMs: number;
  /** Null: no second channel is asked while the first is still to answer. */
  readonly hedgeAfterMs: number | null;
  /** Null: as many as the request asks for. */
  readonly maxTokens: number | null;
  readonly cachesPrompt: boolean;
  /** As for a key. */
  readonly cacheTtlMs: number | null;
}

export type RouteAttribution = Pick<Attribution, 'taskType' | 'labels'>;

export interface RouteTable {
  /** The first route that takes a request of this surface, which names no channel; undefined when none does. `within`: a route has those of its channels alone that are
   *  of these tiers, and takes nothing where none is. */
  find(surface: string, model: string, attribution: RouteAttribution, within?: Tiers | null): ResolvedRoute | undefined;
}

/** A route with what it asks of a request beside its model. */
interface Rule {
  readonly route: ResolvedRoute;
  /** Beginnings of models; undefined: every model that gets here is taken. */
  readonly prefixes: readonly string[] | undefined;
  readonly taskTypes: ReadonlySet<string> | undefined;
  readonly labels: readonly (readonly [name: string, value: string])[];
}

/** Rules of one surface in order of priority. */
interface SurfaceRules {
  /** For each model that a route names exactly: all rules that may take it. */
  readonly byModel: ReadonlyMap<string, readonly Rule[]>;
  /** For every other model. */
  readonly others: readonly Rule[];
}

const ANY_REST = '*';

/** Undefined for no routes. A channel that does not exist is left out. */
export function routeTable(routes: readonly Route[], channels: ReadonlyMap<string, ResolvedChannel>): RouteTable | undefined {
  if (routes.length === 0) return undefined;
  const ordered = routes.toSorted((a, b) => a.priority - b.priority || (a.id < b.id ? -1 : 1));
  const surfaces = new Set(Array.from(channels.values(), (channel) => channel.surfaces).flat());
  const bySurface = new Map<string, SurfaceRules>();
  for (const surface of surfaces) {
    const rules = surfaceRules(ordered, channels, surface);
    if (rules !== undefined) bySurface.set(surface, rules);
  }
  return {
    find(surface, model, attribution, within = null) {
      const rules = bySurface.get(surface);
      if (rules === undefined) return undefined;
      for (const rule of rules.byModel.get(model) ?? rules.others) {
        if (!takes(rule, model, attribution)) continue;
        const route = within === null ? rule.route : withinTiers(rule.route, within);
        if (route !== undefined) return route;
      }
      return undefined;
    },
  };
}

function surfaceRules(
  routes: readonly Route[],
  channels: ReadonlyMap<string, ResolvedChannel>,
  surface: SurfaceName,
): SurfaceRules | undefined {
  const entries = routes.flatMap((document) => {
    const route = resolveRoute(document, channels, surface);
    return route === undefined ? [] : [{ document, route }];
  });
  if (entries.length === 0) return undefined;
  const named = new Set(entries.flatMap(({ document }) => document.models?.filter((model) => !model.endsWith(ANY_REST)) ?? []));
  const byModel = new Map<string, readonly Rule[]>();
  for (const model of named) {
    const taking = entries.filter(({ document }) => document.models === undefined || document.models.some((name) => covers(name, model)));
    byModel.set(
      model,
      taking.map(({ document, route }) => ruleOf(document, route, undefined)),
    );
  }
  const others = entries.flatMap(({ document, route }) => {
    const prefixes = document.models?.filter((model) => model.endsWith(ANY_REST)).map((model) => model.slice(0, -1));
    return prefixes?.length === 0 ? [] : [ruleOf(document, route, prefixes)];
  });
  return { byModel, others };
}

function ruleOf({ task_types: taskTypes, labels }: Route, route: ResolvedRoute, prefixes: Rule['prefixes']): Rule {
  return { route, prefixes, taskTypes: taskTypes === undefined ? undefined : new Set(taskTypes), labels: Object.entries(labels ?? {}) };
}

function takes({ prefixes, taskTypes, labels }: Rule, model: string, attribution: RouteAttribution): boolean {
  if (prefixes !== undefined && !prefixes.some((prefix) => model.startsWith(prefix))) return false;
  if (taskTypes !== undefined && !taskTypes.has(attribution.taskType)) return false;
  for (const [name, value] of labels) if (attribution.labels[name] !== value) return false;
  return true;
}

function covers(pattern: string, model: string): boolean {
  return pattern.endsWith(ANY_REST) ? model.startsWith(pattern.slice(0, -1)) : model === pattern;
}

/** Undefined where none of its channels speaks the surface. */
function resolveRoute(document: Route, channels: ReadonlyMap<string, ResolvedChannel>, surface: SurfaceName): ResolvedRoute | undefined {
  const speaking = groupsOf(document, channels, ({ surfaces }) => surfaces.includes(surface));
  if (speaking.length === 0) return undefined;
  const usable = groupsOf(document, channels, ({ surfaces, problem }) => surfaces.includes(surface) && problem === '');
  // With none that can be used a request is refused by what is wrong with the first.
  const groups = usable.length > 0 ? usable : speaking;
  return {
    id: document.id,
    groups,
    order: groups.every(({ length }) => length === 1) ? groups.flat() : undefined,
    isSticky: document.sticky,
    attemptsMax: document.attempts_max,
    retries: document.retries,
    retryAfterMaxMs: document.retry_after_max_ms,
    attemptTimeoutMs: document.attempt_timeout_ms ?? null,
    deadlineMs: document.deadline_ms,
    hedgeAfterMs: document.hedge_after_ms ?? null,
    maxTokens: document.max_tokens ?? null,
    cachesPrompt: document.prompt_caching,
    cacheTtlMs: responseCacheTtlMs(document),
  };
}

/** Weighted neighbours of the document are one group, also where one between them is left out. */
function groupsOf(
  document: Route,
  channels: ReadonlyMap<string, ResolvedChannel>,
  isTaken: (channel: ResolvedChannel) => boolean,
): RouteTarget[][] {
  const groups: RouteTarget[][] = [];
  let joins = false;
  for (const { channel: id, model = '', weight = 0, cheaper } of document.channels) {
    const joinsNext = weight > 0;
    if (!joins || !joinsNext) groups.push([]);
    joins = joinsNext;
    const channel = channels.get(id);
    if (channel !== undefined && isTaken(channel)) groups.at(-1)?.push({ channel, model, weight, isCheaper: cheaper });
  }
  return groups.filter(({ length }) => length > 0);
}
