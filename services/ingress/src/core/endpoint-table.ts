/** Endpoints by method and path. Pure. */
import { matchPath, matchTail, type PathNames, type PathTemplate, pathTemplate } from './path-template.ts';

export interface Found<Entry> {
  readonly entry: Entry;
  readonly names: PathNames;
}

export interface EndpointTable<Entry> {
  /** The most specific one. */
  find(method: string, segments: readonly string[]): Found<Entry> | undefined;
}

interface Described {
  readonly method: string;
  readonly path: string;
  readonly tail?: string;
}

type Match = (template: PathTemplate, segments: readonly string[]) => PathNames | undefined;

/** Where a path is the whole of what is asked for. */
export function tableOfPaths<Entry>(entries: readonly Entry[], endpointOf: (entry: Entry) => Described): EndpointTable<Entry> {
  return table(entries, endpointOf, ({ path }) => [path], matchPath);
}

/** Where it ends what stands below a channel: an endpoint is told by its tail, and by all of its path, which may name more. */
export function tableOfTails<Entry>(entries: readonly Entry[], endpointOf: (entry: Entry) => Described): EndpointTable<Entry> {
  return table(entries, endpointOf, ({ tail, path }) => (tail === undefined ? [path] : [tail, path]), matchTail);
}

function table<Entry>(
  entries: readonly Entry[],
  endpointOf: (entry: Entry) => Described,
  textsOf: (endpoint: Described) => readonly string[],
  match: Match,
): EndpointTable<Entry> {
  const listed = entries.flatMap((entry) => {
    const endpoint = endpointOf(entry);
    return textsOf(endpoint).map((text) => ({ entry, method: endpoint.method, template: pathTemplate(text) }));
  });
  const byMethod = Map.groupBy(
    listed.toSorted((a, b) => specificity(b.template) - specificity(a.template)),
    ({ method }) => method,
  );
  return {
    find(method, segments) {
      for (const { template, entry } of byMethod.get(method) ?? []) {
        const names = match(template, segments);
        if (names !== undefined) return { entry, names };
      }
      return undefined;
    },
  };
}

/** More segments are more specific; of as many, those with fewer names. */
function specificity({ segments }: PathTemplate): number {
  return segments.length - segments.filter(({ name }) => name !== '').length / (segments.length + 1);
}
