/** What the log says of the sources that a journal holds: how far their numbers were given, and how far they have landed in ClickHouse. */
import { isRejected, type Rejected } from '@tokenledger/domain';
import { type EventLog, openTable, type Pacing, type ShapeObserver, type Topics } from '@tokenledger/event-log';
import { decodeLandedLane, decodeSourceState, laneKey, type LandedLane, laneSource, type SourceState } from '@tokenledger/schemas';

export interface KnownLanesOptions {
  readonly log: EventLog;
  readonly topics: Pick<Topics, 'landed' | 'sources'>;
  /** Others are read over. */
  readonly sources: ReadonlySet<string>;
  readonly observer?: ShapeObserver;
  readonly pacing?: Pacing;
}

export interface KnownLanes {
  /** What the earlier sources said of themselves before this start. */
  readonly states: ReadonlyMap<string, SourceState>;
  /** By partition: the highest number of a source that was given, as far as the log knew before this start. */
  assigned(source: string): ReadonlyMap<number, number>;
  landed(source: string, partition: number): LandedLane | undefined;
  /** Also what lands of this source is to be known from now on: one that is numbered elsewhere, and written here. */
  follow(source: string, partition: number): void;
  /** Those that were followed, with their partitions. */
  readonly followed: ReadonlyMap<string, number>;
  forget(source: string): void;
  /** Called with each change from now on. */
  onLanded(listener: (lane: LandedLane) => void): void;
  /** Rejects when changes are not followed any more. */
  readonly failed: Promise<never>;
  close(): Promise<void>;
}

/** Resolves once both topics are read to their ends. Throws `TOPIC_MISSING`, and what the log throws. */
export async function followKnownLanes({ log, topics, sources, observer = {}, pacing }: KnownLanesOptions): Promise<KnownLanes> {
  const reading = { log, observer, ...(pacing === undefined ? {} : { pacing }) };
  let listener: (lane: LandedLane) => void = () => undefined;
  const followed = new Map<string, number>();
  const statements = await openTable<SourceState>({
    ...reading,
    topic: topics.sources,
    decode: (key, value) => (sources.has(key) ? readable<SourceState>(decodeSourceState(value)) : undefined),
  });
  // Nobody else numbers events of these sources: what stands there now is all there is.
  const states = new Map(statements.entries());
  await statements.close();
  const lanes = await openTable<LandedLane>({
    ...reading,
    topic: topics.landed,
    decode: (key, value) => {
      const source = laneSource(key);
      return sources.has(source) || followed.has(source) ? readable<LandedLane>(decodeLandedLane(value)) : undefined;
    },
    onChange: (_key, lane) => {
      if (lane !== undefined) listener(lane);
    },
  });
  return {
    states,
    assigned(source) {
      const highest = new Map(states.get(source)?.partitions);
      for (const [, lane] of lanes.entries()) {
        if (lane.source === source) highest.set(lane.partition, Math.max(lane.highest, highest.get(lane.partition) ?? 0));
      }
      return highest;
    },
    landed: (source, partition) => lanes.get(laneKey(source, partition)),
    follow: (source, partition) => void followed.set(source, partition),
    followed,
    forget: (source) => void followed.delete(source),
    onLanded: (next) => (listener = next),
    failed: lanes.failed,
    close: () => lanes.close(),
  };
}

/** What a newer version wrote and this one cannot read says nothing: at worst, something is sent again. */
function readable<Value>(decoded: Value | Rejected): Value | undefined {
  return isRejected(decoded) ? undefined : decoded;
}
