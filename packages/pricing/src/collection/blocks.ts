/** Blocks of a price book from the public collection: names, periods, hours and thresholds, as the collection states them. */
import type { NamedScope } from '../model-names.ts';
import type { CollectedModel, CollectedProvider, Conditional } from './data.ts';
import { type Names, namesOf, noNames } from './names.ts';
import { type WrittenPrices, writtenPrices } from './prices.ts';

/** A block as a price book's file has it. */
export interface WrittenBlock extends Partial<NamedScope> {
  readonly provider: string;
  readonly source: string;
  readonly effective_from: string;
  readonly effective_to?: string;
  readonly daily?: string;
  readonly prices: Readonly<Record<string, WrittenPrices>>;
  readonly long_context?: { readonly above_input_tokens: string; readonly prices: Readonly<Record<string, WrittenPrices>> };
}

export interface CollectionOptions {
  /** Name of the source of these blocks. */
  readonly source: string;
  /** Where the collection states no day since when a price holds. */
  readonly earliest: string;
  /** Names may be followed by a date, whether or not the collection says so. */
  readonly alwaysDated: boolean;
  /** True for a name whose price somebody states better. A name that may be followed by a date is an exact one too. */
  readonly isTaken: (name: string, kind: keyof NamedScope) => boolean;
  /** Classes of a model whose price somebody states better. */
  readonly without: (model: string) => ReadonlySet<string>;
}

/** One model of the collection: its name there, the names it goes by, and a block for each period and each part of the day. */
export interface CollectedBlocks {
  readonly model: string;
  readonly names: Partial<NamedScope>;
  readonly blocks: readonly WrittenBlock[];
}

/** Of a name that several models claim the first has it, as in the collection; models without a name of their own are left out. A model without any price
 *  costs nothing where its name says so, and else has no block. Throws what a price book cannot express. */
export function collectedBlocks(provider: CollectedProvider, options: CollectionOptions): readonly CollectedBlocks[] {
  const claimed = new Set<string>();
  return provider.models.flatMap((model) => {
    const free = Object.entries(freeNames(model, claimed, options)).filter(([, { length }]) => length > 0);
    if (free.length === 0) return [];
    const names: Partial<NamedScope> = Object.fromEntries(free);
    const blocks = periodsOf(model, options).map((period): WrittenBlock => ({
      provider: provider.id,
      ...names,
      source: options.source,
      ...period,
    }));
    return [{ model: model.id, names, blocks }];
  });
}

function freeNames(model: CollectedModel, claimed: Set<string>, { alwaysDated, isTaken }: CollectionOptions): Names {
  const stated = namesOf(model.match);
  if (alwaysDated) stated.dated.push(...stated.models.splice(0));
  const free = noNames();
  for (const kind of ['dated', 'models', 'prefixes', 'endings', 'containing'] as const) {
    for (const name of stated[kind]) {
      const exact = kind === 'dated' ? 'models' : kind;
      const key = `${exact}|${name.toLowerCase()}`;
      if (claimed.has(key)) continue;
      claimed.add(key);
      if (!isTaken(name, exact)) free[kind].push(name);
    }
  }
  return free;
}

type Period = Pick<WrittenBlock, 'effective_from' | 'effective_to' | 'daily' | 'prices' | 'long_context'>;

interface Since {
  readonly from: string;
  /** What holds all day, then what holds for hours of it instead. */
  readonly conditions: Conditional[];
}

const FREE = ':free';
const NOTHING = { input_mtok: 0, output_mtok: 0 };

/** Later conditions go before earlier ones: a start date ends the period before it, hours are exceptions to the period that they follow. */
function periodsOf({ id, prices }: CollectedModel, options: CollectionOptions): readonly Period[] {
  const periods: Since[] = [];
  for (const stated of prices) {
    const condition = id.endsWith(FREE) && Object.keys(stated.prices).length === 0 ? { ...stated, prices: NOTHING } : stated;
    const { constraint } = condition;
    if (constraint?.type === 'time_of_date') periods.at(-1)?.conditions.push(condition);
    else periods.push({ from: constraint?.start_date ?? options.earliest, conditions: [condition] });
  }
  const without = options.without(id);
  return periods.flatMap(({ from, conditions }, index) => {
    const end = periods[index + 1]?.from;
    return conditions
      .filter(({ prices: some }) => Object.keys(some).length > 0)
      .map((condition) => ({
        effective_from: from,
        ...(end === undefined ? {} : { effective_to: end }),
        ...hoursOf(condition),
        ...pricesOf(condition, without),
      }));
  });
}

function hoursOf({ constraint }: Conditional): Pick<Period, 'daily'> {
  if (constraint?.type !== 'time_of_date') return {};
  return { daily: `${utcMinute(constraint.start_time)}-${utcMinute(constraint.end_time)}` };
}

function utcMinute(text: string): string {
  const match = /^(\d{2}:\d{2}):00Z$/.exec(text);
  if (match?.[1] === undefined) throw new Error(`${text} is no whole minute in UTC`);
  return match[1];
}

function pricesOf({ prices }: Conditional, without: ReadonlySet<string>): Pick<Period, 'prices' | 'long_context'> {
  const { prices: base, longContext } = writtenPrices(prices);
  const kept = (all: WrittenPrices): Readonly<Record<string, WrittenPrices>> => ({
    standard: Object.fromEntries(Object.entries(all).filter(([charged]) => !without.has(charged))),
  });
  if (longContext === null) return { prices: kept(base) };
  const { aboveInputTokens, prices: long } = longContext;
  return { prices: kept(base), long_context: { above_input_tokens: String(aboveInputTokens), prices: kept(long) } };
}
