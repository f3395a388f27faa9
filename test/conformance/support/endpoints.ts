/** Finds the endpoint that a recorded path ends with. */
import { type Endpoint, FREE_ENDPOINTS } from '@tokenledger/providers';
import type { Recording } from './recording.ts';

/** What the names of the template stand for, decoded; undefined where the path does not end so. */
export function namesIn({ path, tail }: Pick<Endpoint, 'path' | 'tail'>, recorded: string): Readonly<Record<string, string>> | undefined {
  const groups = templateOf(tail ?? path).exec(recorded.split('?')[0] ?? '')?.groups;
  if (groups === undefined) return undefined;
  return Object.fromEntries(Object.entries(groups).map(([name, text]) => [name, decodeURIComponent(text)]));
}

/** Whether a call costs nothing, or is paid with what it leads to. */
export function isFreeCall({ method, path }: Recording): boolean {
  return FREE_ENDPOINTS.some((endpoint) => endpoint.method === method && namesIn(endpoint, path) !== undefined);
}

function templateOf(text: string): RegExp {
  const escaped = text.replaceAll(/[.*+?^$()|[\]\\]/g, String.raw`\$&`);
  // An empty group, so that there are always groups.
  return new RegExp(`${escaped.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+?)')}(?<none>)$`);
}
