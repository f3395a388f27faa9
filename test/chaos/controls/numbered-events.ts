/** Events as the provider billed them, for controls: what goes in is known, so what comes out can be held against it. */
import type { ClickHouse } from '@tokenledger/clickhouse';
import type { Attempt, PricedEvent } from '@tokenledger/domain';
import { type BillLine, CLASS_NAMES, type Classes } from '@tokenledger/provider-simulator';
import { pricedEvent } from '../../integration/writer/priced-events.ts';
import { countDeadLetters, readIncomplete, readLanes, readRollups, readRows } from '../ledger.ts';
import { type Difference, verdict } from '../verdict.ts';

/** One that was answered by one attempt. */
const PLAIN = pricedEvent(1);

export function numberedEvents(count: number): readonly PricedEvent[] {
  return Array.from({ length: count }, (_, index) => {
    const sequence = index + 1;
    const { eventId, requestId, occurredAtMs } = pricedEvent(sequence).event;
    const attempts = PLAIN.event.attempts.map((attempt): Attempt => ({ ...attempt, attemptId: `attempt-${sequence}` }));
    return { ...PLAIN, event: { ...PLAIN.event, eventId, requestId, sequence, occurredAtMs, attempts } };
  });
}

/** Holds the ledger against these events. `views`: in place of those that are shipped. */
export async function judged(
  clickhouse: ClickHouse,
  events: readonly PricedEvent[],
  views?: readonly string[],
): Promise<readonly Difference[]> {
  return verdict({
    bill: events.flatMap(({ event }) => event.attempts.map(billLine)),
    rows: await readRows(clickhouse),
    clients: undefined,
    lanes: await readLanes(clickhouse),
    incomplete: await readIncomplete(clickhouse),
    rollups: await readRollups(clickhouse, views),
    deadLetters: await countDeadLetters(clickhouse),
    unresolvedMax: 0,
  });
}

/** What was found, told by kind. */
export function kinds(differences: readonly Difference[]): readonly string[] {
  return [...new Set(differences.map(({ what }) => what))].toSorted((a, b) => (a < b ? -1 : 1));
}

function billLine({ attemptId, usage, servedModel }: Attempt): BillLine {
  const classes = Object.fromEntries(CLASS_NAMES.map((name) => [name, usage?.[name] ?? 0])) as Classes;
  return {
    id: attemptId,
    request_id: attemptId,
    surface: PLAIN.event.surface,
    model: servedModel,
    served_model: servedModel,
    service_tier: '',
    streamed: true,
    status: 200,
    completed: true,
    reported: true,
    usage: null,
    classes,
    at_ms: 0,
  };
}
