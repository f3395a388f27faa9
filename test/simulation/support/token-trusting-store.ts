/** A store as one would write it who trusts ClickHouse's deduplication. What a batch has to insert is decided once and remembered, whoever dies; in doubt the same
 *  rows are sent again with the same token, and nothing is read back, neither then nor to say what has landed. All else is right, so that a run shows what the
 *  token alone is worth. */
import type { LogRecord, SinkBatch, SinkOwner, SinkStore } from '@tokenledger/event-log';
import type { StoreOptions } from '@tokenledger/writer';
import { bareBlock } from './recorded-block.ts';

/** By batch. */
export type DecidedBatches = Map<string, readonly LogRecord[]>;

export function tokenTrustingStore({ clickhouse, classify }: StoreOptions, decided: DecidedBatches): SinkStore {
  return {
    takeOver: () => Promise.resolve(),
    async write(owner, batch) {
      const key = `${owner.topic}/${owner.partition}/${batch.from}-${batch.to}`;
      let missing = decided.get(key);
      if (missing === undefined) decided.set(key, (missing = await missingOf(owner, batch)));
      if (missing.length > 0) {
        const block = bareBlock();
        classify(missing, owner, block);
        const settings = { insert_deduplicate: 1, insert_deduplication_token: key } as const;
        await clickhouse.insertBlock('usage_events', block.columns, { settings });
      }
      return { inserted: missing.length, repeats: batch.records.length - missing.length, rejected: 0 };
    },
    release: () => undefined,
  };

  async function missingOf(owner: SinkOwner, { records }: SinkBatch): Promise<readonly LogRecord[]> {
    const { events } = classify(records, owner, bareBlock());
    const params = {
      log_partition: owner.partition,
      sources: [...new Set(events.map(({ source }) => source))],
      numbers: [...new Set(events.map(({ sequence }) => sequence))],
    };
    const rows = await clickhouse.query<{ source: string; present: string[] }>('SELECT source, present FROM usage_events', { params });
    const there = new Set(rows.flatMap(({ source, present }) => present.map((number) => `${source} ${number}`)));
    return events.flatMap(({ source, sequence, row }) => {
      const identity = `${source} ${sequence}`;
      if (there.has(identity)) return [];
      there.add(identity);
      return [row];
    });
  }
}
