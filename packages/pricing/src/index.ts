export { type PriceProblem, problemText } from './book-problem.ts';
export { type CollectedBlocks, collectedBlocks, type CollectionOptions, type WrittenBlock } from './collection/blocks.ts';
export { parseCollectedProvider } from './collection/data.ts';
export { ERRORS } from './errors.ts';
export type { ModelPrices, PriceQuestion } from './model-prices.ts';
export { checkPriceBook, parsePriceBook, type PriceBook, SHIPPED_PRICE_BOOK } from './price-book.ts';
export type { PriceEntry } from './price-entry.ts';
export { type PriceActivation, type PriceSchedule, priceSchedule } from './price-schedule.ts';
export { charge, type Charged, type Quantities, rate, rateEvent, ratedModel } from './rate.ts';
