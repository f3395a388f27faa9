/** What applying a document changes, as lines for people: `+` comes, `-` goes. */

/** As the admin API answers for each document of an apply. */
export interface DocumentChange {
  readonly kind: string;
  readonly id: string;
  readonly action: 'create' | 'update' | 'unchanged' | 'delete';
  readonly before: unknown;
  readonly after: unknown;
}

const SIGN = { create: '+', update: '~', unchanged: '=', delete: '-' } as const;
/** A price book that is replaced has thousands of lines that differ. */
const LINES_MAX = 60;
/** These stand in the heading. */
const IN_HEADING: ReadonlySet<string> = new Set(['kind', 'id']);

/** A heading, and one line for each value that differs. */
export function diffLines({ kind, id, action, before, after }: DocumentChange): readonly string[] {
  const heading = `${SIGN[action]} ${kind}/${id}  ${action}`;
  if (action === 'unchanged') return [heading];
  const old = leavesOf(before);
  const now = leavesOf(after);
  const lines: string[] = [];
  for (const path of new Set([...old.keys(), ...now.keys()])) {
    const [gone, come] = [old.get(path), now.get(path)];
    if (gone === come) continue;
    if (gone !== undefined) lines.push(`    - ${path}: ${gone}`);
    if (come !== undefined) lines.push(`    + ${path}: ${come}`);
  }
  const more = lines.length - LINES_MAX;
  return [heading, ...lines.slice(0, LINES_MAX), ...(more > 0 ? [`      … and ${more} more`] : [])];
}

/** Values by their path, e.g. `fixed.application`; a list of plain values is one value. */
function leavesOf(document: unknown): ReadonlyMap<string, string> {
  const leaves = new Map<string, string>();
  const collect = (value: unknown, path: string): void => {
    if (Array.isArray(value) && value.some((item) => typeof item === 'object' && item !== null)) {
      value.forEach((item, index) => collect(item, `${path}[${index}]`));
    } else if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      for (const [name, inner] of Object.entries(value)) collect(inner, path === '' ? name : `${path}.${name}`);
    } else if (value !== undefined && value !== null && !IN_HEADING.has(path)) {
      leaves.set(path, plain(value));
    }
  };
  collect(document, '');
  return leaves;
}

/** As one would write it in YAML. */
function plain(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(plain).join(', ')}]`;
  return typeof value === 'string' && /^[\w./:@-]+$/.test(value) ? value : JSON.stringify(value);
}
