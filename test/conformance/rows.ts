/** What ClickHouse holds of replayed exchanges. */
import type { ClickHouse } from '@tokenledger/clickhouse';
import { TOKEN_CLASSES, type Usage, USAGE_CLASSES, type UsageClass } from '@tokenledger/domain';
import { setTimeout as delay } from 'node:timers/promises';
import type { SeenExchange } from './support/comparison.ts';

export interface SeenRow extends SeenExchange {
  readonly eventId: string;
  /** `import`: what a provider stated later than its answer, or in an answer that may be read again; its source names it. */
  readonly kind: 'usage' | 'import';
  readonly source: string;
  readonly surface: string;
  readonly streamed: boolean;
  readonly outcome: string;
  readonly httpStatus: number | null;
  /** As the table itself sums the classes. */
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
}

type Row = Readonly<Record<UsageClass, string | null>> & {
  readonly event_id: string;
  readonly kind: 'usage' | 'import';
  readonly source: string;
  readonly surface: string;
  readonly requested_model: string;
  readonly served_model: string;
  readonly service_tier: string;
  readonly usage_reason: string;
  readonly streamed: boolean;
  readonly outcome: string;
  readonly http_status: number | null;
  readonly input: string | null;
  readonly output: string | null;
};

/** Between two looks. */
const LOOK_MS = 500;
/** Rows come every second or two: after so long without another one, those that are missing will not come. */
const QUIET_MS = 15_000;

const CLASS_COLUMNS = USAGE_CLASSES.map(
  (name) => `${(TOKEN_CLASSES as readonly string[]).includes(name) ? `${name}_tokens` : name} AS ${name}`,
);

/** Every row, once there are `expected` or no more come. */
export async function readRows(clickhouse: ClickHouse, expected: number): Promise<readonly SeenRow[]> {
  await settle(clickhouse, expected);
  const rows = await clickhouse.query<Row>(`
    SELECT event_id, kind, source, surface, requested_model, served_model, service_tier, usage_reason, streamed, outcome, http_status,
      input_tokens AS input, output_tokens AS output, ${CLASS_COLUMNS.join(', ')}
    FROM usage_events`);
  return rows.map(seenRow);
}

async function settle(clickhouse: ClickHouse, expected: number): Promise<void> {
  let count = -1;
  let changedAt = performance.now();
  while (count < expected && performance.now() - changedAt < QUIET_MS) {
    const now = Number((await clickhouse.query<{ rows: string }>('SELECT count() AS rows FROM usage_events'))[0]?.rows);
    if (now !== count) changedAt = performance.now();
    count = now;
    if (count < expected) await delay(LOOK_MS);
  }
}

function seenRow(row: Row): SeenRow {
  return {
    eventId: row.event_id,
    kind: row.kind,
    source: row.source,
    surface: row.surface,
    requestedModel: row.requested_model,
    servedModel: row.served_model,
    serviceTier: row.service_tier,
    usageReason: row.usage_reason,
    streamed: row.streamed,
    outcome: row.outcome,
    httpStatus: row.http_status,
    inputTokens: quantity(row.input),
    outputTokens: quantity(row.output),
    usage: Object.fromEntries(USAGE_CLASSES.map((name) => [name, quantity(row[name])])) as Usage,
  };
}

function quantity(text: string | null): number | null {
  return text === null ? null : Number(text);
}
