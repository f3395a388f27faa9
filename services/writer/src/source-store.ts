/** Where what sources say of themselves goes: the newest state of each, however often; and an audit row, once, where an operator closed one. */
import type { ClickHouse } from '@tokenledger/clickhouse';
import type { SinkStore } from '@tokenledger/event-log';
import { SOURCE_COLUMNS, sourceRows } from './core/source-row.ts';
import { queryId } from './fence.ts';

/** `ledger` takes over, and writes what is counted. */
export function sourceStore(clickhouse: ClickHouse, ledger: SinkStore): SinkStore {
  return {
    ...ledger,
    async write(owner, batch) {
      const id = queryId(owner, `${batch.from}-${batch.to}/sources`);
      // A row that is there twice says the same twice: nothing is read back.
      await clickhouse.insertRows('sources', SOURCE_COLUMNS, sourceRows(batch.records, owner), { queryId: id });
      return ledger.write(owner, batch);
    },
  };
}
