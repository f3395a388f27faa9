/** What an attempt would have been on another model or tier, or with another share of its input from a cache. Pure. */
import type { Attempt, Usage } from '@tokenledger/domain';
import { ratedModel } from '@tokenledger/pricing';

export interface OtherModel {
  readonly model: string;
  /** Undefined: the provider that served it. */
  readonly provider?: string;
}

export interface Change {
  /** By the model that was rated, else by the one that was asked for, whose answers come under dated names. None: every model stays as it is. */
  readonly models: ReadonlyMap<string, OtherModel>;
  /** Undefined: as it was served. */
  readonly tier?: string;
  /** Of the text that was read, how many hundredths would have come from a cache; nothing would have been written to one. Undefined: as it was. */
  readonly cachedPercent?: number;
}

/** Null where nothing changes: the attempt is of another model, or nobody knows its usage. */
export function changedAttempt(attempt: Attempt, { models, tier, cachedPercent }: Change): Attempt | null {
  const other = models.get(ratedModel(attempt)) ?? models.get(attempt.requestedModel);
  if (attempt.usage === null || (models.size > 0 && other === undefined)) return null;
  return {
    ...attempt,
    ...(other === undefined ? {} : { requestedModel: other.model, servedModel: other.model, provider: other.provider ?? attempt.provider }),
    ...(tier === undefined ? {} : { serviceTier: tier }),
    usage: cachedPercent === undefined ? attempt.usage : withCache(attempt.usage, cachedPercent),
  };
}

/** The same text, so much of it from a cache, in whole tokens. */
function withCache(usage: Usage, percent: number): Usage {
  const { uncached_input: uncached, cache_read: read, cache_write_5m: short, cache_write_1h: long } = usage;
  if (uncached === null && read === null && short === null && long === null) return usage;
  const text = (uncached ?? 0) + (read ?? 0) + (short ?? 0) + (long ?? 0);
  const cached = Math.floor((text * percent) / 100);
  return { ...usage, uncached_input: text - cached, cache_read: cached, cache_write_5m: 0, cache_write_1h: 0 };
}
