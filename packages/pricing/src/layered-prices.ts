/** Prices over prices: what was agreed goes before what is listed. */
import type { ModelPrices, PriceSheet } from './model-prices.ts';

/** Prices of `first` where it has any, else those of `second`; undefined when neither knows the model. */
export function layered(first: ModelPrices | undefined, second: ModelPrices | undefined): ModelPrices | undefined {
  if (first === undefined || second === undefined) return first ?? second;
  const sheet = (serviceTier: string, region: string): PriceSheet => {
    const [own, common] = [first.sheet(serviceTier, region), second.sheet(serviceTier, region)];
    return {
      pricesAt(usageClass, atMs, inputTokens) {
        const found = own.pricesAt(usageClass, atMs, inputTokens);
        return found.length > 0 ? found : common.pricesAt(usageClass, atMs, inputTokens);
      },
    };
  };
  return {
    sheet,
    priceOf: ({ serviceTier, region, usageClass, atMs, inputTokens }) =>
      sheet(serviceTier, region).pricesAt(usageClass, atMs, inputTokens)[0],
    chargesRequests: first.chargesRequests || second.chargesRequests,
    entries: [...first.entries, ...second.entries],
  };
}
