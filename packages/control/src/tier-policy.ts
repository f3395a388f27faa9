/** Confinement to tiers: a tenant, a project or a key may name the only tiers whose channels its requests may go to. Resolved once per change of the documents. */
import { z } from 'zod';

const TIERS_MAX = 50;
const TIER_CHARACTERS_MAX = 64;

/** As channels name theirs. */
export const tiersSchema = z.array(z.string().min(1).max(TIER_CHARACTERS_MAX)).min(1).max(TIERS_MAX);

/** What is left where several name theirs: tiers that all of them name. */
export type Tiers = ReadonlySet<string>;

/** What holds for the requests of one key. */
export interface TierPolicy {
  /** Null: any. */
  readonly always: Tiers | null;
  /** By project: `always` and its own together. */
  readonly byProject: ReadonlyMap<string, Tiers>;
}

/** The only ones that a request may go to; null: any. */
export function tiersOf({ always, byProject }: TierPolicy, projectId: string): Tiers | null {
  return byProject.get(projectId) ?? always;
}

interface Confined {
  readonly id: string;
  readonly tiers?: readonly string[] | undefined;
}

/** `projects`: those that requests of the key may be for. Null where nobody is confined: then nothing is asked on a request's path. */
export function tierPolicy(tenant: Confined | undefined, key: Confined, projects: readonly Confined[]): TierPolicy | null {
  const always = both(tenant?.tiers, key.tiers);
  const byProject = new Map<string, Tiers>();
  for (const { id, tiers } of projects) {
    if (tiers !== undefined) byProject.set(id, new Set(tiers.filter((tier) => always === null || always.has(tier))));
  }
  return always === null && byProject.size === 0 ? null : { always, byProject };
}

function both(some: readonly string[] | undefined, others: readonly string[] | undefined): Tiers | null {
  if (some === undefined || others === undefined) return some === undefined && others === undefined ? null : new Set(some ?? others);
  const left = new Set(some);
  return new Set(others.filter((tier) => left.has(tier)));
}
