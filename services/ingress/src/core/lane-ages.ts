/** How far the log and ClickHouse are behind what was recorded, in events and in time. Knows when numbers were given from looking at the lanes again and
 *  again: an age is at most one look too high. Pure; times are monotonic milliseconds. */
import type { LaneState } from '@tokenledger/journal';

export interface Behind {
  readonly events: number;
  /** Age of the oldest of them; 0 when there is none. */
  readonly oldestMs: number;
}

interface Mark {
  /** Numbers up to this one… */
  readonly through: number;
  /** …were given after this time. */
  readonly atMs: number;
}

type SeenLane = Pick<LaneState, 'acknowledged' | 'landed' | 'last'>;

/** Beyond it neighbours become one, with the older's time. */
const MARKS_MAX = 1_024;

export class LaneAges {
  readonly #marks = new Map<string, Mark[]>();
  #lanes: readonly (SeenLane & { readonly marks: readonly Mark[] })[] = [];
  #lookedAtMs: number | undefined;

  look(lanes: readonly LaneState[], nowMs: number): void {
    const names = new Set<string>();
    this.#lanes = lanes.map(({ source, partition, acknowledged, landed, last }) => {
      const name = `${source}/${partition}`;
      names.add(name);
      let marks = this.#marks.get(name) ?? [];
      if (last > (marks.at(-1)?.through ?? landed)) marks.push({ through: last, atMs: this.#lookedAtMs ?? nowMs });
      const firstHeld = marks.findIndex(({ through }) => through > landed);
      marks = firstHeld < 0 ? [] : marks.slice(firstHeld);
      if (marks.length > MARKS_MAX) marks = thinned(marks);
      this.#marks.set(name, marks);
      return { acknowledged, landed, last, marks };
    });
    for (const name of this.#marks.keys()) if (!names.has(name)) this.#marks.delete(name);
    this.#lookedAtMs = nowMs;
  }

  /** Not acknowledged by the log. */
  unpublished(nowMs: number): Behind {
    return this.#behind(nowMs, ({ acknowledged }) => acknowledged);
  }

  /** Not seen in ClickHouse. */
  unlanded(nowMs: number): Behind {
    return this.#behind(nowMs, ({ landed }) => landed);
  }

  #behind(nowMs: number, done: (lane: SeenLane) => number): Behind {
    let events = 0;
    let oldestMs = 0;
    for (const lane of this.#lanes) {
      const through = done(lane);
      events += lane.last - through;
      const oldest = lane.marks.find((mark) => mark.through > through);
      if (oldest !== undefined) oldestMs = Math.max(oldestMs, nowMs - oldest.atMs);
    }
    return { events, oldestMs };
  }
}

/** Half as many. */
function thinned(marks: readonly Mark[]): Mark[] {
  const kept: Mark[] = [];
  for (let index = 0; index < marks.length; index += 2) {
    const older = marks[index] as Mark;
    kept.push({ through: (marks[index + 1] ?? older).through, atMs: older.atMs });
  }
  return kept;
}
