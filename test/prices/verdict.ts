/** Whether what the price book says of a case agrees with what its source says. */
import { CHARGED_CLASSES, formatUsd } from '@tokenledger/domain';
import { charge, type ModelPrices, type PriceBook, pricedTier } from '@tokenledger/pricing';
import { amountOf, CASE_DECIMALS, namesOf, type PriceCase, providerOf, quantitiesOf, timeOf } from './price-case.ts';

export interface Verdict {
  readonly id: string;
  readonly provider: string;
  readonly model: string;
  readonly expectedUsd: string;
  /** Null: the book knows no price, then `why` says which. */
  readonly computedUsd: string | null;
  /** `listed`: differs, and the source reckoned with prices of which `disputed` says that they were not in force. */
  readonly outcome: 'agrees' | 'listed' | 'differs';
  readonly why: string;
  /** A router's amount may hold its own markup and fees: counted apart. */
  readonly isRouter: boolean;
}

/** Companies that sell other providers' models by their names. */
const ROUTERS: ReadonlySet<string> = new Set([
  'openrouter',
  'vercel',
  'vercel-ai-gateway',
  'huggingface',
  'litellm',
  'portkey',
  'requesty',
  'helicone',
]);

export interface Books {
  readonly shipped: PriceBook;
  /** Prices that sources of cases reckoned with although the provider's page shows others: entries say which page. */
  readonly disputed: PriceBook;
}

export function judge(each: PriceCase, { shipped, disputed }: Books): Verdict {
  const computed = costOf(each, shipped);
  const verdict = {
    id: each.id,
    provider: each.provider,
    model: each.model,
    expectedUsd: each.usd,
    computedUsd: computed.kind === 'cost' ? formatUsd(computed.cost) : null,
    // One that names whom it passes requests to is one too: huggingface_novita.
    isRouter: ROUTERS.has(providerOf(each).split('_')[0] ?? ''),
  };
  if (agrees(computed, each)) return { ...verdict, outcome: 'agrees', why: '' };
  const other = costOf(each, disputed);
  if (agrees(other, each)) return { ...verdict, outcome: 'listed', why: `the source reckoned with ${other.pages.join(', ')}` };
  return { ...verdict, outcome: 'differs', why: computed.kind === 'cost' ? '' : computed.why };
}

type Cost =
  | { readonly kind: 'cost'; readonly cost: bigint; readonly pages: readonly string[] }
  | { readonly kind: 'unknown'; readonly why: string };

function costOf(each: PriceCase, book: PriceBook): Cost & { readonly pages: readonly string[] } {
  const unknown = (why: string): Cost & { readonly pages: readonly string[] } => ({ kind: 'unknown', why, pages: [] });
  const prices = pricesOf(each, book);
  if (prices === undefined) {
    return unknown(`no price for the model; nearest: ${book.candidates(each.provider, each.model).join(', ') || 'none'}`);
  }
  try {
    const { quantities, inputTokens } = quantitiesOf(each);
    const circumstances = { serviceTier: pricedTier(each.service_tier ?? ''), region: each.region ?? '', atMs: timeOf(each), inputTokens };
    const classes = CHARGED_CLASSES.filter((name) => name !== 'requests');
    const { cost, lines, missing } = charge(quantities, prices, circumstances, classes);
    if (missing.length > 0) return unknown(`no price for ${missing.join(', ')}`);
    const sources = new Map(prices.entries.map(({ id, sourceUrl }) => [id, sourceUrl]));
    return { kind: 'cost', cost, pages: [...new Set(lines.map(({ entryId }) => sources.get(entryId) ?? ''))] };
  } catch (error) {
    return unknown(error instanceof Error ? error.message : String(error));
  }
}

/** Of the names that are meant the first that has a price; of the provider's those with `_` or with `-`. */
function pricesOf(each: PriceCase, book: PriceBook): ModelPrices | undefined {
  const provider = providerOf(each);
  for (const seller of [provider, provider.replaceAll('_', '-')]) {
    for (const name of namesOf(each)) {
      const prices = book.pricesOf(seller, name);
      if (prices !== undefined) return prices;
    }
  }
  return undefined;
}

const PICO_DECIMALS = 12;
const TOLERANCE_PARTS = 1e12;

function agrees(computed: Cost, each: PriceCase): boolean {
  if (computed.kind !== 'cost') return false;
  const expected = amountOf(each);
  const cost = computed.cost * 10n ** BigInt(CASE_DECIMALS - PICO_DECIMALS);
  const difference = cost > expected ? cost - expected : expected - cost;
  return difference * BigInt(TOLERANCE_PARTS) <= expected * BigInt(Math.round(each.tolerance_relative * TOLERANCE_PARTS));
}
