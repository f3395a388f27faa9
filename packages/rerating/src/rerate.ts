/** Re-rating: what a period costs at other prices, and the corrections that make the ledger say so. It reads top to bottom as it goes. */
import { isDeepStrictEqual } from 'node:util';
import { AppError, type UsageEvent } from '@tokenledger/domain';
import type { EventLog, Producer, Topics } from '@tokenledger/event-log';
import { encodePriced, type StatementFacts, statementFactsSchema } from '@tokenledger/schemas';
import { z } from 'zod';
import { adjustment, type Correction, corrections, type NewRating } from './core/adjustment.ts';
import { type ClosedPeriod, reopenedFact, touchedPeriods } from './core/closed-periods.ts';
import { type Differences, shortened } from './differences.ts';
import type { Standing } from './core/standing.ts';
import { tally, type TallyRow } from './core/tally.ts';
import { eachStanding, type ReadOptions } from './each-standing.ts';
import type { Selection } from './ledger-reader.ts';
import { type Posted, postStatement } from './posting.ts';
import type { FixedStatement } from './statement-log.ts';
import { type Draft, statementStore } from './statement-store.ts';

export interface RerateOptions extends ReadOptions {
  /** Pure: the same event has the same rating, whenever it is asked. */
  readonly rate: (event: UsageEvent) => NewRating;
}

/** Reads the period and rates it again, and posts nothing. */
export async function rerateDifferences(options: RerateOptions): Promise<Differences> {
  return rateAgain(options, async () => {});
}

export interface PostOptions extends RerateOptions {
  readonly log: EventLog;
  readonly producer: Producer;
  readonly topics: Topics;
  /** A name that no statement has had: `rerate/` and an id. */
  readonly source: string;
  /** Milliseconds since the epoch: from then on the corrections are believed. */
  readonly nowMs: number;
  /** `details`: whatever else decides what comes out, e.g. the version of the prices. An interrupted re-rating is known by these, its period and its selection. */
  readonly facts: Pick<StatementFacts, 'by' | 'note' | 'reopen' | 'details'>;
  readonly closedPeriods: readonly ClosedPeriod[];
  /** Whether events may lose a price that they have: those of models which the new prices do not know. */
  readonly mayUnprice: boolean;
  readonly instance: string;
  /** See `PostingOptions`. */
  readonly written: () => Promise<void>;
  /** Statements that were fixed before, by an earlier run or by somebody else, and are posted to their end first. */
  readonly onUnfinished: (statement: FixedStatement) => void;
  /** The difference, before it is posted. */
  readonly onDifferences: (found: Differences) => void;
  readonly onSent?: (progress: { readonly lines: number; readonly sent: number }) => void;
}

export interface Rerated extends Differences {
  /** Null when there was nothing to correct. */
  readonly posted: (Posted & { readonly source: string }) | null;
  /** Whether this was begun by an earlier run, and has been posted as that one fixed it. */
  readonly resumed: boolean;
}

