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

/** Lines of each amount by itself; none of an amount that is not known, since lines without all the others are no amount. Amounts of the same lines share them. */
export function linesByAmount(lines: readonly LineItem[], isKnown: (name: AmountName) => boolean): PerAmount<readonly LineItem[]> {
  if (lines.every(({ partOf }) => partOf === ALL_PARTS)) {
    const net = netLines(lines);
    return perAmount((name) => (isKnown(name) ? net : NO_LINES));
  }
  return perAmount((name) => (isKnown(name) ? netLines(lines.filter(({ partOf }) => isPart(partOf, name))) : NO_LINES));
}

/** Lines of all amounts as they are written: one line where several amounts have the same. */
export function joinedLines(byAmount: PerAmount<readonly LineItem[]>): readonly LineItem[] {
  const { list, cost, billable } = byAmount;
  if (list === cost && cost === billable) return list.map((line) => (line.partOf === ALL_PARTS ? line : { ...line, partOf: ALL_PARTS }));
  const joined: { readonly line: LineItem; readonly of: AmountName[] }[] = [];
  for (const name of AMOUNTS) {
    for (const line of byAmount[name]) {
      const same = joined.find(
        (other) =>
          isSamePrice(other.line, line) &&
          other.line.quantity === line.quantity &&
          other.line.amount === line.amount &&
          !other.of.includes(name),
      );
      if (same === undefined) joined.push({ line, of: [name] });
      else same.of.push(name);
    }
  }
  return joined.map(({ line, of }) => ({ ...line, partOf: of.join(',') as LineParts }));
}

/** Lines of the same class, factor and entry of the same prices as one; those that cancel each other are gone. There are few of them. */
export function netLines(lines: readonly LineItem[]): readonly LineItem[] {
  const net: LineItem[] = [];
  for (const line of lines) {
    const index = net.findIndex((other) => isSamePrice(other, line));
    const before = net[index];
    if (before === undefined) net.push(line);
    else net[index] = { ...line, quantity: before.quantity + line.quantity, amount: before.amount + line.amount };
  }
  return net.filter(({ quantity, amount }) => quantity !== 0 || amount !== 0n);
}

export function negated(line: LineItem): LineItem {
  return { ...line, quantity: -line.quantity, amount: -line.amount };
}

function isPart(parts: LineParts, name: AmountName): boolean {
  return parts === ALL_PARTS || parts.split(',').includes(name);
}

function isSamePrice(left: LineItem, right: LineItem): boolean {
  return (
    left.usageClass === right.usageClass &&
    left.entryId === right.entryId &&
    left.unitPrice === right.unitPrice &&
    left.perUnits === right.perUnits &&
    left.factor === right.factor &&
    left.priceVersion === right.priceVersion
  );
}

const NO_LINES: readonly LineItem[] = Object.freeze([]);
