/** Holds the ledger against the provider's bill and against what clients saw. Pure: everything was read before. */
import { type BillLine, CLASS_NAMES, type ClassName } from '@tokenledger/provider-simulator';
import type { ClientRequest } from './load.ts';

/** One row of the ledger. */
export interface LedgerRow {
  readonly event_id: string;
  readonly task_id: string;
  readonly source: string;
  readonly log_partition: number;
  readonly sequence: number;
  readonly outcome: string;
  readonly attempts: readonly LedgerAttempt[];
}

export interface LedgerAttempt {
  readonly attempt_id: string;
  readonly usage_source: string;
  readonly usage: Readonly<Record<ClassName, number | null>>;
}

/** One source in one partition, counted from the rows. */
export interface Lane {
  readonly source: string;
  readonly log_partition: number;
  readonly last: number;
  readonly rows: number;
  readonly distinct: number;
}

/** A row of `completeness` that should not be there. */
export interface Incomplete {
  readonly source: string;
  readonly log_partition: number;
  readonly missing: string;
  readonly repeats: string;
  readonly missing_ranges: string;
}

/** The same sums, from the rows and from a view over a rollup. */
export interface RollupSums {
  readonly view: string;
  readonly base: Readonly<Record<string, string>>;
  readonly sums: Readonly<Record<string, string>>;
}

export interface Evidence {
  readonly bill: readonly BillLine[];
  readonly rows: readonly LedgerRow[];
  /** Undefined where requests had no clients of ours. */
  readonly clients: readonly ClientRequest[] | undefined;
  readonly lanes: readonly Lane[];
  readonly incomplete: readonly Incomplete[];
  readonly rollups: readonly RollupSums[];
  /** The most `unresolved` events that the kills can explain. */
  readonly unresolvedMax: number;
  readonly deadLetters: number;
}

export interface Difference {
  /** What is about: a request, an attempt, a source or a view. */
  readonly of: string;
  readonly what: string;
  readonly seen: unknown;
}

/** Outcomes of requests that were never forwarded. */
const REFUSED = /^refused_/;
/** Outcomes of attempts that may have ended before the provider had the request. */
const PERHAPS_UNFORWARDED: ReadonlySet<string> = new Set(['unresolved', 'client_aborted', 'upstream_error', 'timed_out']);
const ANSWERED_OK = 200;

/** Every difference that there is, the first requests first. */
export function verdict(evidence: Evidence): readonly Difference[] {
  return [
    ...inAttempts(evidence),
    ...inRequests(evidence),
    ...inNumbers(evidence),
    ...inUnresolved(evidence),
    ...inRollups(evidence),
    ...(evidence.deadLetters === 0 ? [] : [{ of: 'dead_letters', what: 'nothing was to be rejected', seen: evidence.deadLetters }]),
  ];
}

function inAttempts({ bill, rows }: Evidence): readonly Difference[] {
  const differences: Difference[] = [];
  const billed = new Map<string, BillLine>();
  for (const line of bill) {
    if (billed.has(line.request_id)) differences.push({ of: line.request_id, what: 'the provider was sent the attempt twice', seen: line });
    billed.set(line.request_id, line);
  }
  const seen = new Map<string, LedgerRow>();
  for (const row of rows) {
    for (const attempt of row.attempts) {
      const other = seen.get(attempt.attempt_id);
      if (other !== undefined) differences.push({ of: attempt.attempt_id, what: 'the attempt is in the ledger twice', seen: [other, row] });
      seen.set(attempt.attempt_id, row);
      const line = billed.get(attempt.attempt_id);
      if (line === undefined) {
        if (!PERHAPS_UNFORWARDED.has(row.outcome))
          differences.push({ of: attempt.attempt_id, what: 'the provider knows no such attempt', seen: row });
      } else differences.push(...inTokens(row, attempt, line));
    }
    if (REFUSED.test(row.outcome) && row.attempts.length > 0) {
      differences.push({ of: row.task_id, what: 'a refused request has an attempt', seen: row });
    }
  }
  for (const line of bill) {
    if (!seen.has(line.request_id))
      differences.push({ of: line.request_id, what: 'the attempt is billed and not in the ledger', seen: line });
  }
  return differences;
}

function inTokens(row: LedgerRow, attempt: LedgerAttempt, line: BillLine): readonly Difference[] {
  if (row.outcome === 'ok' && attempt.usage_source !== 'reported') {
    return [{ of: attempt.attempt_id, what: 'the provider reported usage and the ledger has none from it', seen: { row, line } }];
  }
  if (attempt.usage_source !== 'reported' || line.classes === null) return [];
  const { classes } = line;
  const wrong = CLASS_NAMES.filter((name) => (attempt.usage[name] ?? 0) !== classes[name]);
  return wrong.length === 0 ? [] : [{ of: attempt.attempt_id, what: `tokens differ: ${wrong.join(', ')}`, seen: { row, line } }];
}

function inRequests({ clients, rows }: Evidence): readonly Difference[] {
  if (clients === undefined) return [];
  const byTask = Map.groupBy(rows, ({ task_id: task }) => task);
  return clients.flatMap((client): readonly Difference[] => {
    const found = byTask.get(client.id) ?? [];
    const differs = (what: string): readonly Difference[] => [{ of: client.id, what, seen: { client, rows: found } }];
    if (found.length > 1) return differs('a request has more than one event');
    const outcome = found[0]?.outcome;
    switch (client.ended.kind) {
      case 'answered':
        if (!client.ended.recorded) return outcome === undefined ? [] : differs('a request that could not be recorded has an event');
        if (outcome === undefined) return differs('an answered request has no event');
        if (outcome === 'unresolved') return differs('an answered request is unresolved');
        return client.ended.status === ANSWERED_OK && outcome !== 'ok' ? differs('an answered request is not ok') : [];
      case 'unsent':
        return outcome === undefined ? [] : differs('a request that was never sent has an event');
      case 'broken':
      case 'left':
        return [];
    }
  });
}

function inNumbers({ rows, lanes, incomplete }: Evidence): readonly Difference[] {
  const events = Map.groupBy(rows, ({ event_id: id }) => id);
  return [
    ...[...events].filter(([, same]) => same.length > 1).map(([id, same]) => ({ of: id, what: 'an event is there twice', seen: same })),
    ...lanes
      .filter(({ last, rows: count, distinct }) => last !== distinct || count !== distinct)
      .map((lane) => ({
        of: `${lane.source} in partition ${lane.log_partition}`,
        what: lane.last === lane.distinct ? 'numbers are repeated' : 'numbers are missing',
        seen: lane,
      })),
    ...incomplete.map((lane) => ({
      of: `${lane.source} in partition ${lane.log_partition}`,
      what: 'the view completeness shows a difference',
      seen: lane,
    })),
  ];
}

function inUnresolved({ rows, unresolvedMax }: Evidence): readonly Difference[] {
  const unresolved = rows.filter(({ outcome }) => outcome === 'unresolved').length;
  return unresolved <= unresolvedMax
    ? []
    : [{ of: 'unresolved', what: 'there are more than were in flight when an ingress was killed', seen: { unresolved, unresolvedMax } }];
}

function inRollups({ rollups }: Evidence): readonly Difference[] {
  return rollups.flatMap(({ view, base, sums }) =>
    Object.keys(base)
      .filter((name) => base[name] !== sums[name])
      .map((name) => ({ of: view, what: `${name} differs from the sum of the rows`, seen: { base: base[name], view: sums[name] } })),
  );
}
