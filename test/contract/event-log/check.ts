/** What a check of the event-log contract is, and what it needs of an adapter. */
import type { EventLog, Pacing, TopicSpec } from '@tokenledger/event-log';
import type { SinkTwin } from './support/sink-twin.ts';

/** One adapter, fresh for each check, with what its port does not offer: an operator's hands and a saboteur's. */
export interface EventLogHarness {
  /** Changes when the harness restarts the log. */
  readonly log: EventLog;
  /** The time in which the adapter lives. */
  readonly pacing: Pacing;
  /** The adapter's limit for one record, in bytes. */
  readonly recordBytesMax: number;
  /** Creates a topic under a name of the check's own, which it returns. */
  createTopic(name: string, spec?: Partial<Pick<TopicSpec, 'partitions' | 'cleanup'>>): Promise<string>;
  deleteTopic(topic: string): Promise<void>;
  /** Removes the records below `offset`, as expiry does. */
  deleteRecords(topic: string, partition: number, offset: number): Promise<void>;
  /** Resolves once the topic is compacted. */
  compact(topic: string): Promise<void>;
  /** Writes fail until `comeBack`. */
  goAway(): Promise<void>;
  comeBack(): Promise<void>;
  /** Closes the log and opens what it has stored. */
  restart(): Promise<void>;
  /** A store for Sinks that models what the outside does to them. */
  sinkStore(): SinkTwin;
  close(): Promise<void>;
}

export interface Check {
  /** A sentence. */
  readonly name: string;
  /** Throws when the adapter breaks the contract. */
  readonly run: (harness: EventLogHarness) => Promise<void>;
}

export type MakeHarness = () => Promise<EventLogHarness>;
