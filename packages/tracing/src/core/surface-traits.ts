/** What the conventions want to know of a surface. Pure. */
import { invariant } from '@tokenledger/domain';
import { SURFACES, type SurfaceName } from '@tokenledger/providers';

export interface SurfaceTraits {
  readonly method: string;
  readonly route: string;
  /** One of the well-known values of `gen_ai.operation.name`. */
  readonly operation: string;
}

const OPERATIONS: Readonly<Record<SurfaceName, string>> = {
  'openai.chat': 'chat',
  'anthropic.messages': 'chat',
};

const TRAITS: ReadonlyMap<string, SurfaceTraits> = new Map(
  Object.entries(OPERATIONS).map(([name, operation]) => {
    const [{ method, path }] = SURFACES[name as SurfaceName].endpoints;
    return [name, { method, route: path, operation }];
  }),
);

export function traitsOf(surface: string): SurfaceTraits {
  const traits = TRAITS.get(surface);
  invariant(traits !== undefined, `${surface} is a surface`);
  return traits;
}
