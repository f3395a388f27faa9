/** What must hold once everything has healed: the bill of the provider against the ledger, numbers, rollups and the log read again. Pure; says what differs. */
import { isRejected, type PricedEvent } from '@tokenledger/domain';
import type { LogRecord } from '@tokenledger/event-log';
import { decide, type InForce, type PricerContext } from '@tokenledger/pricer';
import { NOTHING_AGREED } from '@tokenledger/pricing';
import { decodeRecord, decodeSourceState, readIdentity, type SourceState } from '@tokenledger/schemas';
import type { ClientView } from './client-view.ts';
import { type LedgerRow, type LedgerTable, rollupOf } from './ledger-table.ts';
import type { BilledAttempt } from './provider.ts';
import { PRICES } from './request-facts.ts';

export interface Evidence {
  readonly bill: readonly BilledAttempt[];
  readonly views: readonly ClientView[];
  /** One for each replica. */
  readonly usageEvents: readonly LedgerTable[];
  readonly deadLetters: readonly LedgerTable[];
  /** Everything in the topic of usage events. */
  readonly records: readonly LogRecord[];
  /** Everything in the topic of sources. */
  readonly statements: readonly LogRecord[];
  readonly context: Omit<PricerContext, keyof InForce>;
  /** Requests that were in hand when an ingress died. */
  readonly lostInHand: number;
  /** Sources that are numbered still. Null where a journal was restored: of what came after its copy nobody can say anything. */
  readonly numbering: ReadonlySet<string> | null;
}

/** Empty when all is well. */
export function differences(evidence: Evidence): readonly string[] {
  const rows = evidence.usageEvents[0]?.rows ?? [];
  return [
    ...billed(evidence, rows),
    ...requested(evidence, rows),
    ...numbered(evidence, rows),
    ...announced(evidence, rows),
    ...stated(rows),
    ...unresolved(evidence, rows),
    ...rolledUp(evidence),
    ...replicated(evidence),
    ...replayed(evidence, rows),
    ...letters(evidence),
  ];
}

/** Each attempt of the bill is in the ledger exactly once, with the tokens that were billed when its end was seen. */
function* billed({ bill, views }: Evidence, rows: readonly LedgerRow[]): Generator<string> {
  const viewOf = new Map(views.map((view) => [view.attemptId, view]));
  const inLedger = Map.groupBy(
    rows.flatMap(({ priced }) => priced?.event.attempts.map((attempt) => ({ attempt, outcome: priced.event.outcome })) ?? []),
    ({ attempt }) => attempt.attemptId,
  );
  for (const { attemptId, inputTokens, outputTokens } of bill) {
    const view = viewOf.get(attemptId);
    const found = inLedger.get(attemptId) ?? [];
    // A power cut before the opening was on disk, and before the client had a byte, may take it away.
    const mayBeMissing = view?.ingressLost === 'power_cut' && !view.openingSafe;
    if (found.length !== 1 && !(found.length === 0 && mayBeMissing))
      yield `attempt ${attemptId} was billed once and is ${found.length} times in the ledger`;
    for (const { attempt, outcome } of found) {
      if (outcome === 'unresolved' && view?.sawEnd === true) yield `attempt ${attemptId} ended for its client and is unresolved`;
      if (outcome !== 'ok') continue;
      const { usage } = attempt;
      if (usage?.uncached_input !== inputTokens || usage.visible_output !== outputTokens)
        yield `attempt ${attemptId} has other tokens than its bill`;
    }
  }
}

/** One event for each request that was recorded, none that nobody made, and none lost but those that nothing had been done for. */
function* requested({ bill, views }: Evidence, rows: readonly LedgerRow[]): Generator<string> {
  const isBilled = new Set(bill.map(({ attemptId }) => attemptId));
  const outcomes = new Map(rows.map(({ priced }) => [priced?.event.attempts[0]?.attemptId ?? '', priced?.event.outcome]));
  const known = new Set(views.map(({ attemptId }) => attemptId));
  for (const [attemptId, outcome] of outcomes) {
    if (!known.has(attemptId)) yield `attempt ${attemptId} was never made`;
    if (outcome === 'ok' && !isBilled.has(attemptId)) yield `attempt ${attemptId} is ok and was not billed`;
  }
  for (const { attemptId, refused, openingSafe, ingressLost } of views) {
    if (refused && outcomes.has(attemptId)) yield `attempt ${attemptId} was refused unrecorded and is in the ledger`;
    if (!refused && !outcomes.has(attemptId) && (ingressLost === 'no' || openingSafe))
      yield `attempt ${attemptId} was opened and is not in the ledger`;
  }
  const events = new Set(rows.map(({ priced }) => priced?.event.eventId));
  if (events.size !== rows.length) yield `${rows.length} rows have ${events.size} event ids`;
}

