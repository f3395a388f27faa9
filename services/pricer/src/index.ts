/** The pricer: rates each attempt of a usage event at the price in force when it was served. */
export { type AgreedPrices, agreedPrices, agreementsOf } from './agreements.ts';
export { type PricerConfig, pricerConfig } from './config.ts';
export { decide, type InForce, type PricerContext } from './core/decide.ts';
export { ERRORS } from './errors.ts';
export { createPricer, type PricerOptions } from './run.ts';
