/** Contracts, rate cards and rates of exchange as their documents state them. */
import {
  activationOf,
  type AgreedDocument,
  type ContractDocument,
  type DocumentSet,
  type FxRateDocument,
  type RateCardDocument,
} from '@tokenledger/control';
import { AppError, type Factor, isRejected, ONE, parseUsd } from '@tokenledger/domain';
import {
  type Agreements,
  type Contract,
  type FxRate,
  parseFactor,
  parsePriceBook,
  type Period,
  type PriceBook,
  type RateCard,
  type VolumeMeasure,
  type VolumeTerm,
} from '@tokenledger/pricing';

/** Prices of an agreement, read once for as long as its document stays the same. */
export type AgreedPrices = (document: ContractDocument | RateCardDocument) => PriceBook | null;

/** Throws `AGREEMENT_UNUSABLE`, retryable: no event may be rated as if an agreement were not there. */
export function agreementsOf(documents: DocumentSet, pricesOf: AgreedPrices): Agreements {
  return {
    contracts: documents.of('contract').map((document) => contractOf(document, pricesOf(document))),
    rateCards: documents.of('rate_card').map((document) => rateCardOf(document, pricesOf(document))),
    fxRates: documents.of('fx_rate').map(fxRateOf),
  };
}

export function agreedPrices(): AgreedPrices {
  const books = new WeakMap<AgreedDocument, PriceBook>();
  return (document) => {
    if (document.prices === undefined) return null;
    let book = books.get(document);
    if (book === undefined) {
      const parsed = parsePriceBook(document.prices);
      if (isRejected(parsed)) throw unusable(document, parsed.message);
      books.set(document, (book = parsed));
    }
    return book;
  };
}

function contractOf(document: ContractDocument, prices: PriceBook | null): Contract {
  return {
    ...periodOf(document),
    provider: document.provider,
    channels: document.channels ?? null,
    prices,
    discounts: document.discounts.map(({ factor, models = [], classes = [] }) => ({ factor: factorOf(document, factor), models, classes })),
    volumeTerms: (document.volume_tiers ?? []).map(({ measure, models = [], classes = [], applies_to: appliesTo, tiers }): VolumeTerm => ({
      measure,
      appliesTo,
      models,
      classes,
      steps: tiers.map(({ above, factor }) => ({ from: volumeOf(document, measure, above), factor: factorOf(document, factor) })),
    })),
  };
}

function rateCardOf(document: RateCardDocument, prices: PriceBook | null): RateCard {
  return {
    ...periodOf(document),
    tenant: document.tenant ?? '',
    prices,
    basis: document.basis,
    factor: factorOf(document, document.markup),
    currency: document.currency,
    volumeTerms: (document.included ?? []).map(({ measure, models = [], classes = [], up_to: upTo, factor }): VolumeTerm => ({
      measure,
      appliesTo: 'beyond',
      models,
      classes,
      steps: [
        { from: 0n, factor: factorOf(document, factor) },
        { from: volumeOf(document, measure, upTo), factor: ONE },
      ],
    })),
  };
}

/** In pico-USD, or whole tokens. */
function volumeOf(document: AgreedDocument, measure: VolumeMeasure, text: string): bigint {
  const usd = parseUsd(text);
  if (isRejected(usd)) throw unusable(document, usd.message);
  if (measure === 'usd') return usd;
  if (usd % ONE !== 0n) throw unusable(document, `${text} is no whole number of tokens`);
  return usd / ONE;
}

function fxRateOf(document: FxRateDocument): FxRate {
  const perUsd = parseUsd(document.per_usd);
  if (isRejected(perUsd)) throw unusable(document, perUsd.message);
  return { ...periodOf(document), currency: document.currency, perUsd, source: document.source };
}

function periodOf(document: AgreedDocument): Period {
  const end = document.kind === 'fx_rate' ? undefined : document.effective_to;
  return {
    id: document.id,
    effectiveFromMs: Date.parse(document.effective_from),
    effectiveToMs: end === undefined ? null : Date.parse(end),
    activatesAtMs: Date.parse(activationOf(document)),
  };
}

function factorOf(document: AgreedDocument, text: string): Factor {
  const factor = parseFactor(text);
  if (isRejected(factor)) throw unusable(document, factor.message);
  return factor;
}

function unusable({ kind, id }: AgreedDocument, why: string): AppError {
  return new AppError('AGREEMENT_UNUSABLE', `${kind} '${id}' cannot be followed (${why}): events wait until it can`, { retryable: true });
}