/** Throws `PERIOD_CLOSED`, `STATEMENT_FACTS_INVALID`, `PRICES_LOST`, `STATEMENT_OVERTAKEN`, and what posting throws. Interrupted at any point, it is run again with the same arguments. */
export async function rerate(options: PostOptions): Promise<Rerated> {
  const { selection, source, nowMs } = options;
  // 1. Closed periods stay closed unless somebody says why not.
  const closed = touchedPeriods(options.closedPeriods, selection);
  if (closed.length > 0 && options.facts.reopen === '') throw periodClosed(closed);
  const facts: StatementFacts = {
    ...options.facts,
    kind: 'rerate',
    from: iso(selection.fromMs),
    to: iso(selection.toMs),
    reopened: closed.map(reopenedFact),
    details: { ...options.facts.details, ...selectionDetails(selection) },
  };
  // A record that nobody could read would stand in the way of every later statement.
  const checked = statementFactsSchema.safeParse(facts);
  if (!checked.success) throw new AppError('STATEMENT_FACTS_INVALID', z.prettifyError(checked.error));
  const statements = statementStore(options);
  const posting = { ...options, statements, onProgress: options.onSent ?? (() => {}) };
  // 2. From here on nobody else corrects, unless he overtakes us. A crash: whoever comes next finds the claim, and drops what was drafted under it.
  const open = await statements.claim(source);
  const newest = open.findLast(({ kind }) => kind === 'fixed');
  for (const each of open) {
    if (each.kind === 'dropped') {
      await statements.drop(each.claim);
      continue;
    }
    // 3. What was fixed before is posted first, as it was fixed: the difference is to what the ledger will say. If it is this very re-rating, nothing is left to do then.
    const { found } = each.statement;
    const isThis = each === newest && isSameQuestion(each.statement.facts, facts);
    options.onUnfinished(each.statement);
    if (isThis && found !== null) options.onDifferences(found);
    const posted = await postStatement(posting, each.statement);
    if (!isThis || found === null) continue;
    await statements.draft(source).then((draft) => draft.drop());
    return { ...found, posted: { ...posted, source: each.statement.source }, resumed: true };
  }
  // 4. What a writer has in hand counts, too.
  await options.written();
  // 5. Rate again, and draft the corrections. A crash: as in step 2.
  const draft = await statements.draft(source);
  let lines = 0;
  const found = await rateAgain(options, async (standing, correction) => {
    lines += 1;
    await addLine(draft, options, standing, correction);
  });
  options.onDifferences(found);
  if (lines === 0) {
    await draft.drop();
    return { ...found, posted: null, resumed: false };
  }
  const lost = lostPrices(found.rows);
  if (lost > 0 && !options.mayUnprice) {
    await draft.drop();
    throw pricesLost(lost);
  }
  // 6. Fix it. Before that nothing was posted; after that all of it is, by this run or the next, whatever prices have become.
  const statement = await draft.fix({ recordedAtMs: nowMs, facts, found: shortened(found) });
  // 7. Post it.
  return { ...found, posted: { ...(await postStatement(posting, statement)), source }, resumed: false };
}

/** Who asked, and why, may differ. */
function isSameQuestion(left: StatementFacts, right: StatementFacts): boolean {
  const asked = ({ kind, from, to, details }: StatementFacts) => ({ kind, from, to, details });
  return isDeepStrictEqual(asked(left), asked(right));
}

function selectionDetails({ tenants, models, providers }: Selection): Readonly<Record<string, string>> {
  const named = Object.entries({ tenants, models, providers }).filter(([, names]) => names.length > 0);
  return Object.fromEntries(named.map(([name, names]) => [name, names.join(' ')]));
}

type Correct = (standing: Standing, correction: Correction) => Promise<void>;

async function rateAgain(options: RerateOptions, correct: Correct): Promise<Differences> {
  const sums = tally();
  const { orphans, retiredDays: days } = await eachStanding(options, async (standing) => {
    const posted = corrections(standing, options.rate(standing.event));
    sums.add(standing, posted);
    for (const correction of posted) await correct(standing, correction);
  });
  return { rows: sums.rows(), orphans, retiredDays: days };
}

async function addLine(
  draft: Draft,
  { source, nowMs }: Pick<PostOptions, 'source' | 'nowMs'>,
  standing: Standing,
  correction: Correction,
): Promise<void> {
  const { partition, event } = standing;
  const priced = adjustment(standing, correction, { source, sequence: draft.next(partition), recordedAtMs: nowMs });
  await draft.add(partition, { key: event.attribution.virtualKeyId, value: encodePriced(priced) });
}

function lostPrices(rows: readonly TallyRow[]): number {
  return rows.reduce((sum, { amounts: { cost } }) => sum + Math.max(0, cost.unpricedAfter - cost.unpricedBefore), 0);
}

function pricesLost(events: number): AppError {
  return new AppError(
    'PRICES_LOST',
    `${events} events would lose the price that they have, so nothing was posted: the new prices do not know their models. Name the models that are to be corrected with --model, or say --allow-unpriced`,
  );
}

export function periodClosed(closed: readonly ClosedPeriod[]): AppError {
  const names = closed.map(({ id }) => `'${id}'`).join(', ');
  return new AppError(
    'PERIOD_CLOSED',
    `${closed.length === 1 ? 'the period' : 'the periods'} ${names} ${closed.length === 1 ? 'is' : 'are'} closed: choose another, or say --reopen and why`,
  );
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
