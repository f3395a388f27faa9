/** Sends closed events to the log: in sequence order, one send in flight per partition, again until the log has them. */
import { type Pacing, type Producer, systemPacing } from '@tokenledger/event-log';
import type { Journal } from '@tokenledger/journal';
import { append, recordOf } from './sending.ts';

export interface PublisherOptions {
  readonly journal: Journal;
  readonly producer: Producer;
  readonly topic: string;
  readonly batchMax: number;
  readonly lingerMs: number;
  readonly retryMsMax: number;
  readonly pacing?: Pacing;
  readonly onPublished: (count: number) => void;
  /** Called once per failed send; the send is tried again. */
  readonly onFailure: (error: unknown) => void;
}

export interface Publisher {
  /** False while the last send failed. */
  readonly healthy: boolean;
  /** Sends what is left at once. Resolves with the number of events that could not be sent within the time. */
  drain(timeoutMs: number): Promise<number>;
}

const RETRY_MS_MIN = 10;
const RETRY_DOUBLINGS_MAX = 20;

/** One source's entries of one partition. */
interface Lane {
  readonly source: string;
  readonly partition: number;
  /** The wait before the next send; undefined when there is none. */
  waiting: AbortController | undefined;
  sending: boolean;
  failures: number;
}

export function startPublisher(options: PublisherOptions): Publisher {
  const { journal, producer, topic, pacing = systemPacing } = options;
  const lanes = new Map<string, Lane>();
  let lingerMs = options.lingerMs;
  let emptied: (() => void) | undefined;
  /** After the drain: what is left then is not sent any more. */
  let over = false;

  const laneOf = (source: string, partition: number): Lane => {
    const key = `${source}/${partition}`;
    let lane = lanes.get(key);
    if (lane === undefined) {
      lane = { source, partition, waiting: undefined, sending: false, failures: 0 };
      lanes.set(key, lane);
    }
    return lane;
  };

  const schedule = (lane: Lane, delayMs: number): void => {
    if (over || lane.sending || lane.waiting !== undefined) return;
    const waiting = (lane.waiting = new AbortController());
    void pacing.wait(delayMs, waiting.signal).then(() => {
      if (waiting.signal.aborted) return undefined;
      lane.waiting = undefined;
      return send(lane);
    });
  };

  const cancel = (lane: Lane): void => {
    lane.waiting?.abort();
    lane.waiting = undefined;
  };

  const send = async (lane: Lane): Promise<void> => {
    const batch = journal.pending(lane.source, lane.partition, options.batchMax);
    const last = batch.at(-1);
    if (last === undefined) return;
    lane.sending = true;
    const failure = await append(producer, topic, lane.partition, batch.map(recordOf));
    lane.sending = false;
    if (failure === undefined) {
      lane.failures = 0;
      journal.acknowledged(lane.source, lane.partition, last.sequence);
      options.onPublished(batch.length);
    } else {
      lane.failures += 1;
      options.onFailure(failure);
    }
    if (journal.pending(lane.source, lane.partition, 1).length === 0) {
      // A source that is numbered elsewhere may never come again.
      if (lane.source !== journal.source && lane.failures === 0 && lane.waiting === undefined)
        lanes.delete(`${lane.source}/${lane.partition}`);
      emptied?.();
    } else schedule(lane, pauseMs(lane.failures, batch.length));
  };

  const pauseMs = (failures: number, sent: number): number => {
    if (failures > 0) return Math.min(options.retryMsMax, RETRY_MS_MIN * 2 ** Math.min(failures, RETRY_DOUBLINGS_MAX));
    return sent === options.batchMax ? 0 : lingerMs;
  };

  journal.onClosed((source, partition) => schedule(laneOf(source, partition), lingerMs));
  // What earlier openings left.
  for (const { source, partition } of journal.lanes()) schedule(laneOf(source, partition), 0);

  const left = (): number => journal.fill().entries;

  return {
    get healthy() {
      return [...lanes.values()].every((lane) => lane.failures === 0);
    },
    drain(timeoutMs) {
      lingerMs = 0;
      for (const lane of lanes.values()) {
        cancel(lane);
        schedule(lane, 0);
      }
      return new Promise((resolve) => {
        const enough = new AbortController();
        const finish = (): void => {
          if (enough.signal.aborted) return;
          enough.abort();
          over = true;
          emptied = undefined;
          for (const lane of lanes.values()) cancel(lane);
          resolve(left());
        };
        void pacing.wait(timeoutMs, enough.signal).then(finish);
        emptied = () => {
          if (left() === 0) finish();
        };
        emptied();
      });
    },
  };
}
