/** The topics of the pipeline. Usage topics have equal partition counts: a record keeps its partition number from topic to topic. */
import type { TopicSpec } from './port.ts';

export interface Topics {
  readonly usageEvents: string;
  readonly usagePriced: string;
  readonly usageReconciled: string;
  readonly deadLetter: string;
  readonly alerts: string;
  readonly budgetState: string;
  readonly landed: string;
  readonly sources: string;
  readonly openItems: string;
  /** Which statements are begun, fixed and settled; and the lines of those that are not settled. */
  readonly statements: string;
  readonly statementLines: string;
  readonly checkpoints: string;
  readonly control: string;
}

/** Names with the configured prefix (default `tokenledger.`). */
export function topicNames(prefix: string): Topics {
  return {
    usageEvents: `${prefix}usage.events`,
    usagePriced: `${prefix}usage.priced`,
    usageReconciled: `${prefix}usage.reconciled`,
    deadLetter: `${prefix}usage.dead-letter`,
    alerts: `${prefix}alerts`,
    budgetState: `${prefix}budget.state`,
    landed: `${prefix}landed`,
    sources: `${prefix}sources`,
    openItems: `${prefix}open-items`,
    statements: `${prefix}statements`,
    statementLines: `${prefix}statement-lines`,
    checkpoints: `${prefix}checkpoints`,
    control: `${prefix}control`,
  };
}

/** Names of consumer groups, without the prefix that a shared cluster needs (`withGroupPrefix`). */
export const GROUPS = {
  pricer: 'pricer',
  writer: 'writer',
  writerDeadLetters: 'writer-dead-letters',
  writerAudit: 'writer-audit',
  writerSources: 'writer-sources',
  /** Whoever owns the control topic's partition in it may write there. */
  registry: 'registry',
} as const;

/** Who reads a topic on behalf of the pipeline. */
export interface Consumer {
  readonly group: string;
  readonly topic: string;
  /** The role whose processes are its members. */
  readonly role: 'pricer' | 'writer';
}

/** Every group whose committed offsets say how far the pipeline has come, in the order of an event's path. */
export function consumers(topics: Topics): readonly Consumer[] {
  return [
    { group: GROUPS.pricer, topic: topics.usageEvents, role: 'pricer' },
    { group: GROUPS.writer, topic: topics.usagePriced, role: 'writer' },
    { group: GROUPS.writerDeadLetters, topic: topics.deadLetter, role: 'writer' },
    { group: GROUPS.writerAudit, topic: topics.control, role: 'writer' },
    { group: GROUPS.writerSources, topic: topics.sources, role: 'writer' },
  ];
}

/** Records keep their partition number in all of these, so their counts are equal. In the order in which they grow: who writes last, first. */
export function usageTopics(topics: Topics): readonly string[] {
  return [topics.deadLetter, topics.usageReconciled, topics.usagePriced, topics.usageEvents];
}

/** What `migrate` creates. */
export function topicSpecs(topics: Topics, options: { readonly partitions: number; readonly retentionMs: number }): readonly TopicSpec[] {
  const timed = (topic: string): TopicSpec => ({
    topic,
    partitions: options.partitions,
    cleanup: 'time',
    retentionMs: options.retentionMs,
  });
  const compacted = (topic: string, partitions: number): TopicSpec => ({ topic, partitions, cleanup: 'compact', retentionMs: 0 });
  return [
    timed(topics.usageEvents),
    timed(topics.usagePriced),
    timed(topics.usageReconciled),
    timed(topics.deadLetter),
    timed(topics.alerts),
    compacted(topics.budgetState, options.partitions),
    compacted(topics.landed, options.partitions),
    compacted(topics.sources, options.partitions),
    compacted(topics.openItems, 1),
    compacted(topics.statements, 1),
    compacted(topics.statementLines, options.partitions),
    compacted(topics.checkpoints, options.partitions),
    compacted(topics.control, 1),
  ];
}