/** Numbers run from 1 without a gap or a repeat, in each source and partition. */
function* numbered({ deadLetters }: Evidence, rows: readonly LedgerRow[]): Generator<string> {
  const refused = (deadLetters[0]?.rows ?? []).filter(({ source }) => !source.startsWith('@'));
  const lanes = Map.groupBy([...rows, ...refused], ({ source, logPartition }) => `${source}/${logPartition}`);
  for (const [lane, of] of lanes) {
    const numbers = of.map(({ sequence }) => sequence).toSorted((one, other) => one - other);
    const wrong = numbers.findIndex((number, index) => number !== index + 1);
    if (wrong >= 0) yield `lane ${lane} has ${numbers[wrong]} where ${wrong + 1} belongs`;
  }
}

/** Whatever a source has said that it gave is there: what is not announced yet is all that could be missing unseen, and of one that has ended nothing is. */
function* announced({ statements, deadLetters, numbering }: Evidence, rows: readonly LedgerRow[]): Generator<string> {
  const highest = new Map<string, number>();
  for (const { source, sequence, logPartition } of [...rows, ...(deadLetters[0]?.rows ?? [])]) {
    const lane = `${source}/${logPartition}`;
    highest.set(lane, Math.max(sequence, highest.get(lane) ?? 0));
  }
  const said = new Map<string, SourceState>();
  for (const { value } of statements) {
    const state = decodeSourceState(value ?? new Uint8Array());
    if (isRejected(state)) {
      yield `a source said what nobody can read: ${state.message}`;
      continue;
    }
    said.set(state.source, state);
    for (const [partition, last] of state.partitions) {
      const found = highest.get(`${state.source}/${partition}`) ?? 0;
      if (found < last) yield `${state.source} announced ${last} numbers in partition ${partition}, the ledger has ${found}`;
    }
  }
  for (const { source, sequence, logPartition } of rows) {
    const state = said.get(source);
    if (state === undefined) yield `${source} never announced itself`;
    if (state === undefined || numbering === null || numbering.has(source)) continue;
    if (!state.closed) yield `${source} has ended and never said so`;
    else if (sequence > (state.partitions.get(logPartition) ?? 0))
      yield `${source} has ended and never announced ${sequence} in partition ${logPartition}`;
  }
}

/** What is unknown is null with a reason, never 0; a price is that of the event's own time. */
function* stated(rows: readonly LedgerRow[]): Generator<string> {
  for (const { priced } of rows) {
    if (priced === null) continue;
    const { event, ratings, priceVersion } = priced;
    for (const { attemptId, usage, usageReason } of event.attempts) {
      if ((usage === null) === (usageReason === ''))
        yield `attempt ${attemptId} has usage ${usage === null ? 'null' : 'known'} and the reason '${usageReason}'`;
      if (usage?.uncached_input === 0) yield `attempt ${attemptId} has 0 input tokens`;
    }
    for (const [index, { cost, unpricedReason }] of ratings.entries()) {
      if ((cost === null) === (unpricedReason === ''))
        yield `rating ${index} of ${event.eventId} has cost ${cost} and the reason '${unpricedReason}'`;
      if (cost === null && event.attempts[index]?.usageSource === 'reported') yield `attempt ${index} of ${event.eventId} has no price`;
    }
    if (priceVersion !== PRICES.bookAt(event.occurredAtMs).version) yield `event ${event.eventId} has not the price of its time`;
  }
}

