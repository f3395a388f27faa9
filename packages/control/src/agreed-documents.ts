/** What was agreed about prices, as documents: contracts with providers, rate cards of tenants, rates of exchange. What is in force cannot change any more:
 *  another one takes over. */
import { CHARGED_CLASSES } from '@tokenledger/domain';
import { z } from 'zod';
import { ID, instant } from './document-fields.ts';

/** Digits, as text: a number of JSON is a float, and this multiplies money. */
const factor = z.string().regex(/^\d{1,6}(\.\d{1,6})?$/, 'must be digits with at most six after the point, e.g. "0.85" for 15 % off');
const perUsd = z
  .string()
  .regex(/^\d{1,9}(\.\d{1,12})?$/, 'must be units of the currency for one USD, in digits, e.g. "0.92"')
  .refine((text) => /[1-9]/.test(text), 'must be above 0');
const volume = z.string().regex(/^\d{1,15}(\.\d{1,12})?$/, 'must be tokens or USD, in digits, e.g. "1000000"');
const currency = z.string().regex(/^[A-Z]{3}$/, 'must be a code of ISO 4217, e.g. EUR');

/** So that such a document and its audit fit into one change. */
const PRICES_CHARACTERS_MAX = 200_000;
const LIST_MAX = 200;

const period = {
  /** What was served from here on until just before the end falls under it; without an end, until the next takes over. */
  effective_from: instant,
  effective_to: instant.optional(),
  /** Events from here on are rated by it as they come in; absent: from `effective_from` on. Later where it was agreed afterwards: what was rated before is then
   *  rated again. */
  activates_at: instant.optional(),
};

/** Prices of its own, as YAML or JSON as a price book has them. */
const prices = z.string().min(1).max(PRICES_CHARACTERS_MAX).optional();

/** Beginnings of model names; absent: every model. */
const models = z.array(z.string().min(1).max(200)).min(1).max(LIST_MAX).optional();
const classes = z.array(z.enum(CHARGED_CLASSES)).min(1).optional();

/** What a volume is of: what is counted by it, and what has its price. */
const counted = {
  /** `usd`: what it costs without; `tokens`: how many there are. */
  measure: z.enum(['usd', 'tokens']),
  models,
  classes,
};

/** What was agreed with a provider. */
export const contractSchema = z.strictObject({
  kind: z.literal('contract'),
  id: ID,
  provider: ID,
  /** Channels that it holds for; absent: every channel of the provider. */
  channels: z.array(ID).min(1).max(LIST_MAX).optional(),
  ...period,
  /** Negotiated prices: they go before the list and have no discount. */
  prices,
  /** Of the list price; the first that fits a line holds for it. */
  discounts: z
    .array(
      z.strictObject({
        /** What is left: 0.85 for 15 % off. */
        factor,
        models,
        classes,
      }),
    )
    .max(LIST_MAX)
    .default([]),
  /** Of the volume of a calendar month (UTC), over all tenants, what is above costs so much of what it was rated at; the first that fits a line holds for it.
   *  Events are rated without: the difference is posted for each day that is over. */
  volume_tiers: z
    .array(
      z.strictObject({
        ...counted,
        /** What has the price of a tier that the month has come to: the part beyond it, or all of the month. */
        applies_to: z.enum(['beyond', 'whole_month']).default('beyond'),
        tiers: z
          .array(z.strictObject({ above: volume, factor }))
          .min(1)
          .max(LIST_MAX),
      }),
    )
    .max(LIST_MAX)
    .optional(),
});

/** What a tenant pays. */
export const rateCardSchema = z.strictObject({
  kind: z.literal('rate_card'),
  id: ID,
  /** Absent: every tenant that has none of its own. */
  tenant: ID.optional(),
  ...period,
  /** Prices of the tenant's own: they go before the markup. */
  prices,
  /** What the markup is on: the list, or what we pay. */
  basis: z.enum(['list', 'cost']).default('cost'),
  /** 1.2 for 20 % on top. */
  markup: factor.default('1'),
  currency: currency.default('USD'),
  /** Of each tenant's volume of a calendar month (UTC), the first so much costs this part of what it was rated at, nothing unless said otherwise; posted
   *  as tiers of a contract are. */
  included: z
    .array(z.strictObject({ ...counted, up_to: volume, factor: factor.default('0') }))
    .max(LIST_MAX)
    .optional(),
});

/** What a currency is worth; in force until the next of its currency is. */
export const fxRateSchema = z.strictObject({
  kind: z.literal('fx_rate'),
  id: ID,
  currency: currency.refine((code) => code !== 'USD', 'must be another currency than USD'),
  per_usd: perUsd,
  effective_from: period.effective_from,
  activates_at: period.activates_at,
  /** Who stated it. */
  source: z.string().min(1).max(200),
});

export type ContractDocument = z.infer<typeof contractSchema>;
export type RateCardDocument = z.infer<typeof rateCardSchema>;
export type FxRateDocument = z.infer<typeof fxRateSchema>;
export type AgreedDocument = ContractDocument | RateCardDocument | FxRateDocument;

/** From when on events are rated by it as they come in. */
export function activationOf(document: AgreedDocument): string {
  return document.activates_at ?? document.effective_from;
}
