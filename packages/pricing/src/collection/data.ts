/** What the public collection of prices (npm `@pydantic/genai-prices`, MIT) says, in the parts that are read here. */
import { z } from 'zod';

export type Match =
  | { readonly kind: 'equals' | 'starts_with' | 'ends_with' | 'contains' | 'regex'; readonly text: string }
  | { readonly kind: 'or' | 'and'; readonly of: readonly Match[] };

const match: z.ZodType<Match> = z.lazy(() =>
  z.union([
    z.strictObject({ equals: z.string() }).transform(({ equals }): Match => ({ kind: 'equals', text: equals })),
    z.strictObject({ starts_with: z.string() }).transform(({ starts_with: text }): Match => ({ kind: 'starts_with', text })),
    z.strictObject({ ends_with: z.string() }).transform(({ ends_with: text }): Match => ({ kind: 'ends_with', text })),
    z.strictObject({ contains: z.string() }).transform(({ contains }): Match => ({ kind: 'contains', text: contains })),
    z.strictObject({ regex: z.string() }).transform(({ regex }): Match => ({ kind: 'regex', text: regex })),
    z.strictObject({ or: z.array(match) }).transform(({ or }): Match => ({ kind: 'or', of: or })),
    z.strictObject({ and: z.array(match) }).transform(({ and }): Match => ({ kind: 'and', of: and })),
  ]),
);

const tiered = z.object({ base: z.number(), tiers: z.array(z.object({ start: z.number(), price: z.number() })) });
const prices = z.record(z.string(), z.union([z.number(), tiered]));
const constraint = z.union([
  z.object({ type: z.literal('start_date'), start_date: z.string() }),
  z.object({ type: z.literal('time_of_date'), start_time: z.string(), end_time: z.string() }),
]);
const conditional = z.object({ constraint: constraint.optional(), prices });

const collectedProvider = z.object({
  id: z.string(),
  pricing_urls: z.array(z.string()).optional(),
  models: z.array(
    z.object({
      id: z.string(),
      match,
      prices: z.union([z.array(conditional), prices.transform((of): z.output<typeof conditional>[] => [{ prices: of }])]),
    }),
  ),
});

export type CollectedProvider = z.output<typeof collectedProvider>;
export type CollectedModel = CollectedProvider['models'][number];
export type CollectedPrices = z.output<typeof prices>;
export type Conditional = z.output<typeof conditional>;

/** Throws when the collection has another shape than it had. */
export function parseCollectedProvider(data: unknown): CollectedProvider {
  return collectedProvider.parse(data);
}
