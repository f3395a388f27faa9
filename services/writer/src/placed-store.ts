/** The store of a sink on a cluster: each partition of the log has one node, and all that concerns it happens there.
 *
 *  A partition that has its fence on one node is not taken over on another: its rows may not all be there yet, and whoever writes it at the old place would not
 *  be kept out by a fence at the new one. So a changed list of nodes stops the partitions that it moves, until the operator has moved them. */
import { type ClickHouse, placeOf } from '@tokenledger/clickhouse';
import { AppError } from '@tokenledger/domain';
import type { SinkOwner, SinkStore } from '@tokenledger/event-log';
import { readEpoch } from './fence.ts';

export interface PlacedNode {
  readonly clickhouse: ClickHouse;
  readonly store: SinkStore;
}

export interface PlacedStoreOptions {
  /** Shard by shard, replica by replica; the same order in every writer. */
  readonly shards: readonly (readonly PlacedNode[])[];
  /** A node could not be asked whether it has the fence of a partition that is placed elsewhere; the partition is taken over all the same. */
  readonly onUnasked: (url: string, error: unknown) => void;
}

export function placedStore({ shards, onUnasked }: PlacedStoreOptions): SinkStore {
  const nodeOf = (owner: SinkOwner): PlacedNode => placeOf(shards, owner.partition);
  return {
    async takeOver(owner) {
      const node = nodeOf(owner);
      const others = shards.flat().filter((other) => other !== node);
      await Promise.all(others.map((other) => refuseIfThere(other.clickhouse, owner)));
      await node.store.takeOver(owner);
    },
    write: (owner, batch) => nodeOf(owner).store.write(owner, batch),
    release: (owner) => nodeOf(owner).store.release(owner),
  };

  async function refuseIfThere(clickhouse: ClickHouse, owner: SinkOwner): Promise<void> {
    let epoch: number;
    try {
      epoch = await readEpoch(clickhouse, owner);
    } catch (error) {
      onUnasked(clickhouse.url, error);
      return;
    }
    if (epoch === 0) return;
    throw new AppError(
      'PARTITION_MOVED',
      `${owner.topic}/${owner.partition} was written at ${clickhouse.url} before: restore the order of clickhouse.nodes, or move it as docs/clickhouse.md says`,
      { retryable: true },
    );
  }
}
