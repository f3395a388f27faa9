export { ERRORS } from './errors.ts';
export { type ModelPrices, parsePriceBook, type PriceBook, type PriceQuestion, SHIPPED_PRICE_BOOK } from './price-book.ts';
export type { PriceEntry } from './price-entry.ts';
export { rate, rateEvent } from './rate.ts';
