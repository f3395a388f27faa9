export { ERRORS } from './errors.ts';
export { type ModelPrices, parsePriceBook, type PriceBook, type PriceQuestion, SHIPPED_PRICE_BOOK } from './price-book.ts';
export type { PriceEntry } from './price-entry.ts';
export { type PriceActivation, type PriceSchedule, priceSchedule } from './price-schedule.ts';
export { rate, rateEvent } from './rate.ts';
