/** The store of a sink on a cluster: each partition of the log has one node, and all that concerns it happens there. */
import { placeOf } from '@tokenledger/clickhouse';
import type { SinkStore } from '@tokenledger/event-log';

/** `shards`: the store on each node, shard by shard, replica by replica; the same order in every writer. */
export function placedStore(shards: readonly (readonly SinkStore[])[]): SinkStore {
  return {
    takeOver: (owner) => placeOf(shards, owner.partition).takeOver(owner),
    write: (owner, batch) => placeOf(shards, owner.partition).write(owner, batch),
    release: (owner) => placeOf(shards, owner.partition).release(owner),
  };
}
