/** What the conventions want to know of a surface. Pure. */
import { invariant } from '@tokenledger/domain';
import { type Surface, SURFACES, UNKNOWN_SURFACE } from '@tokenledger/providers';

export interface SurfaceTraits {
  readonly method: string;
  readonly route: string;
  /** One of the well-known values of `gen_ai.operation.name`; where none applies, what is generated (`images`), as the conventions allow. */
  readonly operation: string;
}

/** By what a surface is called after its provider. */
const OPERATIONS: Readonly<Record<string, string>> = {
  chat: 'chat',
  converse: 'chat',
  messages: 'chat',
  responses: 'chat',
  completions: 'text_completion',
  invoke: 'generate_content',
  generate: 'generate_content',
  embed: 'embeddings',
  embeddings: 'embeddings',
};

/** Below a named channel. Events do not hold the method; `_OTHER` is what the conventions have for that. */
const UNKNOWN: SurfaceTraits = { method: '_OTHER', route: '/channels/{channel}', operation: 'unknown' };

const TRAITS: ReadonlyMap<string, SurfaceTraits> = new Map([
  [UNKNOWN_SURFACE, UNKNOWN] as const,
  ...Object.values(SURFACES).map(({ name, endpoints: [{ method, path }] }: Surface) => {
    const kind = name.slice(name.indexOf('.') + 1);
    return [name, { method, route: path, operation: OPERATIONS[kind] ?? kind }] as const;
  }),
]);

export function traitsOf(surface: string): SurfaceTraits {
  const traits = TRAITS.get(surface);
  invariant(traits !== undefined, `${surface} is a surface`);
  return traits;
}
