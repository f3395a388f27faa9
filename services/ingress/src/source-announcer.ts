/** Says on the topic `sources` how far this process's source is numbered, so that a number that never arrives is missed. */
import { type Pacing, type Producer, systemPacing } from '@tokenledger/event-log';
import type { Journal } from '@tokenledger/journal';
import { encodeSourceState, sourcePartition, type SourceState } from '@tokenledger/schemas';
import { append } from './sending.ts';

export interface SourceAnnouncerOptions {
  readonly journal: Journal;
  readonly producer: Producer;
  readonly topic: string;
  /** Of the topic. */
  readonly partitions: number;
  readonly instance: string;
  /** Sources that are numbered elsewhere say nothing of themselves: their last number tells that it is the last. */
  readonly isForeign: (source: string) => boolean;
  /** What earlier sources of this journal said last. */
  readonly earlier: ReadonlyMap<string, SourceState>;
  /** How often it says what has changed, and how often that nothing has. */
  readonly everyMs: number;
  readonly idleMs: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly pacing?: Pacing;
  /** It is tried again. */
  readonly onFailure: (error: unknown) => void;
}

export interface SourceAnnouncer {
  /** Whether the log has what is final of this source, if it is an earlier one: nobody can say it any more once the journal has let go of that. */
  isFinal(source: string): boolean;
  /** Says what is final, once; call it when the journal takes nothing any more. A failure is told to `onFailure`. */
  close(): Promise<void>;
}

/** Call it before anything of the journal is let go. */
export function startSourceAnnouncer(options: SourceAnnouncerOptions): SourceAnnouncer {
  const { journal, pacing = systemPacing } = options;
  const openedAtMs = options.now();
  const closed = new AbortController();
  /** Earlier sources of which the log does not have what is final. */
  const ended = new Map(endedSources());
  let said = '';
  let saidAtMs = 0;
  const running = run();

  async function run(): Promise<void> {
    while (!closed.signal.aborted) {
      for (const state of ended.values()) if (await say(state)) ended.delete(state.source);
      const state = own(false);
      const { atMs: _, ...content } = state;
      const text = JSON.stringify({ ...content, partitions: [...content.partitions] });
      if ((text !== said || pacing.nowMs() - saidAtMs >= options.idleMs) && (await say(state))) {
        said = text;
        saidAtMs = pacing.nowMs();
      }
      await pacing.wait(options.everyMs, closed.signal);
    }
  }

  /** Only numbers that are safe are told: one that a crash could take back would be missed for ever. */
  function own(isOver: boolean): SourceState {
    const lanes = journal.lanes().filter(({ source, synced }) => source === journal.source && synced > 0);
    const { open } = journal.fill();
    return {
      source: journal.source,
      instance: options.instance,
      openedAtMs,
      atMs: options.now(),
      closed: isOver && open === 0,
      openRequests: open,
      partitions: new Map(lanes.map(({ partition, synced }) => [partition, synced])),
      closedBy: null,
    };
  }

  /** Recovery has given their last numbers. */
  function endedSources(): readonly (readonly [string, SourceState])[] {
    const sources = new Set(journal.lanes().flatMap(({ source }) => (options.isForeign(source) ? [] : [source])));
    sources.delete(journal.source);
    return [...sources].flatMap((source) => {
      const before = options.earlier.get(source);
      const partitions = new Map(before?.partitions);
      const lanes = journal.lanes().filter((lane) => lane.source === source && lane.last > 0);
      // What was said by the source itself, or by an operator in its place, stays as it is.
      if (before?.closed === true && lanes.every(({ partition, last }) => partitions.get(partition) === last)) return [];
      for (const { partition, last } of lanes) partitions.set(partition, last);
      const { instance, openedAtMs: opened } = before ?? { instance: options.instance, openedAtMs };
      const state = {
        source,
        instance,
        openedAtMs: opened,
        atMs: options.now(),
        closed: true,
        openRequests: 0,
        partitions,
        closedBy: null,
      };
      return [[source, state] as const];
    });
  }

  async function say(state: SourceState): Promise<boolean> {
    const record = { key: state.source, value: encodeSourceState(state) };
    const failure = await append(options.producer, options.topic, sourcePartition(state.source, options.partitions), [record]);
    if (failure !== undefined) options.onFailure(failure);
    return failure === undefined;
  }

  return {
    isFinal: (source) => !ended.has(source),
    async close() {
      closed.abort();
      await running;
      await say(own(true));
    },
  };
}
