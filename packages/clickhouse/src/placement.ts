/** Which node of a cluster a partition of the log is written to. Pure.
 *
 *  Fence, inserts and what is read back of a partition must be on one replica: a fence lives on its node alone, and what one replica has just taken another may
 *  not have yet. So the place follows from the number of the partition and the list of nodes, and from nothing that differs between two writers.
 *  Partition p goes to shard p mod shards, and there to replica ⌊p ÷ shards⌋ mod replicas: every replica takes a share of the inserts. */
import { invariant } from '@tokenledger/domain';

/** `shards`: the nodes, shard by shard, replica by replica; the same list in every writer. */
export function placeOf<Node>(shards: readonly (readonly Node[])[], logPartition: number): Node {
  const replicas = shards[logPartition % shards.length];
  const node = replicas?.[Math.floor(logPartition / shards.length) % replicas.length];
  invariant(node !== undefined, 'a cluster has shards, and each of them a replica');
  return node;
}
