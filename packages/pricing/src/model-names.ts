/** Finds what belongs to a model by its name: exactly, as a name with a date behind it, by its longest beginning, its longest ending,
 *  the longest part of it. Letters in any case. */

export interface NamedScope {
  readonly models: readonly string[];
  readonly dated: readonly string[];
  readonly prefixes: readonly string[];
  readonly endings: readonly string[];
  readonly containing: readonly string[];
}

/** How a name was written down, and the name. */
export interface NameGroup<T> {
  readonly kind: keyof NamedScope;
  readonly name: string;
  readonly members: readonly T[];
}

export interface ModelNames<V> {
  find(model: string): V | undefined;
  /** Names that are known, as they were written down, exact and dated ones first. */
  readonly names: readonly string[];
}

/** `-2025-08-07`, `-20250807`, `@20250807`, `-0807`. */
const DATE_SUFFIX = /[-@](?:20\d{2}-?[01]\d-?[0-3]\d|[01]\d[0-3]\d)$/;

/** `valueOf` makes one value of all members that a name stands for. */
export function modelNames<T extends NamedScope, V>(members: readonly T[], valueOf: (group: NameGroup<T>) => V): ModelNames<V> {
  const named = grouped(members, (each) => [...each.models, ...each.dated]);
  const datedNames = new Set(members.flatMap(({ dated }) => dated.map((name) => name.toLowerCase())));
  const prefixed = grouped(members, ({ prefixes }) => prefixes);
  const ended = grouped(members, ({ endings }) => endings);
  const contained = grouped(members, ({ containing }) => containing);

  const exact = new Map(Array.from(named, ([key, group]) => [key, valueOf({ kind: datedNames.has(key) ? 'dated' : 'models', ...group })]));
  const beginnings = longestFirst(Array.from(prefixed, ([key, group]) => [key, valueOf({ kind: 'prefixes', ...group })] as const));
  const endings = longestFirst(Array.from(ended, ([key, group]) => [key, valueOf({ kind: 'endings', ...group })] as const));
  const parts = longestFirst(Array.from(contained, ([key, group]) => [key, valueOf({ kind: 'containing', ...group })] as const));
  return {
    names: [...named.values(), ...prefixed.values(), ...ended.values(), ...contained.values()].map(({ name }) => name),
    find(model) {
      const key = model.toLowerCase();
      const known = exact.get(key);
      if (known !== undefined) return known;
      const undated = key.replace(DATE_SUFFIX, '');
      if (undated !== key && datedNames.has(undated)) return exact.get(undated);
      const found =
        beginnings.find(([beginning]) => key.startsWith(beginning)) ??
        endings.find(([ending]) => key.endsWith(ending)) ??
        parts.find(([part]) => key.includes(part));
      return found?.[1];
    },
  };
}

type Group<T> = { readonly name: string; readonly members: T[] };

function grouped<T>(members: readonly T[], namesOf: (member: T) => readonly string[]): ReadonlyMap<string, Group<T>> {
  const groups = new Map<string, Group<T>>();
  for (const member of members) {
    for (const name of new Set(namesOf(member))) {
      const key = name.toLowerCase();
      const group = groups.get(key);
      if (group === undefined) groups.set(key, { name, members: [member] });
      else group.members.push(member);
    }
  }
  return groups;
}

function longestFirst<V>(pairs: readonly (readonly [string, V])[]): readonly (readonly [string, V])[] {
  return pairs.toSorted(([a], [b]) => b.length - a.length || (a < b ? -1 : 1));
}
