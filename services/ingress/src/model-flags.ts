/** Flags requests for models that the catalogue calls retired, or does not know: they pass all the same. */
import type { Catalogue, ModelFlag } from '@tokenledger/catalogue';

/** `requested` and `served` as the provider was asked and as it answered, `''` where it did not say; null: there is nothing to be said. */
export type ModelFlags = (provider: string, requested: string, served: string, atMs: number) => ModelFlag | null;

const MS_PER_DAY = 86_400_000;
/** Answers that are remembered; a few dozen models are in use at a time. */
const REMEMBERED_MAX = 1_000;

/** Answers hold for a day in UTC, since models retire with one. */
export function modelFlags(catalogue: Catalogue): ModelFlags {
  const remembered = new Map<string, ModelFlag | null>();
  let day = 0;
  return (provider, requested, served, atMs) => {
    const today = Math.floor(atMs / MS_PER_DAY);
    if (today !== day || remembered.size >= REMEMBERED_MAX) remembered.clear();
    day = today;
    const key = `${provider} ${requested} ${served}`;
    let flag = remembered.get(key);
    if (flag === undefined) {
      flag = catalogue.flagOf(provider, [requested, served], atMs);
      remembered.set(key, flag);
    }
    return flag;
  };
}
