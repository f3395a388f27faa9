/** Keeps the provider's own usage object as text, exactly and bounded. */
import { latin1ToText } from './json-object.ts';
import { RAW_USAGE_BYTES_MAX } from './surface.ts';

/** JSON text of `usage`, at most `RAW_USAGE_BYTES_MAX` bytes; an object that says so when it would be longer or nests too deep to print. */
export function rawUsageText(usage: unknown): string {
  const json = jsonText(usage);
  if (json === undefined) return '{"omitted":"nested too deep"}';
  const text = latin1ToText(json);
  const bytes = Buffer.byteLength(text);
  return bytes <= RAW_USAGE_BYTES_MAX ? text : `{"omitted":"too long","bytes":${bytes}}`;
}

function jsonText(value: unknown): string | undefined {
  return orTooDeep(() => JSON.stringify(value));
}

/** Present since Node 21, not yet in TypeScript's library: a value that prints as the given JSON text. */
const { rawJSON } = JSON as unknown as { readonly rawJSON: (text: string) => unknown };

/** Parses JSON once more so that every number a double may not hold prints again with the digits it came with. Undefined when it nests too deep. */
export function parseExactly(text: string): unknown {
  const reviver = (_key: string, value: unknown, context?: { readonly source?: string }): unknown =>
    typeof value === 'number' && !Number.isSafeInteger(value) && context?.source !== undefined ? rawJSON(context.source) : value;
  return orTooDeep((): unknown => JSON.parse(text, reviver));
}

/** Printing and reviving JSON recurse, so that some thousand levels exhaust the stack. */
function orTooDeep<Result>(run: () => Result): Result | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
