/** What was agreed, as columns of `usage_events`. The table's defaults are what holds where nothing was: a block of such events is sent without these columns,
 *  and costs nothing for them. */
import { decimalColumn, int64Column, listColumn, lowCardinalityColumn, type NativeBlock, nullableColumn } from '@tokenledger/clickhouse';
import {
  type AgreedAmounts,
  ALL_PARTS,
  type AttemptRating,
  ONE,
  type PicoUsd,
  type PricedEvent,
  type UnpricedReason,
  USAGE_CLASSES,
  USD,
} from '@tokenledger/domain';
import type { EventSums } from './core/sums.ts';

export interface AgreedColumns {
  append(priced: PricedEvent, sums: EventSums): void;
  /** None while every event is without agreements. */
  columns(): NativeBlock;
  clear(): void;
}

export function agreedColumns(): AgreedColumns {
  const columns = makeColumns();
  const all: NativeBlock = columns;
  const none: NativeBlock = {};
  const plain = plainRows();
  let isSent = false;
  return {
    append(priced, sums) {
      if (!isSent && isPlain(priced)) {
        plain.add(priced, sums);
        return;
      }
      if (!isSent) for (const row of plain.rows()) appendPlain(row);
      plain.clear();
      isSent = true;
      appendAgreed(priced, sums);
    },
    columns: () => (isSent ? all : none),
    clear() {
      plain.clear();
      isSent = false;
      for (const column of Object.values(columns)) column.clear();
    },
  };

  function appendPlain({ cost, unpricedReason, priceVersion, lines, attempts }: PlainRow): void {
    columns.list_cost_usd.append(cost);
    columns.billable_usd.append(cost);
    columns.currency.append(USD);
    columns.billable_amount.append(cost);
    columns.fx_rate.append(null);
    columns.fx_rate_id.append('');
    columns.fx_source.append('');
    columns.rate_card.append('');
    columns.list_unpriced_reason.append(unpricedReason);
    columns.billable_unpriced_reason.append(unpricedReason);
    for (let line = 0; line < lines; line += 1) appendLine(ONE, priceVersion, ALL_PARTS);
    for (const each of attempts) appendAttempt(sameFor(each), []);
    endLists();
  }

  function appendAgreed({ event, ratings, priceVersion, billing }: PricedEvent, sums: EventSums): void {
    columns.list_cost_usd.append(sums.list);
    columns.billable_usd.append(sums.billable);
    columns.currency.append(billing?.currency ?? USD);
    columns.billable_amount.append(billing === null ? sums.billable : billing.amount);
    columns.fx_rate.append(billing?.fxRate ?? null);
    columns.fx_rate_id.append(billing?.fxRateId ?? '');
    columns.fx_source.append(billing?.fxSource ?? '');
    columns.rate_card.append(billing?.rateCard ?? '');
    columns.list_unpriced_reason.append(sums.listUnpricedReason);
    columns.billable_unpriced_reason.append(sums.billableUnpricedReason);
    for (const rating of ratings) {
      const { lineItems, agreed, candidates } = rating;
      for (const { factor, priceVersion: own, partOf } of lineItems) appendLine(factor, own === '' ? priceVersion : own, partOf);
      appendAttempt(agreed ?? sameFor(rating), candidates);
    }
    if (event.avoidedUsage !== null) {
      for (const name of USAGE_CLASSES) {
        const quantity = event.avoidedUsage[name];
        if (quantity === null) continue;
        columns['avoided.usage_class'].items.append(name);
        columns['avoided.quantity'].items.append(quantity);
      }
    }
    endLists();
  }

  function appendLine(factor: bigint, priceVersion: string, partOf: string): void {
    columns['line_items.factor'].items.append(factor);
    columns['line_items.price_version'].items.append(priceVersion);
    columns['line_items.part_of'].items.append(partOf);
  }

  function appendAttempt(agreed: AgreedAmounts, candidates: readonly string[]): void {
    columns['attempts.list_cost_usd'].items.append(agreed.list);
    columns['attempts.list_unpriced_reason'].items.append(agreed.listUnpricedReason);
    columns['attempts.billable_usd'].items.append(agreed.billable);
    columns['attempts.billable_unpriced_reason'].items.append(agreed.billableUnpricedReason);
    columns['attempts.contract'].items.append(agreed.contract);
    columns['attempts.price_candidates'].items.append(candidates);
  }

  function endLists(): void {
    columns['line_items.factor'].endList();
    columns['line_items.price_version'].endList();
    columns['line_items.part_of'].endList();
    columns['attempts.list_cost_usd'].endList();
    columns['attempts.list_unpriced_reason'].endList();
    columns['attempts.billable_usd'].endList();
    columns['attempts.billable_unpriced_reason'].endList();
    columns['attempts.contract'].endList();
    columns['attempts.price_candidates'].endList();
    columns['avoided.usage_class'].endList();
    columns['avoided.quantity'].endList();
  }
}

