/** What a block for ClickHouse holds, kept beside its columns: a simulated table takes events, not bytes. That the bytes say the same is tested on the real engine. */
import type { NativeBlock } from '@tokenledger/clickhouse';
import { invariant, type PricedEvent } from '@tokenledger/domain';
import { type Classify, classifyPriced } from '@tokenledger/writer';

export interface BlockRow {
  readonly priced: PricedEvent;
  readonly logTopic: string;
  readonly logPartition: number;
  readonly epoch: number;
}

/** By the column that every block has: which others it has may change with its rows. */
const rowsOf = new WeakMap<NativeBlock[string], BlockRow[]>();

/** The writer's decision, noting what it puts into a block. */
export const classifyRecorded: Classify = (records, owner, block) => {
  const ids = idsOf(block.columns);
  let rows = rowsOf.get(ids);
  if (rows === undefined || ids.count === 0) rowsOf.set(ids, (rows = []));
  const kept = rows;
  return classifyPriced(records, owner, {
    ...block,
    append(priced, by) {
      block.append(priced, by);
      kept.push({ priced, logTopic: by.topic, logPartition: by.partition, epoch: by.epoch });
    },
  });
};

/** A copy: the block is filled anew for the next batch. */
export function rowsIn(columns: NativeBlock): readonly BlockRow[] {
  const ids = idsOf(columns);
  const rows = rowsOf.get(ids) ?? [];
  if (rows.length !== ids.count) throw new Error(`a block of ${ids.count} rows was recorded with ${rows.length}`);
  return rows.slice();
}

function idsOf(columns: NativeBlock): NativeBlock[string] {
  const ids = columns['event_id'];
  invariant(ids !== undefined, 'a block of events has their ids');
  return ids;
}

/** A block that holds nothing but what is recorded of it. */
export function bareBlock(): Parameters<Classify>[2] {
  let count = 0;
  const column = {
    type: 'UUID',
    get count() {
      return count;
    },
    clear: () => undefined,
    writePrefix: () => undefined,
    writeValues: () => undefined,
  };
  return {
    columns: { event_id: column },
    append: () => {
      count += 1;
    },
    clear: () => {
      count = 0;
    },
  };
}
