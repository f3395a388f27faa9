/** Which models requests may ask for: lists on a tenant, a project and a key, each of which a model must pass. Patterns are names as clients write them, with `*` for any
 *  characters; letters of either case are the same. Compiled once per change of the documents. */
import { z } from 'zod';

const PATTERNS_MAX = 200;
const PATTERN_CHARACTERS_MAX = 200;

const patterns = z
  .array(
    z
      .string()
      .min(1)
      .max(PATTERN_CHARACTERS_MAX)
      .regex(/^\S+$/, 'must be the name of a model, without spaces; * stands for any characters'),
  )
  .min(1)
  .max(PATTERNS_MAX);

export const modelListsSchema = z.strictObject({
  /** These alone; absent: all that are not denied. */
  allow: patterns.optional(),
  /** None of these, whatever is allowed. */
  deny: patterns.optional(),
});

export type ModelLists = z.infer<typeof modelListsSchema>;

/** Who keeps a list. */
export type ModelListLevel = 'tenant' | 'project' | 'virtual_key';

export interface ModelList {
  readonly level: ModelListLevel;
  readonly id: string;
  /** Null: everything. */
  readonly allow: ModelPatterns | null;
  readonly deny: ModelPatterns | null;
}

/** What holds for the requests of one key. */
export interface ModelPolicy {
  readonly always: readonly ModelList[];
  /** By project: beside `always`, for requests of that project. */
  readonly byProject: ReadonlyMap<string, ModelList>;
}

export interface ModelRefusal {
  readonly level: ModelListLevel;
  readonly id: string;
  readonly because: 'not_allowed' | 'denied' | 'not_named';
}

/** `model`: as the request names it; `''` where nobody can tell from the request which models it runs: then only an `allow` of `*` lets it pass.
 *  Null: it may be asked for. */
export function refusedModel(policy: ModelPolicy, projectId: string, model: string): ModelRefusal | null {
  const name = model.trim().toLowerCase();
  for (const list of policy.always) {
    const refusal = refusedBy(list, name);
    if (refusal !== null) return refusal;
  }
  const ofProject = policy.byProject.get(projectId);
  return ofProject === undefined ? null : refusedBy(ofProject, name);
}

function refusedBy({ level, id, allow, deny }: ModelList, name: string): ModelRefusal | null {
  if (name === '') return allow?.everything === true ? null : { level, id, because: 'not_named' };
  if (deny?.matches(name) === true) return { level, id, because: 'denied' };
  return allow === null || allow.matches(name) ? null : { level, id, because: 'not_allowed' };
}

export interface PolicySources {
  readonly key: Keeper;
  readonly tenant: Keeper | undefined;
  /** Those that requests of the key may be for. */
  readonly projects: readonly Keeper[];
}

export interface Keeper {
  readonly kind: ModelListLevel;
  readonly id: string;
  readonly models?: ModelLists | undefined;
}

/** Null where nobody keeps a list: then nothing is asked on a request's path. */
export function modelPolicy({ key, tenant, projects }: PolicySources): ModelPolicy | null {
  const always = [tenant, key].flatMap((keeper) => listOf(keeper) ?? []);
  const byProject = new Map<string, ModelList>();
  for (const project of projects) {
    const list = listOf(project);
    if (list !== undefined) byProject.set(project.id, list);
  }
  return always.length === 0 && byProject.size === 0 ? null : { always, byProject };
}

const compiled = new WeakMap<Keeper, ModelList>();

/** An unchanged document is the same object in the next state, so that its lists are compiled once. */
function listOf(keeper: Keeper | undefined): ModelList | undefined {
  const lists = keeper?.models;
  if (keeper === undefined || lists === undefined || (lists.allow === undefined && lists.deny === undefined)) return undefined;
  let list = compiled.get(keeper);
  if (list === undefined) {
    list = {
      level: keeper.kind,
      id: keeper.id,
      allow: lists.allow === undefined ? null : new ModelPatterns(lists.allow),
      deny: lists.deny === undefined ? null : new ModelPatterns(lists.deny),
    };
    compiled.set(keeper, list);
  }
  return list;
}

/** Time to match grows with the name and the number of patterns, and with nothing else: no pattern makes it try again from the start. */
export class ModelPatterns {
  readonly #names = new Set<string>();
  /** Parts between the stars, in order. */
  readonly #globs: (readonly string[])[] = [];
  /** Whether a pattern is `*` alone. */
  readonly everything: boolean;

  constructor(all: readonly string[]) {
    for (const pattern of all) {
      const lower = pattern.toLowerCase();
      if (lower.includes('*')) this.#globs.push(lower.split('*'));
      else this.#names.add(lower);
    }
    this.everything = all.some((pattern) => /^\*+$/.test(pattern));
  }

  /** `name`: in lower case. */
  matches(name: string): boolean {
    return this.everything || this.#names.has(name) || this.#globs.some((parts) => matchesParts(name, parts));
  }
}

function matchesParts(name: string, parts: readonly string[]): boolean {
  const first = parts[0] as string;
  const last = parts.at(-1) as string;
  const end = name.length - last.length;
  if (end < first.length || !name.startsWith(first) || !name.endsWith(last)) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = name.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}
