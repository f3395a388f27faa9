/** What a block for ClickHouse holds, kept beside its columns: a simulated table takes events, not bytes. That the bytes say the same is tested on the real engine. */
import type { NativeBlock } from '@tokenledger/clickhouse';
import type { PricedEvent } from '@tokenledger/domain';
import { type Classify, classifyPriced } from '@tokenledger/writer';

export interface BlockRow {
  readonly priced: PricedEvent;
  readonly logTopic: string;
  readonly logPartition: number;
  readonly epoch: number;
}

const rowsOf = new WeakMap<NativeBlock, BlockRow[]>();

/** The writer's decision, noting what it puts into a block. */
export const classifyRecorded: Classify = (records, owner, block) => {
  const { columns } = block;
  let rows = rowsOf.get(columns);
  if (rows === undefined || countOf(columns) === 0) rowsOf.set(columns, (rows = []));
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
  const rows = rowsOf.get(columns) ?? [];
  if (rows.length !== countOf(columns)) throw new Error(`a block of ${countOf(columns)} rows was recorded with ${rows.length}`);
  return rows.slice();
}

function countOf(columns: NativeBlock): number {
  return columns['event_id']?.count ?? 0;
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
