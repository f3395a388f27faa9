/** What the tiers of contracts and the allowances of rate cards change of a month's events, one after the other. Pure, but for the volume that it counts. */
import {
  type AttemptRating,
  type Billing,
  divideHalfEven,
  invariant,
  type LineItem,
  ONE,
  type PicoUsd,
  scaleAmount,
  USAGE_CLASSES,
  USD,
} from '@tokenledger/domain';
import {
  type AgreedSchedule,
  ratedModel,
  type RateCard,
  volumePieces,
  type VolumeMeasure,
  type VolumePiece,
  type VolumeTerm,
  volumeTermOf,
} from '@tokenledger/pricing';
import type { NewRating } from './adjustment.ts';
import { joinedLines } from './amounts.ts';
import type { Standing } from './standing.ts';

/** How much one term has counted. */
export interface VolumeReached {
  readonly kind: 'contract' | 'rate_card';
  readonly document: string;
  /** Whose allowance it is; `''` for a contract, which counts all tenants. */
  readonly tenant: string;
  /** Its place in `volume_tiers` or `included`, from 0. */
  readonly term: number;
  readonly measure: VolumeMeasure;
  /** Pico-USD, or tokens. */
  readonly volume: bigint;
}

export interface VolumeMonth {
  /** By how much an event differs from its rating in all. Events come in the order of their time, then of their id. */
  owed(rated: Standing, priceVersion: string): NewRating;
  reached(): readonly VolumeReached[];
}

/** `agreed`: chosen by when it is in force. `whole`: what the month has in all, as it was reached before, where a term asks for that. */
export function volumeMonth(agreed: AgreedSchedule, whole: readonly VolumeReached[] = []): VolumeMonth {
  const counts = new Map<string, VolumeReached>();
  const totals = new Map(whole.map((each) => [keyOf(each), each.volume]));
  return {
    owed(rated, priceVersion) {
      const { occurredAtMs: atMs, attribution } = rated.event;
      const card = agreed.rateCardAt(attribution.tenantId, atMs);
      const ratings = rated.attempts.map((attempt, index): AttemptRating => {
        const served = rated.event.attempts[index];
        invariant(served !== undefined, 'each attempt has its amounts');
        const contract = agreed.contractAt(served, atMs);
        const model = ratedModel(served);
        const cost =
          contract === null
            ? NO_LINES
            : changed(attempt.lines.cost, contract.volumeTerms, model, { kind: 'contract', document: contract.id, tenant: '' });
        const billable =
          card === null
            ? NO_LINES
            : changed(attempt.lines.billable, card.volumeTerms, model, {
                kind: 'rate_card',
                document: card.id,
                tenant: attribution.tenantId,
              });
        return {
          cost: sumOf(cost),
          unpricedReason: '',
          lineItems: joinedLines({ list: NO_LINES, cost, billable }),
          saved: null,
          candidates: [],
          agreed: { contract: contract?.id ?? '', list: 0n, listUnpricedReason: '', billable: sumOf(billable), billableUnpricedReason: '' },
        };
      });
      return { priceVersion, ratings, avoidedCost: null, billing: card === null ? null : billing(card, ratings, agreed, atMs) };
    },
    reached: () => Array.from(counts.values()),
  };

  function changed(
    lines: readonly LineItem[],
    terms: readonly VolumeTerm[],
    model: string,
    of: Pick<VolumeReached, 'kind' | 'document' | 'tenant'>,
  ): readonly LineItem[] {
    if (terms.length === 0) return NO_LINES;
    return lines.toSorted(byPrice).flatMap((line) => {
      const index = volumeTermOf(terms, model, line.usageClass);
      const term = terms[index];
      if (term === undefined) return NO_LINES;
      const size = term.measure === 'usd' ? line.amount : BigInt(line.quantity);
      // What was taken back by a correction, and what is free, is no volume.
      if (size <= 0n) return NO_LINES;
      const key = keyOf({ ...of, term: index });
      const before = counts.get(key)?.volume ?? 0n;
      counts.set(key, { ...of, term: index, measure: term.measure, volume: before + size });
      return pieceLines(line, volumePieces(term, before, size, totals.get(key) ?? before + size), size);
    });
  }
}

const NO_LINES: readonly LineItem[] = Object.freeze([]);

function keyOf({ kind, document, tenant, term }: Pick<VolumeReached, 'kind' | 'document' | 'tenant' | 'term'>): string {
  return JSON.stringify([kind, document, tenant, term]);
}

/** Of each stretch whose price changes, what is taken back, and what it costs now: rounded once, half to even, from the exact product. The parts of a line that
 *  are taken back add up to it, wherever it is cut. */
function pieceLines(line: LineItem, pieces: readonly VolumePiece[], size: bigint): readonly LineItem[] {
  const lines: LineItem[] = [];
  const shareOf = (whole: bigint, part: bigint): bigint => divideHalfEven(whole * part, size);
  let from = 0n;
  for (const piece of pieces) {
    const to = from + piece.size;
    const amount = shareOf(line.amount, to) - shareOf(line.amount, from);
    const quantity = Number(shareOf(BigInt(line.quantity), to) - shareOf(BigInt(line.quantity), from));
    from = to;
    if (piece.factor === ONE) continue;
    const now = divideHalfEven(line.amount * piece.size * piece.factor, size * ONE);
    lines.push(
      { ...line, quantity: -quantity, amount: -amount },
      { ...line, quantity, amount: now, factor: scaleAmount(line.factor, piece.factor) },
    );
  }
  return lines;
}

const PLACES: ReadonlyMap<string, number> = new Map(USAGE_CLASSES.map((name, index) => [name, index]));

/** However often an event was rated again, its lines are counted in one order. */
function byPrice(left: LineItem, right: LineItem): number {
  const place = (line: LineItem): number => PLACES.get(line.usageClass) ?? PLACES.size;
  return (
    place(left) - place(right) ||
    compared(left.usageClass, right.usageClass) ||
    compared(left.entryId, right.entryId) ||
    compared(left.factor, right.factor)
  );
}

function compared<Value extends string | bigint>(left: Value, right: Value): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

function sumOf(lines: readonly LineItem[]): PicoUsd {
  return lines.reduce((sum, { amount }) => sum + amount, 0n);
}

/** In the tenant's currency, rounded once for the event. */
function billing({ id, currency }: RateCard, ratings: readonly AttemptRating[], agreed: AgreedSchedule, atMs: number): Billing {
  const billable = ratings.reduce((sum, rating) => sum + (rating.agreed?.billable ?? 0n), 0n);
  const fx = currency === USD ? null : agreed.fxRateAt(currency, atMs);
  if (fx === null) {
    return { rateCard: id, currency, amount: currency === USD ? billable : null, fxRate: null, fxRateId: '', fxSource: '' };
  }
  return { rateCard: id, currency, amount: scaleAmount(billable, fx.perUsd), fxRate: fx.perUsd, fxRateId: fx.id, fxSource: fx.source };
}