function* unresolved({ lostInHand }: Evidence, rows: readonly LedgerRow[]): Generator<string> {
  const count = rows.filter(({ priced }) => priced?.event.outcome === 'unresolved').length;
  if (count > lostInHand) yield `${count} events are unresolved, ${lostInHand} were in hand when an ingress died`;
  const lost = rows.find(({ priced }) => priced?.event.errorClass === 'journal_lost');
  if (lost !== undefined) yield `number ${lost.sequence} of ${lost.source}/${lost.logPartition} was lost by its journal`;
}

function* rolledUp({ usageEvents }: Evidence): Generator<string> {
  for (const table of usageEvents) {
    const sums = rollupOf(table.rows);
    const { rollup } = table;
    for (const name of ['events', 'inputTokens', 'outputTokens', 'costPicoUsd'] as const) {
      if (sums[name] !== rollup[name]) yield `the rollup has ${name} ${rollup[name]}, its rows ${sums[name]}`;
    }
  }
}

function* replicated({ usageEvents, deadLetters }: Evidence): Generator<string> {
  for (const replicas of [usageEvents, deadLetters]) {
    const [first, ...others] = replicas.map(({ rows }) =>
      rows
        .map(({ source, sequence, logPartition }) => `${source}/${logPartition}/${sequence}`)
        .toSorted()
        .join(' '),
    );
    for (const other of others) if (other !== first) yield 'the replicas differ';
  }
}

/** The log through the pricer's decision again, one record at a time: the same rows. A number always has the same bytes. */
function* replayed({ records, context }: Evidence, rows: readonly LedgerRow[]): Generator<string> {
  const inLedger = new Map(rows.map((row) => [`${row.source}/${row.logPartition}/${row.sequence}`, row]));
  const seen = new Map<string, Uint8Array>();
  for (const record of records) {
    const identity = readIdentity(record.headers);
    if (identity === null || record.value === null) continue;
    const key = `${identity.source}/${record.partition}/${identity.sequence}`;
    const before = seen.get(key);
    if (before !== undefined) {
      if (Buffer.compare(before, record.value) !== 0) yield `number ${key} was published with different bytes`;
      continue;
    }
    seen.set(key, record.value);
    const [decision] = decide([record], { ...context, prices: PRICES, agreed: NOTHING_AGREED });
    const decoded = decodeRecord(decision?.output.record.value ?? new Uint8Array());
    const row = inLedger.get(key)?.priced;
    if (isRejected(decoded) || decoded.kind !== 'priced') yield `number ${key} is not priced when it is replayed`;
    else if (row === null || row === undefined) yield `number ${key} is in the log and not in the ledger`;
    else if (fingerprint(decoded.priced) !== fingerprint(row)) yield `number ${key} is another row when it is replayed`;
  }
  for (const key of inLedger.keys()) if (!seen.has(key)) yield `number ${key} is in the ledger and not in the log`;
}

function fingerprint({ event, priceVersion, ratings }: PricedEvent): string {
  const tokens = event.attempts.map(
    ({ attemptId, usage, usageReason }) => `${attemptId} ${usage?.uncached_input} ${usage?.visible_output} ${usageReason}`,
  );
  return [
    event.eventId,
    event.outcome,
    event.occurredAtMs,
    event.recordedAtMs,
    priceVersion,
    ratings.map(({ cost }) => cost).join(),
    tokens.join(),
  ].join(' ');
}

/** Whatever cannot be read is one dead letter, however often it was read. */
function* letters({ records, deadLetters }: Evidence): Generator<string> {
  const found = Map.groupBy(deadLetters[0]?.rows ?? [], ({ source, sequence }) => `${source} ${sequence}`);
  let poisoned = 0;
  for (const { headers, topic, partition, offset } of records) {
    if (readIdentity(headers) !== null) continue;
    poisoned += 1;
    const count = found.get(`@${topic}/${partition} ${offset + 1}`)?.length ?? 0;
    if (count !== 1) yield `the unreadable record at ${topic}/${partition}/${offset} has ${count} dead letters`;
  }
  const all = deadLetters[0]?.rows.length ?? 0;
  if (all !== poisoned) yield `${poisoned} records are unreadable, and ${all} dead letters are there`;
}
