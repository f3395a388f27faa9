/** What an import says of models: names and blocks as a price book has them, and what it could not take. */
import type { CollectedBlocks } from '../collection/blocks.ts';

export interface ImportedPrices {
  readonly models: readonly CollectedBlocks[];
  readonly leftOut: readonly LeftOut[];
}

/** Something of a file that does not become a price, and why. */
export interface LeftOut {
  readonly what: string;
  readonly why: string;
}

export interface ImportOptions {
  /** Name that the blocks give their source. */
  readonly source: string;
  /** Since when prices hold of which the file does not say it, `YYYY-MM-DD`. */
  readonly since: string;
  /** Providers to take, as price books call them; absent: all. */
  readonly providers?: readonly string[];
}

export const isWanted = ({ providers }: ImportOptions, provider: string): boolean => providers?.includes(provider) ?? true;
