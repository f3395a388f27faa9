/** The amounts of an attempt that are known or not, each by itself, and the lines that they are made of. Pure. */
import {
  ALL_PARTS,
  type AttemptRating,
  type LineItem,
  type LineParts,
  type PicoUsd,
  REPRICED,
  type UnpricedReason,
} from '@tokenledger/domain';

/** In the order in which `LineParts` names them. */
export const AMOUNTS = ['list', 'cost', 'billable'] as const;
export type AmountName = (typeof AMOUNTS)[number];
export type PerAmount<Value> = Readonly<Record<AmountName, Value>>;

/** An amount, or by how much a correction changes it. */
export interface Amount {
  /** Null when it is not known. */
  readonly value: PicoUsd | null;
  readonly reason: UnpricedReason;
}

export function perAmount<Value>(of: (name: AmountName) => Value): PerAmount<Value> {
  return { list: of('list'), cost: of('cost'), billable: of('billable') };
}

export function amountsOf({ cost, unpricedReason, agreed }: Pick<AttemptRating, 'cost' | 'unpricedReason' | 'agreed'>): PerAmount<Amount> {
  const paid: Amount = { value: cost, reason: unpricedReason };
  if (agreed === null) return { list: paid, cost: paid, billable: paid };
  return {
    list: { value: agreed.list, reason: agreed.listUnpricedReason },
    cost: paid,
    billable: { value: agreed.billable, reason: agreed.billableUnpricedReason },
  };
}

/** Whether an amount is known after a correction, if it was before. */
export function isKnownAfter(before: boolean, { value, reason }: Amount): boolean {
  if (value === null) return before;
  return reason === '' || reason === REPRICED;
}

/** Lines of each amount by itself; none of an amount that is not known, since lines without all the others are no amount. */
export function linesByAmount(lines: readonly LineItem[], isKnown: (name: AmountName) => boolean): PerAmount<readonly LineItem[]> {
  return perAmount((name) => (isKnown(name) ? netLines(lines.filter(({ partOf }) => isPart(partOf, name))) : []));
}

/** Lines of all amounts as they are written: one line where several amounts have the same. */
export function joinedLines(byAmount: PerAmount<readonly LineItem[]>): readonly LineItem[] {
  const joined = new Map<string, { readonly line: LineItem; readonly of: AmountName[] }>();
  for (const name of AMOUNTS) {
    for (const line of byAmount[name]) {
      const key = `${lineKey(line)} ${line.quantity} ${line.amount}`;
      const known = joined.get(key);
      if (known === undefined) joined.set(key, { line, of: [name] });
      else known.of.push(name);
    }
  }
  return Array.from(joined.values(), ({ line, of }) => ({ ...line, partOf: of.join(',') as LineParts }));
}

/** Lines of the same class, factor and entry of the same prices as one; those that cancel each other are gone. */
export function netLines(lines: readonly LineItem[]): readonly LineItem[] {
  const net = new Map<string, LineItem>();
  for (const line of lines) {
    const key = lineKey(line);
    const before = net.get(key);
    net.set(key, before === undefined ? line : { ...line, quantity: before.quantity + line.quantity, amount: before.amount + line.amount });
  }
  return [...net.values()].filter(({ quantity, amount }) => quantity !== 0 || amount !== 0n);
}

export function negated(line: LineItem): LineItem {
  return { ...line, quantity: -line.quantity, amount: -line.amount };
}

function isPart(parts: LineParts, name: AmountName): boolean {
  return parts === ALL_PARTS || parts.split(',').includes(name);
}

function lineKey({ usageClass, unitPrice, perUnits, entryId, factor, priceVersion }: LineItem): string {
  return `${usageClass} ${unitPrice} ${perUnits} ${entryId} ${factor} ${priceVersion}`;
}
