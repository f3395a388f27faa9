/** Price books, contracts, rate cards and rates of exchange as rows of their tables. Pure. */
import type { Cell } from '@tokenledger/clickhouse';
import { activationOf, type AgreedDocument, type ContractDocument, type FxRateDocument, type RateCardDocument } from '@tokenledger/control';
import { formatUsd } from '@tokenledger/domain';
import { formatTimeOfDay, type PriceBook } from '@tokenledger/pricing';

export interface RowsOf {
  readonly table: 'price_book_entries' | 'contract_versions' | 'rate_card_versions' | 'fx_rate_versions';
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

export function bookRows({ version, entries }: PriceBook): RowsOf {
  return {
    table: 'price_book_entries',
    columns: [
      'price_version',
      'entry_id',
      'provider',
      'models',
      'dated',
      'prefixes',
      'endings',
      'containing',
      'service_tier',
      'region',
      'usage_class',
      'also_for',
      'price_usd',
      'per_units',
      'above_units',
      'up_to_units',
      'above_input_tokens',
      'up_to_input_tokens',
      'daily',
      'effective_from',
      'effective_to',
      'source_url',
      'source_date',
    ],
    rows: entries.map((entry) => [
      version,
      entry.id,
      entry.provider,
      entry.models,
      entry.dated,
      entry.prefixes,
      entry.endings,
      entry.containing,
      entry.serviceTier,
      entry.region,
      entry.usageClass,
      entry.alsoFor,
      formatUsd(entry.price),
      entry.perUnits,
      entry.aboveUnits,
      entry.upToUnits,
      entry.aboveInputTokens,
      entry.upToInputTokens,
      entry.daily === null ? '' : formatTimeOfDay(entry.daily),
      instant(entry.effectiveFromMs),
      entry.effectiveToMs === null ? null : instant(entry.effectiveToMs),
      entry.sourceUrl,
      entry.sourceDate,
    ]),
  };
}

/** A document in one of its versions. */
export interface Versioned<Document extends AgreedDocument> {
  readonly version: number;
  readonly document: Document;
}

/** `priceVersion`: content hash of its negotiated prices; `''` when it has none. */
export function contractRows({ version, document }: Versioned<ContractDocument>, priceVersion: string): RowsOf {
  return {
    table: 'contract_versions',
    columns: [
      'contract',
      'version',
      'deleted',
      'provider',
      'channels',
      'effective_from',
      'effective_to',
      'activates_at',
      'discounts',
      'volume_tiers',
      'price_version',
    ],
    rows: [
      [
        document.id,
        version,
        false,
        document.provider,
        document.channels ?? [],
        document.effective_from,
        document.effective_to ?? null,
        activationOf(document),
        document.discounts.map(({ factor, models = [], classes = [] }) => ({ factor, models, classes })),
        (document.volume_tiers ?? []).map(({ measure, models = [], classes = [], applies_to, tiers }) => ({
          measure,
          models,
          classes,
          applies_to,
          tiers,
        })),
        priceVersion,
      ],
    ],
  };
}

/** `priceVersion`: as for a contract. */
export function rateCardRows({ version, document }: Versioned<RateCardDocument>, priceVersion: string): RowsOf {
  return {
    table: 'rate_card_versions',
    columns: [
      'rate_card',
      'version',
      'deleted',
      'tenant_id',
      'effective_from',
      'effective_to',
      'activates_at',
      'basis',
      'markup',
      'currency',
      'included',
      'price_version',
    ],
    rows: [
      [
        document.id,
        version,
        false,
        document.tenant ?? '',
        document.effective_from,
        document.effective_to ?? null,
        activationOf(document),
        document.basis,
        document.markup,
        document.currency,
        (document.included ?? []).map(({ measure, models = [], classes = [], up_to, factor }) => ({
          measure,
          models,
          classes,
          up_to,
          factor,
        })),
        priceVersion,
      ],
    ],
  };
}

export function fxRateRows({ version, document }: Versioned<FxRateDocument>): RowsOf {
  return {
    table: 'fx_rate_versions',
    columns: ['fx_rate_id', 'version', 'deleted', 'currency', 'per_usd', 'effective_from', 'activates_at', 'fx_source'],
    rows: [
      [document.id, version, false, document.currency, document.per_usd, document.effective_from, activationOf(document), document.source],
    ],
  };
}

/** A document that is gone: only one that was never in force can be. */
export function deletedRows(kind: AgreedDocument['kind'], id: string, version: number): RowsOf {
  const [table, column] = TABLES[kind];
  return { table, columns: [column, 'version', 'deleted'], rows: [[id, version, true]] };
}

/** The table of each kind, and its column of ids. */
export const TABLES = {
  contract: ['contract_versions', 'contract'],
  rate_card: ['rate_card_versions', 'rate_card'],
  fx_rate: ['fx_rate_versions', 'fx_rate_id'],
} as const satisfies Readonly<Record<AgreedDocument['kind'], readonly [RowsOf['table'], string]>>;

function instant(ms: number): string {
  return new Date(ms).toISOString();
}
