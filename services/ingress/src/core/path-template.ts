/** Templates of paths: `/model/{model}/converse`, where a name in braces stands for the text up to what follows it, within one segment. Pure. */

/** What the names stand for, decoded. */
export type PathNames = Readonly<Record<string, string>>;

interface Segment {
  /** Before the name; the whole segment where there is no name. */
  readonly before: string;
  /** `''`: none. */
  readonly name: string;
  readonly after: string;
}

export interface PathTemplate {
  readonly text: string;
  readonly segments: readonly Segment[];
}

const NO_NAMES: PathNames = Object.freeze({});
const NAMED = /^([^{}]*)\{([a-z_]+)\}([^{}]*)$/;

export function pathTemplate(text: string): PathTemplate {
  return { text, segments: segmentsOf(text).map(templateSegment) };
}

/** Without what stands before the first slash. */
export function segmentsOf(path: string): readonly string[] {
  return path.split('/').slice(1);
}

export function hasNames({ segments }: PathTemplate): boolean {
  return segments.some(({ name }) => name !== '');
}

/** What the names stand for where `segments` end as the template says; undefined where they do not. */
export function matchTail({ segments: wanted }: PathTemplate, segments: readonly string[]): PathNames | undefined {
  const from = segments.length - wanted.length;
  if (from < 0) return undefined;
  let names: Record<string, string> | undefined;
  for (let index = wanted.length - 1; index >= 0; index--) {
    const { before, name, after } = wanted[index] as Segment;
    const segment = segments[from + index] as string;
    if (name === '') {
      if (segment !== before) return undefined;
      continue;
    }
    if (segment.length <= before.length + after.length || !segment.startsWith(before) || !segment.endsWith(after)) return undefined;
    names ??= {};
    names[name] = decoded(segment.slice(before.length, segment.length - after.length));
  }
  return names ?? NO_NAMES;
}

/** As `matchTail`, of the whole path. */
export function matchPath(template: PathTemplate, segments: readonly string[]): PathNames | undefined {
  return segments.length === template.segments.length ? matchTail(template, segments) : undefined;
}

/** The path of a template in which each name stands for its value. */
export function fillPath(text: string, names: PathNames): string {
  return text.replaceAll(/\{([a-z_]+)\}/g, (_, name: string) => encodeURIComponent(names[name] ?? ''));
}

function templateSegment(text: string): Segment {
  const [, before = text, name = '', after = ''] = NAMED.exec(text) ?? [];
  return { before, name, after };
}

/** A name that is badly encoded stands as it came: the provider shall refuse it. */
function decoded(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return text;
    throw error;
  }
}
