/** Claims: an owner appends a record to the checkpoint topic, and the record's offset is its epoch. Later claims have higher epochs, whoever makes them. */
import { invariant } from '@tokenledger/domain';
import type { ShapeOptions } from './types.ts';
import type { PartitionRun } from './partition-shape.ts';
import { describeOrThrow } from './partition-shape.ts';
import { sendAcknowledged } from './send.ts';

export interface ClaimOptions extends ShapeOptions {
  readonly checkpointTopic: string;
}

export interface Claim {
  /** At least 1. */
  readonly epoch: number;
  /** Of the claim, in `checkpointPartition` of the checkpoint topic. */
  readonly offset: number;
  readonly checkpointPartition: number;
}

/** Keys of one group's partition in the checkpoint topic begin with this. */
export function claimScope(options: ClaimOptions, partition: number): string {
  invariant(!options.group.includes('/'), 'the name of a group holds no slash');
  return `${options.group}/${options.topic}/${partition}/`;
}

export async function checkpointPartitions(options: ClaimOptions): Promise<number> {
  return (await describeOrThrow(options, options.checkpointTopic)).partitions;
}

/** A claim alone proves nothing: a former owner can make one, too. Only who commits an offset after its claim was the owner when it claimed. */
export async function appendClaim(options: ClaimOptions, { owned, producer, retry }: PartitionRun, partitions: number): Promise<Claim> {
  const checkpointPartition = owned.partition % partitions;
  const record = { key: `${claimScope(options, owned.partition)}claim`, value: new Uint8Array() };
  const { baseOffset } = await sendAcknowledged(retry, producer, options.checkpointTopic, checkpointPartition, [record]);
  return { epoch: baseOffset + 1, offset: baseOffset, checkpointPartition };
}
