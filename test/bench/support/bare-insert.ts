/** Rows into ClickHouse from memory: the writer's store without a log in front of it. */
import type { ClickHouse } from '@tokenledger/clickhouse';
import { isRejected } from '@tokenledger/domain';
import type { LogRecord } from '@tokenledger/event-log';
import { parsePriceBook, rateEvent, SHIPPED_PRICE_BOOK } from '@tokenledger/pricing';
import { createRegistry } from '@tokenledger/runtime';
import { encodePriced, identityHeaders } from '@tokenledger/schemas';
import { classifyPriced, ledgerStore, writerMetrics } from '@tokenledger/writer';
import { readFileSync } from 'node:fs';
import { pipelineEvent } from './pipeline-events.ts';

const OWNER = { topic: 'bare.usage.priced', partition: 0, epoch: 1 };
const BATCH = 10_000;

/** Time and this process's CPU of mapping and inserting; making the events is not in them. */
export async function insertFromMemory(
  clickhouse: ClickHouse,
  count: number,
): Promise<{ readonly rows: number; readonly ms: number; readonly ownCpuMs: number }> {
  const book = parsePriceBook(readFileSync(SHIPPED_PRICE_BOOK, 'utf8'));
  if (isRejected(book)) throw new Error(book.message);
  const store = ledgerStore({
    clickhouse,
    classify: classifyPriced,
    producer: { send: () => Promise.reject(new Error('nothing is refused here')), close: () => Promise.resolve() },
    deadLetterTopic: 'bare.dead-letter',
    metrics: writerMetrics(createRegistry({ processMetrics: false })),
    now: Date.now,
    killWaitMs: 5_000,
    missingRangesMax: 100,
    sourcesMax: 100,
  });
  await store.takeOver(OWNER);
  let ms = 0;
  let ownCpuMs = 0;
  let rows = 0;
  const startMs = Date.now();
  while (rows < count) {
    const records = Array.from({ length: BATCH }, (_, index): LogRecord => {
      const sequence = rows + index + 1;
      const event = pipelineEvent({ source: 'ingress/bare', partition: 0, sequence, occurredAtMs: startMs + Math.floor(sequence / 20) });
      return {
        ...OWNER,
        offset: sequence - 1,
        key: null,
        value: encodePriced(rateEvent(event, book)),
        headers: identityHeaders(event),
        timestampMs: startMs,
      };
    });
    const began = performance.now();
    const cpu = process.cpuUsage();
    await store.write(OWNER, { records, from: rows, to: rows + records.length });
    ms += performance.now() - began;
    const { user, system } = process.cpuUsage(cpu);
    ownCpuMs += (user + system) / 1_000;
    rows += records.length;
  }
  return { rows, ms, ownCpuMs };
}
