/** What `tokenledger verify` makes of what it read: each check with what it compared, and every difference by name. Pure. */
import { type NumberSet, shown, size, without } from './number-set.ts';

export const CHECKS = ['completeness', 'event ids', 'rollups', 'sealed days', 'log'] as const;
export type CheckName = (typeof CHECKS)[number];

export interface Check {
  readonly name: CheckName;
  /** What was compared, e.g. `12 lanes`. */
  readonly compared: string;
  readonly differences: readonly Difference[];
  /** What is no difference and worth knowing. */
  readonly notes: readonly string[];
}

export interface Difference {
  /** Where: a lane, a view and day, a partition. */
  readonly where: string;
  readonly what: string;
}

/** One source in one partition, as `completeness` has it. */
export interface Lane {
  readonly source: string;
  readonly partition: number;
  /** The highest number that is there; 0 when none is. */
  readonly highest: number;
  /** What is missing up to the highest number that is there or was announced. */
  readonly missing: NumberSet;
  /** How many rows are there more than once. */
  readonly repeats: number;
  readonly closed: boolean;
}

/** Numbers by lane (`laneKey`). */
export type LaneNumbers = ReadonlyMap<string, NumberSet>;

export function laneKey(source: string, partition: number): string {
  return `${source} in partition ${partition}`;
}

/** Numbers above the highest that is there may still be in their ingress, unless it has closed the source. `onTheWay`: what waits in the log. */
export function judgeCompleteness(lanes: readonly Lane[], onTheWay: LaneNumbers): Check {
  const differences: Difference[] = [];
  let awaited = 0;
  for (const { source, partition, highest, missing, repeats, closed } of lanes) {
    const where = laneKey(source, partition);
    const absent = without(missing, onTheWay.get(where) ?? []);
    const lost = closed ? absent : without(absent, [{ from: highest + 1, to: Number.MAX_SAFE_INTEGER }]);
    awaited += size(missing) - size(lost);
    if (lost.length > 0) differences.push({ where, what: `${size(lost)} missing: ${shown(lost)}` });
    if (repeats > 0) differences.push({ where, what: `${repeats} there more than once` });
  }
  const notes = awaited === 0 ? [] : [`${awaited} numbers are announced and still on their way`];
  return { name: 'completeness', compared: `${lanes.length} lanes`, differences, notes };
}

export interface RepeatedId {
  readonly eventId: string;
  readonly rows: number;
}

export function judgeEventIds(rows: number, repeated: readonly RepeatedId[]): Check {
  const differences = repeated.map(({ eventId, rows: times }) => ({ where: eventId, what: `${times} rows have this event id` }));
  return { name: 'event ids', compared: `${rows} rows`, differences, notes: [] };
}

/** Sums by column, as decimal text; null where nothing is known. */
export type Sums = Readonly<Record<string, string | null>>;

export interface Compared {
  readonly where: string;
  /** As the rollup has it; null: it has nothing there. */
  readonly rollup: Sums | null;
  /** As the raw rows have it. */
  readonly base: Sums | null;
}

export function judgeRollups(compared: readonly Compared[]): Check {
  return {
    name: 'rollups',
    compared: `${compared.length} sums of views and days`,
    differences: compared.flatMap(differencesOf),
    notes: [],
  };
}

export interface SealedDay extends Compared {
  /** Its raw rows have left, or are about to. */
  readonly retired: boolean;
  readonly sealedRows: number;
  readonly baseRows: number;
  /** How many numbers stand beside the sums of a retired one. */
  readonly numbers: number;
}

/** A day with more raw rows than it was sealed with waits to be sealed anew. */
export function judgeSealedDays(days: readonly SealedDay[]): Check {
  const differences: Difference[] = [];
  let waiting = 0;
  for (const day of days) {
    if (day.retired) {
      if (day.numbers !== day.sealedRows)
        differences.push({ where: day.where, what: `sums of ${day.sealedRows} rows stand beside ${day.numbers} numbers` });
    } else if (day.baseRows < day.sealedRows) {
      differences.push({ where: day.where, what: `sealed with ${day.sealedRows} rows, and ${day.baseRows} are there` });
    } else if (day.baseRows > day.sealedRows) waiting += 1;
    else differences.push(...differencesOf(day));
  }
  const notes = waiting === 0 ? [] : [`${waiting} days and tenants have rows that came after they were sealed, and are sealed anew soon`];
  return { name: 'sealed days', compared: `${days.length} days of tenants`, differences, notes };
}

function differencesOf({ where, rollup, base }: Compared): readonly Difference[] {
  const columns = Object.keys(base ?? rollup ?? {});
  return columns
    .filter((column) => rollup?.[column] !== base?.[column])
    .map((column) => ({ where, what: `${column} is ${rollup?.[column] ?? 'null'}, and its rows have ${base?.[column] ?? 'null'}` }));
}

/** What a group has consumed of one partition: from the first offset that is kept to the committed one. */
export interface Consumed {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  /** By offsets. */
  readonly consumed: number;
  /** Records that were read there. */
  readonly records: number;
  /** Numbers of the records, by source. */
  readonly numbers: ReadonlyMap<string, NumberSet>;
}

/** What is in the tables, by lane. */
export interface Tables {
  /** Events, those among them whose raw rows have left. */
  readonly written: LaneNumbers;
  /** Dead letters that were rejected records. */
  readonly rejected: LaneNumbers;
  /** Dead letters of the dead-letter topic. */
  readonly deadLettered: LaneNumbers;
}

/** One line of the identity: consumed = written + rejected + dead-lettered + repeats + on the way. */
export interface Account {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly consumed: number;
  readonly written: number;
  readonly rejected: number;
  readonly deadLettered: number;
  readonly repeats: number;
  /** Consumed by one group and waiting for the next. */
  readonly onTheWay: number;
  readonly missing: number;
}

/** Each record that was consumed is in a table, has an equal before it, or waits for the next group. */
export function judgeLog(
  consumed: readonly Consumed[],
  tables: Tables,
  onTheWay: LaneNumbers,
): { readonly check: Check; readonly accounts: readonly Account[] } {
  const differences: Difference[] = [];
  const accounts = consumed.map(({ group, topic, partition, consumed: count, records, numbers }): Account => {
    const where = `${group} in ${topic}/${partition}`;
    if (records !== count) differences.push({ where, what: `${count} offsets were consumed, and ${records} records are there` });
    const account = { written: 0, rejected: 0, deadLettered: 0, onTheWay: 0, missing: 0, distinct: 0 };
    for (const [source, ofSource] of numbers) {
      const lane = laneKey(source, partition);
      const take = (rest: NumberSet, from: LaneNumbers): readonly [NumberSet, number] => {
        const left = without(rest, from.get(lane) ?? []);
        return [left, size(rest) - size(left)];
      };
      let [rest, found] = take(ofSource, tables.written);
      account.written += found;
      [rest, found] = take(rest, tables.rejected);
      account.rejected += found;
      [rest, found] = take(rest, tables.deadLettered);
      account.deadLettered += found;
      [rest, found] = take(rest, onTheWay);
      account.onTheWay += found;
      account.missing += size(rest);
      account.distinct += size(ofSource);
      if (rest.length > 0) differences.push({ where, what: `${size(rest)} of ${source} were consumed and are nowhere: ${shown(rest)}` });
    }
    const { distinct, ...found } = account;
    return { group, topic, partition, consumed: count, ...found, repeats: records - distinct };
  });
  const check: Check = { name: 'log', compared: `${accounts.length} partitions of groups`, differences, notes: [] };
  return { check, accounts };
}
