/** What is said of a lane, one source's numbers in one partition of the usage topics: how far it has landed in ClickHouse (topic `landed`), and how far it is
 *  numbered (topic `sources`). Values are JSON: few, small, and read by people as well. */
import { createHash } from 'node:crypto';
import { rejected, type Rejected } from '@tokenledger/domain';
import { z } from 'zod';
import { type StatementFacts, statementFactsSchema } from './statement-facts.ts';

/** Both ends included. */
export interface NumberRange {
  readonly from: number;
  readonly to: number;
}

/** What ClickHouse has of a lane, as events or as dead letters: read there, never concluded from what was sent. */
export interface LandedLane {
  readonly source: string;
  readonly partition: number;
  /** Every number up to here is there; 0 when the first one is not. */
  readonly through: number;
  /** The highest number that is there. */
  readonly highest: number;
  /** What is missing between the two, ascending and disjoint; the lowest ranges only, where there are very many. */
  readonly missing: readonly NumberRange[];
  /** When it was read. Milliseconds since the epoch. */
  readonly atMs: number;
}

/** What a source says of itself. */
export interface SourceState {
  readonly source: string;
  /** Host and process that numbers it. */
  readonly instance: string;
  /** Milliseconds since the epoch. */
  readonly openedAtMs: number;
  readonly atMs: number;
  /** No number follows any more. */
  readonly closed: boolean;
  /** Requests that have no number yet. */
  readonly openRequests: number;
  /** By partition: the highest number that is safe in the journal. */
  readonly partitions: ReadonlyMap<number, number>;
  /** Who closed it in place of its ingress, whose journal is lost, and why; null when nobody did. */
  readonly closedBy: SourceClosing | null;
  /** Of a source that is a statement. */
  readonly statement?: StatementFacts;
}

export interface SourceClosing {
  readonly by: string;
  readonly note: string;
}

const count = z.int().min(0);
const name = z.string().min(1).max(200);
const range = z.tuple([count, count]).refine(([from, to]) => from <= to, { message: 'a range begins where it ends or before' });

const landedSchema = z
  .object({ source: name, partition: count, through: count, highest: count, missing: z.array(range), at_ms: count })
  .refine(({ through, highest }) => through <= highest, { message: 'nothing is there above the highest number' });

const sourceSchema = z.object({
  source: name,
  instance: z.string().max(500),
  opened_at_ms: count,
  at_ms: count,
  closed: z.boolean(),
  open_requests: count,
  partitions: z.record(z.string().regex(/^\d{1,6}$/), count),
  closed_by: z.object({ by: name, note: z.string().max(500) }).optional(),
  statement: statementFactsSchema.optional(),
});

/** Key of a record of `landed`. */
export function laneKey(source: string, partition: number): string {
  return `${source}/${partition}`;
}

/** Where the topic `sources` keeps what a source says. */
export function sourcePartition(source: string, partitions: number): number {
  return createHash('sha256').update(source).digest().readUInt32BE(0) % partitions;
}

/** The source that a key of `landed` names. */
export function laneSource(key: string): string {
  return key.slice(0, Math.max(0, key.lastIndexOf('/')));
}

export function encodeLandedLane({ source, partition, through, highest, missing, atMs }: LandedLane): Buffer {
  return json({ source, partition, through, highest, missing: missing.map(({ from, to }) => [from, to]), at_ms: atMs });
}

/** Rejects `UNDECODABLE`. */
export function decodeLandedLane(value: Uint8Array): LandedLane | Rejected {
  const parsed = parse(landedSchema, value);
  if ('kind' in parsed) return parsed;
  const { at_ms: atMs, missing, ...lane } = parsed.value;
  return { ...lane, missing: missing.map(([from, to]) => ({ from, to })), atMs };
}

export function encodeSourceState(state: SourceState): Buffer {
  const { source, instance, openedAtMs, atMs, closed, openRequests, partitions, closedBy, statement } = state;
  return json({
    source,
    instance,
    opened_at_ms: openedAtMs,
    at_ms: atMs,
    closed,
    open_requests: openRequests,
    partitions: Object.fromEntries(partitions),
    ...(closedBy === null ? {} : { closed_by: closedBy }),
    ...(statement === undefined ? {} : { statement }),
  });
}

/** Rejects `UNDECODABLE`. */
export function decodeSourceState(value: Uint8Array): SourceState | Rejected {
  const parsed = parse(sourceSchema, value);
  if ('kind' in parsed) return parsed;
  const { source, instance, opened_at_ms: openedAtMs, at_ms: atMs, closed, open_requests: openRequests, ...rest } = parsed.value;
  const partitions = new Map(Object.entries(rest.partitions).map(([partition, last]) => [Number(partition), last]));
  const { closed_by: closedBy = null, statement } = rest;
  const state = { source, instance, openedAtMs, atMs, closed, openRequests, partitions, closedBy };
  return statement === undefined ? state : { ...state, statement };
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function parse<Value>(schema: z.ZodType<Value>, bytes: Uint8Array): { readonly value: Value } | Rejected {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch (error) {
    return rejected('UNDECODABLE', `not JSON: ${String(error)}`);
  }
  const parsed = schema.safeParse(value);
  return parsed.success ? { value: parsed.data } : rejected('UNDECODABLE', z.prettifyError(parsed.error));
}
