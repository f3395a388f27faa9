export { aboutBookText } from './about-book.ts';
export { type AgreedSchedule, agreedSchedule, type Agreements, type ChosenBy, NOTHING_AGREED } from './agreed-schedule.ts';
export { type AttemptTerms, type Contract, type Discount, type FxRate, parseFactor, type Period, type RateCard } from './agreed-terms.ts';
export { bookDifferences, type PriceDifference } from './book-difference.ts';
export { bookDoubts, type LintContext, type PriceDoubt } from './book-lint.ts';
export { type PriceProblem, problemText } from './book-problem.ts';
export { charge, type Charged, type Quantities, ratedModel } from './charge.ts';
export { type CollectedBlocks, collectedBlocks, type CollectionOptions, type WrittenBlock } from './collection/blocks.ts';
export { parseCollectedProvider } from './collection/data.ts';
export { bookText, type WrittenBookFile } from './book-text.ts';
export { ERRORS } from './errors.ts';
export type { PriceChange } from './import/compare-prices.ts';
export { readGenaiPrices } from './import/genai-prices.ts';
export { type ImportedBook, importPrices, type ImportInto } from './import/import-book.ts';
export type { ImportedPrices, ImportOptions, LeftOut } from './import/imported.ts';
export { readLitellm } from './import/litellm.ts';
export type { ModelPrices, PriceQuestion } from './model-prices.ts';
export { checkPriceBook, parsePriceBook, type PriceBook, SHIPPED_PRICE_BOOK } from './price-book.ts';
export { pricedTier, type PriceEntry } from './price-entry.ts';
export { type PriceActivation, type PriceSchedule, priceSchedule } from './price-schedule.ts';
export { rate, rateEvent } from './rate.ts';
export { formatTimeOfDay } from './time-of-day.ts';
export {
  VOLUME_MEASURES,
  type VolumeMeasure,
  type VolumePiece,
  type VolumeScope,
  volumePieces,
  type VolumeStep,
  type VolumeTerm,
  volumeTermOf,
} from './volume-terms.ts';