function sameFor({ cost, unpricedReason }: Pick<AttemptRating, 'cost' | 'unpricedReason'>): AgreedAmounts {
  return { contract: '', list: cost, listUnpricedReason: unpricedReason, billable: cost, billableUnpricedReason: unpricedReason };
}

function makeColumns() {
  const money = () => decimalColumn(38, 12);
  const moneyOrNull = () => nullableColumn(money(), 0n);
  return {
    list_cost_usd: moneyOrNull(),
    billable_usd: moneyOrNull(),
    currency: lowCardinalityColumn(),
    billable_amount: moneyOrNull(),
    fx_rate: moneyOrNull(),
    fx_rate_id: lowCardinalityColumn(),
    fx_source: lowCardinalityColumn(),
    rate_card: lowCardinalityColumn(),
    list_unpriced_reason: lowCardinalityColumn(),
    billable_unpriced_reason: lowCardinalityColumn(),
    'line_items.factor': listColumn(money()),
    'line_items.price_version': listColumn(lowCardinalityColumn()),
    'line_items.part_of': listColumn(lowCardinalityColumn()),
    'attempts.list_cost_usd': listColumn(moneyOrNull()),
    'attempts.list_unpriced_reason': listColumn(lowCardinalityColumn()),
    'attempts.billable_usd': listColumn(moneyOrNull()),
    'attempts.billable_unpriced_reason': listColumn(lowCardinalityColumn()),
    'attempts.contract': listColumn(lowCardinalityColumn()),
    'attempts.price_candidates': listColumn(listColumn(lowCardinalityColumn())),
    'avoided.usage_class': listColumn(lowCardinalityColumn()),
    'avoided.quantity': listColumn(int64Column()),
  };
}

/** Whether the defaults of the table say the same. */
function isPlain({ event, ratings, billing }: PricedEvent): boolean {
  if (billing !== null || event.avoidedUsage !== null) return false;
  for (const { agreed, candidates, lineItems } of ratings) {
    if (agreed !== null || candidates.length > 0) return false;
    for (const { factor, priceVersion, partOf } of lineItems) {
      if (factor !== ONE || priceVersion !== '' || partOf !== ALL_PARTS) return false;
    }
  }
  return true;
}

/** What the defaults of an event without agreements follow from. */
interface PlainRow {
  readonly cost: PicoUsd | null;
  readonly unpricedReason: UnpricedReason;
  readonly priceVersion: string;
  readonly lines: number;
  readonly attempts: readonly Pick<AttemptRating, 'cost' | 'unpricedReason'>[];
}

/** Rows that the columns do not have yet: nearly always none of them is asked for, so that they are kept without an object each. */
function plainRows() {
  const [costs, reasons, versions]: [(PicoUsd | null)[], UnpricedReason[], string[]] = [[], [], []];
  const [lines, attempts]: [number[], number[]] = [[], []];
  const [attemptCosts, attemptReasons]: [(PicoUsd | null)[], UnpricedReason[]] = [[], []];
  return {
    add({ ratings, priceVersion }: PricedEvent, { cost, unpricedReason }: EventSums): void {
      let own = 0;
      for (const rating of ratings) {
        own += rating.lineItems.length;
        attemptCosts.push(rating.cost);
        attemptReasons.push(rating.unpricedReason);
      }
      costs.push(cost);
      reasons.push(unpricedReason);
      versions.push(priceVersion);
      lines.push(own);
      attempts.push(ratings.length);
    },

    *rows(): Generator<PlainRow> {
      let at = 0;
      for (const [row, cost] of costs.entries()) {
        const end = at + (attempts[row] as number);
        yield {
          cost,
          unpricedReason: reasons[row] as UnpricedReason,
          priceVersion: versions[row] as string,
          lines: lines[row] as number,
          attempts: attemptCosts
            .slice(at, end)
            .map((each, index) => ({ cost: each, unpricedReason: attemptReasons[at + index] as UnpricedReason })),
        };
        at = end;
      }
    },

    clear(): void {
      for (const list of [costs, reasons, versions, lines, attempts, attemptCosts, attemptReasons]) list.length = 0;
    },
  };
}
