/** What Transform, Fold and Sink share: joining the group, one run per owned partition, and what the end of a run means. */
import { AppError } from '@tokenledger/domain';
import type { Pacing } from '../pacing.ts';
import { systemPacing } from '../pacing.ts';
import type { OwnedPartition, Producer, TopicDescription } from '../port.ts';
import type { Retry } from './retry.ts';
import { RETRY_DEFAULTS } from './retry.ts';
import type { Running, ShapeOptions } from './types.ts';

/** One partition as a shape's steps see it. */
export interface PartitionRun {
  readonly owned: OwnedPartition;
  readonly producer: Producer;
  readonly retry: Retry;
  readonly pacing: Pacing;
}

/** Throws `TOPIC_MISSING`. */
export async function describeOrThrow(options: Pick<ShapeOptions, 'log'>, topic: string): Promise<TopicDescription> {
  const description = await options.log.describeTopic(topic);
  if (description === null)
    throw new AppError('TOPIC_MISSING', `Topic ${topic} does not exist: run \`tokenledger migrate\`, or correct the topic prefix.`);
  return description;
}

/** `run` ends when ownership is lost; by a throw, the partition stops. Throws `TOPIC_MISSING`. */
export async function runPartitions(options: ShapeOptions, run: (partition: PartitionRun) => Promise<void>): Promise<Running> {
  await describeOrThrow(options, options.topic);
  const pacing = options.pacing ?? systemPacing;
  const producer = await options.log.producer();
  const { promise: failed, reject: fail } = Promise.withResolvers<never>();
  // Whoever runs the shape decides what a failure ends; without a listener it must not end the process by accident.
  failed.catch(() => {});

  const membership = await options.log.join({
    group: options.group,
    topics: [options.topic],
    run: async (owned) => {
      const { topic, partition, signal } = owned;
      const retrying = (error: unknown, attempt: number): void => options.observer?.retrying?.({ topic, partition, error, attempt });
      await run({ owned, producer, pacing, retry: { pacing, limits: options.retry ?? RETRY_DEFAULTS, signal, retrying } });
    },
    onError: (error, { topic, partition, signal }) => {
      if (isLoss(error) || (error instanceof AppError && signal.aborted)) return;
      options.observer?.stopped?.({ topic, partition, error });
      if (!(error instanceof AppError)) fail(error);
    },
  });
  return {
    failed,
    close: async () => {
      await membership.close();
      await producer.close();
    },
  };
}

/** The partition has another owner, which repeats what was in hand: no failure. */
function isLoss(error: unknown): boolean {
  return error instanceof AppError && error.code === 'OWNERSHIP_LOST';
}
