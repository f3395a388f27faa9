/** Which numbers of a lane are sent again, and when. Pure.
 *
 *  A number that is missing in ClickHouse was either lost, or is still on its way. The log keeps what it is sent in order, so the way is known to be
 *  empty once a number has landed that was given after the last send. Until then nothing is sent again: a pipeline that is slow would be made slower.
 *
 *  | a missing number …          | landed has passed what was given by its last send | numbers were given since | it is                               |
 *  | --------------------------- | ------------------------------------------------- | ------------------------ | ----------------------------------- |
 *  | is missed for the first time | –                                                | –                        | taken for sent when the log took it |
 *  | was sent                    | yes                                               | –                        | sent again                          |
 *  | was sent                    | no                                                | yes                      | waited for                          |
 *  | was sent                    | no                                                | no, for a while          | sent again, each time later         |
 *  | has landed                  | –                                                 | –                        | forgotten                           |
 *
 *  The last row but one is for a lane that nobody uses any more: no number would ever pass. The same goes for the end of a lane, which nothing shows to be
 *  missing: of it, only the last number is sent again, and once that has landed the rest is missing like any other.
 *
 *  An earlier source gets no new numbers. What is given and lands meanwhile is seen in the lane of the present one in the same partition. */
import type { NumberRange } from '@tokenledger/schemas';

/** A range that was sent, or is taken for sent. */
export interface SentRange extends NumberRange {
  /** The highest number of the present source in this partition when it was sent. */
  readonly givenThrough: number;
  readonly atMs: number;
  /** How often it was sent again. */
  readonly again: number;
}

/** At some moment the log had acknowledged so many numbers of a lane, and so many were given. */
export interface SendMark {
  readonly acknowledged: number;
  readonly given: number;
}

/** What is missing of one lane: ascending and disjoint. */
export type LaneMemory = readonly SentRange[];

export interface LaneView {
  readonly missing: readonly NumberRange[];
  /** Highest number that has landed. */
  readonly highest: number;
  /** The log has acknowledged every number up to here; what is above it is on its way there anyway. */
  readonly acknowledged: number;
  /** Of the present source in this partition: the highest number that was given, and the highest that has landed. */
  readonly given: number;
  readonly passed: number;
  /** When numbers of this lane were first sent, ascending; where marks are missing, a later one says enough. */
  readonly marks: readonly SendMark[];
}

export interface RepublicationLimits {
  readonly nowMs: number;
  /** How long nothing may be given before what is missing is sent again all the same; doubles each time. */
  readonly quietMs: number;
}

const QUIET_DOUBLINGS_MAX = 7;

export function republication(memory: LaneMemory, view: LaneView, limits: RepublicationLimits): LaneMemory {
  return wanted(view).flatMap((range) =>
    overlaid(range, memory, { givenThrough: givenAtFirstSend(view, range.to), atMs: limits.nowMs, again: 0 }),
  );
}

/** Marks with one for this moment. What has landed needs none, and beyond `max` the oldest go: for their numbers the next one says enough. */
export function marked(marks: readonly SendMark[], now: SendMark, landedThrough: number, max: number): readonly SendMark[] {
  const isNew = now.acknowledged > (marks.at(-1)?.acknowledged ?? 0);
  const kept = marks.filter(({ acknowledged }) => acknowledged > landedThrough);
  return isNew && now.acknowledged > landedThrough ? [...kept, now].slice(-max) : kept;
}

function givenAtFirstSend({ marks, given }: LaneView, number: number): number {
  return marks.find(({ acknowledged }) => acknowledged >= number)?.given ?? given;
}

export function isDue(
  { givenThrough, atMs, again }: SentRange,
  { given, passed }: LaneView,
  { nowMs, quietMs }: RepublicationLimits,
): boolean {
  if (passed > givenThrough) return true;
  return given === givenThrough && nowMs - atMs >= quietMs * 2 ** Math.min(again, QUIET_DOUBLINGS_MAX);
}

/** `range` was sent: the log has acknowledged it, when `given` numbers were given. */
export function sentAgain(memory: LaneMemory, range: NumberRange, given: number, nowMs: number): LaneMemory {
  return memory.flatMap((sent) => {
    const inside = intersection(sent, range);
    if (inside === null) return [sent];
    const again: SentRange = { ...inside, givenThrough: given, atMs: nowMs, again: sent.again + 1 };
    return [{ ...sent, to: inside.from - 1 }, again, { ...sent, from: inside.to + 1 }].filter(({ from, to }) => from <= to);
  });
}

/** What landed shows to be missing, as far as the log was sent it; and the last number of an end that has not landed. */
function wanted({ missing, highest, acknowledged }: LaneView): readonly NumberRange[] {
  const ranges = missing.flatMap(({ from, to }) => (from > acknowledged ? [] : [{ from, to: Math.min(to, acknowledged) }]));
  return acknowledged > highest ? [...ranges, { from: acknowledged, to: acknowledged }] : ranges;
}

/** `range`, cut where memory knows parts of it; the rest is new. */
function overlaid(range: NumberRange, memory: LaneMemory, fresh: Omit<SentRange, keyof NumberRange>): readonly SentRange[] {
  const parts: SentRange[] = [];
  let next = range.from;
  for (const sent of memory) {
    const inside = intersection(sent, range);
    if (inside === null) continue;
    if (next < inside.from) parts.push({ from: next, to: inside.from - 1, ...fresh });
    parts.push({ ...sent, ...inside });
    next = inside.to + 1;
  }
  if (next <= range.to) parts.push({ from: next, to: range.to, ...fresh });
  return parts;
}

function intersection(one: NumberRange, other: NumberRange): NumberRange | null {
  const from = Math.max(one.from, other.from);
  const to = Math.min(one.to, other.to);
  return from <= to ? { from, to } : null;
}
