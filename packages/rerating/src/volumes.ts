/** Volumes of a month: what its tiers and allowances change of what was rated, and the corrections that make the ledger say so. What is posted is what is owed
 *  less what was posted before, so it may be run as often as one likes. It reads top to bottom as it goes. */
import { setImmediate as turn } from 'node:timers/promises';
import { AppError, rejected, type Rejected } from '@tokenledger/domain';
import type { EventLog, Producer, Topics } from '@tokenledger/event-log';
import { type Agreements, agreedSchedule } from '@tokenledger/pricing';
import { encodePriced, type StatementFacts } from '@tokenledger/schemas';
import type { ClickHouse } from '@tokenledger/clickhouse';
import { adjustment, type Correction, corrections, type NewRating } from './core/adjustment.ts';
import { type ClosedPeriod, reopenedFact, touchedPeriods } from './core/closed-periods.ts';
import type { Period } from './core/slices.ts';
import type { Standing } from './core/standing.ts';
import { tally, type TallyRow } from './core/tally.ts';
import { volumeMonth, type VolumeMonth, type VolumeReached } from './core/volume-month.ts';
import type { VolumeEvent } from './core/volume-rows.ts';
import { retiredDays } from './ledger-reader.ts';
import { patiently } from './patience.ts';
import { type Posted, postStatement } from './posting.ts';
import { periodClosed } from './rerate.ts';
import type { FixedStatement } from './statement-log.ts';
import { statementStore } from './statement-store.ts';
import { eachVolumeEvent, type VolumeSelection } from './volume-reader.ts';

export interface VolumeOptions {
  readonly clickhouse: ClickHouse;
  /** From the beginning of a month in UTC: see `monthThrough`. */
  readonly period: Period;
  readonly agreements: Agreements;
  /** Rows that are in memory at a time, as text and twice over; 16,000 unless given. */
  readonly pageRowsMax?: number;
  readonly onRead?: (progress: { readonly rows: number; readonly of: number }) => void;
}

export interface VolumeDifferences {
  /** `before`: what was posted for volumes so far; `after`: what is owed. */
  readonly rows: readonly TallyRow[];
  readonly reached: readonly VolumeReached[];
}

export interface VolumePostOptions extends VolumeOptions {
  readonly log: EventLog;
  readonly producer: Producer;
  readonly topics: Topics;
  /** A name that no statement has had: `volume/` and an id. */
  readonly source: string;
  /** Milliseconds since the epoch: from then on the corrections are believed. */
  readonly nowMs: number;
  readonly facts: Pick<StatementFacts, 'by' | 'note' | 'reopen'>;
  readonly closedPeriods: readonly ClosedPeriod[];
  readonly instance: string;
  /** See `PostingOptions`. */
  readonly written: () => Promise<void>;
  /** Statements that were fixed before, and are posted to their end first. */
  readonly onUnfinished: (statement: FixedStatement) => void;
  readonly onDifferences: (found: VolumeDifferences) => void;
  readonly onSent?: (progress: { readonly lines: number; readonly sent: number }) => void;
}

export interface VolumesPosted extends VolumeDifferences {
  /** Null when there was nothing to correct. */
  readonly posted: (Posted & { readonly source: string }) | null;
}

const PAGE_ROWS_MAX = 16_000;
/** After so many events others have their turn: a writer that counts also writes. */
const TURN_EVENTS = 100;
const DAY_MS = 86_400_000;

/** From the beginning of its month through this day, `YYYY-MM-DD`. Rejects `USAGE`. */
export function monthThrough(day: string): Period | Rejected {
  const dayMs = Date.parse(`${day}T00:00:00.000Z`);
  if (!/^\d{4}-\d{2}-\d{2}$/.test(day) || Number.isNaN(dayMs)) return rejected('USAGE', `'${day}' is no day: write it as 2026-01-31`);
  return { fromMs: monthOf(dayMs).fromMs, toMs: dayMs + DAY_MS };
}

/** The calendar month, in UTC, that a moment lies in. */
export function monthOf(ms: number): Period {
  const [year, month] = [new Date(ms).getUTCFullYear(), new Date(ms).getUTCMonth()];
  return { fromMs: Date.UTC(year, month), toMs: Date.UTC(year, month + 1) };
}

export function hasVolumeTerms({ contracts, rateCards }: Agreements): boolean {
  return [...contracts, ...rateCards].some(({ volumeTerms }) => volumeTerms.length > 0);
}

/** Reads the month and posts nothing. Throws `VOLUME_UNKNOWN`. */
export async function volumeDifferences(options: VolumeOptions): Promise<VolumeDifferences> {
  return eachCorrection(options, async () => {});
}

