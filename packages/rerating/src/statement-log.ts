/** What the log says of statements: which are fixed, and which of these are not known to be posted whole. Pure.
 *
 *  | record           | says                                                                                             |
 *  | ---------------- | ------------------------------------------------------------------------------------------------ |
 *  | `claim/SOURCE`   | somebody begins a statement; whoever claimed before fixes none any more                          |
 *  | `fixed/SOURCE`   | its lines are in the log, all of them, and are posted whatever happens. Holds when no other claim stands between its own and it |
 *  | `settled/SOURCE` | it was posted and has landed, or its lines were dropped                                          |
 *
 *  What somebody computes from the ledger is right only while nobody else corrects the same rows: that is what claims are for. None of these records is ever
 *  deleted, so that whoever reads them later judges alike. */
import { rejected, type Rejected, isRejected } from '@tokenledger/domain';
import { type StatementFacts, statementFactsSchema } from '@tokenledger/schemas';
import { z } from 'zod';
import { bigintsAsText, type Differences, differencesSchema } from './differences.ts';

/** Where the lines of a partition of the usage topics stand in the log. */
export interface FixedLane {
  readonly partition: number;
  /** Partition of the topic of lines: it may have fewer than the usage topics have grown to. */
  readonly linesPartition: number;
  readonly lines: number;
  readonly chunks: number;
  /** Offsets of the first chunk, and after the last. */
  readonly from: number;
  readonly to: number;
}

export interface FixedStatement {
  readonly source: string;
  /** Milliseconds since the epoch: from then on it is believed. */
  readonly recordedAtMs: number;
  readonly lanes: readonly FixedLane[];
  readonly facts: StatementFacts;
  /** What a re-rating found, shortened; null of others. */
  readonly found: Differences | null;
}

export interface StatementClaim {
  readonly source: string;
  /** By partition of the topic of lines: where its end was before the first line. */
  readonly ends: readonly number[];
}

/** Begun and not settled: to be posted, or dropped. */
export type OpenStatement =
  | { readonly kind: 'fixed'; readonly statement: FixedStatement }
  | { readonly kind: 'dropped'; readonly claim: StatementClaim };

export interface StatementLog {
  /** In the order of the log. Rejects `STATEMENT_UNREADABLE`. */
  take(record: { readonly key: string | null; readonly value: Uint8Array | null }): Rejected | null;
  /** Whose claim is the newest; `''` before the first. */
  readonly newest: string;
  /** All but that of the newest claim while nothing is fixed of it, the oldest first. */
  open(): readonly OpenStatement[];
  /** Whether this is fixed, and holds. */
  isFixed(source: string): boolean;
}

const count = z.int().min(0);
const claimSchema = z.object({ ends: z.array(count) });
const fixedSchema = z.object({
  recorded_at_ms: count,
  lanes: z.array(z.object({ partition: count, lines_partition: count, lines: count, chunks: count, from: count, to: count })),
  facts: statementFactsSchema,
  found: differencesSchema.nullable().default(null),
});

export const claimKey = (source: string): string => `claim/${source}`;
export const fixedKey = (source: string): string => `fixed/${source}`;
export const settledKey = (source: string): string => `settled/${source}`;

export function encodeClaim({ ends }: StatementClaim): Buffer {
  return Buffer.from(JSON.stringify({ ends }));
}

export function encodeFixed({ recordedAtMs, lanes, facts, found }: FixedStatement): Buffer {
  const rows = lanes.map(({ linesPartition, ...lane }) => ({ ...lane, lines_partition: linesPartition }));
  return Buffer.from(JSON.stringify({ recorded_at_ms: recordedAtMs, lanes: rows, facts, found }, bigintsAsText));
}

export function statementLog(): StatementLog {
  const claims = new Map<string, StatementClaim>();
  const fixed = new Map<string, FixedStatement>();
  const settled = new Set<string>();
  let newest = '';
  return {
    take({ key, value }) {
      const slash = key?.indexOf('/') ?? -1;
      if (key === null || value === null || slash < 0) return null;
      const [kind, source] = [key.slice(0, slash), key.slice(slash + 1)];
      if (kind === 'claim') {
        const claim = parsed(claimSchema, value, key);
        if (isRejected(claim)) return claim;
        claims.set(source, { source, ends: claim.ends });
        newest = source;
      } else if (kind === 'fixed' && newest === source) {
        const statement = parsed(fixedSchema, value, key);
        if (isRejected(statement)) return statement;
        const lanes = statement.lanes.map(({ lines_partition: linesPartition, ...lane }) => ({ ...lane, linesPartition }));
        fixed.set(source, { source, recordedAtMs: statement.recorded_at_ms, lanes, facts: statement.facts, found: statement.found });
      } else if (kind === 'settled') settled.add(source);
      return null;
    },
    get newest() {
      return newest;
    },
    open() {
      const open: OpenStatement[] = [];
      for (const claim of claims.values()) {
        if (settled.has(claim.source)) continue;
        const statement = fixed.get(claim.source);
        if (statement !== undefined) open.push({ kind: 'fixed', statement });
        else if (claim.source !== newest) open.push({ kind: 'dropped', claim });
      }
      return open;
    },
    isFixed: (source) => fixed.has(source),
  };
}

function parsed<Value>(schema: z.ZodType<Value>, bytes: Uint8Array, key: string): Value | Rejected {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch (error) {
    return rejected('STATEMENT_UNREADABLE', `${key} is no JSON: ${String(error)}`);
  }
  const found = schema.safeParse(value);
  return found.success ? found.data : rejected('STATEMENT_UNREADABLE', `${key}: ${z.prettifyError(found.error)}`);
}
