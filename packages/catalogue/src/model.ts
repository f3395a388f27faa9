/** A model that is known, and where in its life it is. */

export interface CatalogueModel {
  readonly provider: string;
  readonly model: string;
  /** Other names for it at its provider: snapshots, spellings. */
  readonly aliases: readonly string[];
  /** How its tokens are counted; `''` when they are not. */
  readonly family: string;
  readonly tokenizer: string;
  /** In tokens; null: not known. */
  readonly contextWindow: number | null;
  readonly maxOutput: number | null;
  /** `text`, `image`, `audio`, `video`; empty: not known. */
  readonly input: readonly string[];
  readonly output: readonly string[];
  /** Under which name the price book has it; null: it has no price. */
  readonly priceKey: string | null;
  /** The beginning of that day in UTC, in milliseconds since the epoch; null: not known, or not announced. */
  readonly releasedMs: number | null;
  readonly deprecatedMs: number | null;
  readonly retiredMs: number | null;
  /** Ids of pages. */
  readonly sources: readonly string[];
}

/** `retiring`: the day from which requests fail is announced. */
export type Lifecycle = 'active' | 'deprecated' | 'retiring' | 'retired';

export function lifecycleOf({ deprecatedMs, retiredMs }: Pick<CatalogueModel, 'deprecatedMs' | 'retiredMs'>, atMs: number): Lifecycle {
  if (retiredMs !== null) return atMs >= retiredMs ? 'retired' : 'retiring';
  return deprecatedMs !== null && atMs >= deprecatedMs ? 'deprecated' : 'active';
}

/** What an attempt may be flagged with. */
export const MODEL_FLAGS = {
  model_retired: 'The catalogue says that the model is not served any more at this time.',
  model_unknown: 'The provider is listed completely, and the catalogue has no model of this name.',
} as const;

export type ModelFlag = keyof typeof MODEL_FLAGS;