/** Throws `VOLUME_UNKNOWN`, `PERIOD_CLOSED`, `STATEMENT_OVERTAKEN`, and what posting throws. Interrupted at any point, it is run again. */
export async function postVolumes(options: VolumePostOptions): Promise<VolumesPosted> {
  const { source, period, nowMs, facts } = options;
  const statements = statementStore(options);
  const posting = { ...options, statements, onProgress: options.onSent ?? (() => {}) };
  // 1. From here on nobody else corrects, unless he overtakes us. A crash: whoever comes next drops what was drafted.
  for (const open of await statements.claim(source)) {
    if (open.kind === 'dropped') await statements.drop(open.claim);
    else {
      // 2. What was fixed before is posted first: the difference is to what the ledger will say.
      options.onUnfinished(open.statement);
      await postStatement(posting, open.statement);
    }
  }
  // 3. What a writer has in hand counts, too.
  await options.written();
  // 4. Count the month, and draft the corrections.
  const draft = await statements.draft(source);
  const closed = new Set<ClosedPeriod>();
  let lines = 0;
  const found = await eachCorrection(options, async (standing, correction) => {
    const { partition, event } = standing;
    for (const each of periodsOf(options.closedPeriods, standing)) closed.add(each);
    const priced = adjustment(standing, correction, { source, sequence: draft.next(partition), recordedAtMs: nowMs });
    await draft.add(partition, { key: event.attribution.virtualKeyId, value: encodePriced(priced) });
    lines += 1;
  });
  options.onDifferences(found);
  if (lines === 0 || (closed.size > 0 && facts.reopen === '')) {
    await draft.drop();
    if (closed.size > 0) throw periodClosed([...closed]);
    return { ...found, posted: null };
  }
  // 5. Fix it. Before that nothing was posted; after that all of it is, whatever the documents have become.
  const statement = await draft.fix({
    recordedAtMs: nowMs,
    facts: {
      ...facts,
      kind: 'volume',
      from: new Date(period.fromMs).toISOString(),
      to: new Date(period.toMs).toISOString(),
      reopened: Array.from(closed, reopenedFact),
      details: {},
    },
  });
  // 6. Post it.
  return { ...found, posted: { ...(await postStatement(posting, statement)), source } };
}

type Correct = (standing: Standing, correction: Correction) => Promise<void>;

async function eachCorrection(options: VolumeOptions, correct: Correct): Promise<VolumeDifferences> {
  const { clickhouse, agreements, period, pageRowsMax = PAGE_ROWS_MAX, onRead = () => {} } = options;
  const selection = selectionOf(agreements, period);
  const sums = tally();
  if (selection === null) return { rows: sums.rows(), reached: [] };
  await requireRows(clickhouse, selection);
  // Chosen by when it is in force, also where it was written down later.
  const agreed = agreedSchedule(agreements, 'effective');
  const count = async (month: VolumeMonth, use: (event: VolumeEvent, owed: NewRating) => Promise<void> | void): Promise<void> => {
    let events = 0;
    for await (const event of eachVolumeEvent(clickhouse, selection, pageRowsMax, onRead)) {
      events += 1;
      if (events % TURN_EVENTS === 0) await turn();
      await use(event, month.owed(event.rated, event.priceVersion));
    }
  };
  // What all of a month costs is known once it is counted.
  const whole = volumeMonth(agreed);
  if (agreements.contracts.some(({ volumeTerms }) => volumeTerms.some(({ appliesTo }) => appliesTo === 'whole_month')))
    await count(whole, () => {});
  const month = volumeMonth(agreed, whole.reached());
  await count(month, async ({ rated, posted }, owed) => {
    const changes = corrections(posted, owed);
    sums.add(posted, changes);
    for (const change of changes) await correct(rated, change);
  });
  return { rows: sums.rows(), reached: month.reached() };
}

/** What terms can be about; null: nothing has any. */
function selectionOf({ contracts, rateCards }: Agreements, period: Period): VolumeSelection | null {
  const holds = ({
    effectiveFromMs,
    effectiveToMs,
  }: {
    readonly effectiveFromMs: number;
    readonly effectiveToMs: number | null;
  }): boolean => effectiveFromMs < period.toMs && (effectiveToMs === null || period.fromMs < effectiveToMs);
  const providers = contracts.filter((each) => each.volumeTerms.length > 0 && holds(each)).map(({ provider }) => provider);
  const tenants = rateCards.filter((each) => each.volumeTerms.length > 0 && holds(each)).map(({ tenant }) => tenant);
  if (providers.length === 0 && tenants.length === 0) return null;
  return { ...period, providers: [...new Set(providers)], tenants: tenants.includes('') ? null : [...new Set(tenants)] };
}

/** A month that is not there as a whole cannot be counted. */
async function requireRows(clickhouse: ClickHouse, { providers, tenants, fromMs, toMs }: VolumeSelection): Promise<void> {
  const whose = providers.length > 0 || tenants === null ? [] : tenants;
  const days = await patiently(() => retiredDays(clickhouse, { fromMs, toMs, tenants: whose, models: [], providers: [] }));
  if (days.length === 0) return;
  throw new AppError(
    'VOLUME_UNKNOWN',
    `raw rows of ${days.length} days have left (${days[0]} to ${days.at(-1)}), so the volume of their month cannot be counted: what was posted stands`,
  );
}

function periodsOf(closed: readonly ClosedPeriod[], { event: { occurredAtMs: fromMs, attribution } }: Standing): readonly ClosedPeriod[] {
  return closed.length === 0 ? closed : touchedPeriods(closed, { fromMs, toMs: fromMs + 1, tenants: [attribution.tenantId] });
}
