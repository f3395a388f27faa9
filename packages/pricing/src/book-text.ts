/** A price book as its file is written: a line for each source, provider and block, so that two versions can be compared line by line. */
import { stringify } from 'yaml';

/** Everything as text: a price is never a float. */
export interface WrittenBookFile {
  readonly about?: object;
  readonly sources: object;
  readonly providers: object;
  readonly blocks: readonly object[];
}

/** `header`: comment lines at the top. The same bytes for the same book. */
export function bookText({ about, sources, providers, blocks }: WrittenBookFile, header = ''): string {
  const named = (of: object): string =>
    Object.entries(of)
      .map(([name, value]) => `  ${line(name)}: ${line(value)}\n`)
      .join('');
  const parts = [
    ...(header === '' ? [] : [header]),
    ...(about === undefined ? [] : [`about: ${line(about)}\n`]),
    `sources:\n${named(sources)}`,
    ...(Object.keys(providers).length === 0 ? [] : [`providers:\n${named(providers)}`]),
    `blocks:\n${blocks.map((block) => `  - ${line(block)}\n`).join('')}`,
  ];
  return parts.join('\n');
}

function line(value: unknown): string {
  return stringify(value, { collectionStyle: 'flow', lineWidth: 0, schema: 'failsafe' }).trim();
}
