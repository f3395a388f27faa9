/** The row of one request, waited for by the id its answer carried. */
import type { IncomingHttpHeaders } from 'node:http';
import type { LedgerUnderTest } from './running-ledger.ts';
import { waitFor } from './wait-for.ts';

const ROW_TIMEOUT_MS = 15_000;

export interface EventRow {
  readonly event_id: string;
  readonly surface: string;
  readonly provider: string;
  readonly channel_id: string;
  readonly region: string;
  readonly requested_model: string;
  readonly outcome: string;
  readonly streamed: boolean;
  readonly http_status: number | null;
  readonly served_model: string;
  readonly service_tier: string;
  readonly finish_reason: string;
  readonly usage_reason: string;
  readonly usage_source: string;
  readonly unpriced_reason: string;
  readonly price_version: string;
  readonly input_tokens: string | null;
  readonly output_tokens: string | null;
  readonly uncached_input_tokens: string | null;
  readonly cache_read_tokens: string | null;
  readonly cache_write_5m_tokens: string | null;
  readonly cache_write_1h_tokens: string | null;
  readonly reasoning_tokens: string | null;
  readonly input_audio_tokens: string | null;
  readonly images: string | null;
  readonly audio_seconds: string | null;
  readonly characters: string | null;
  readonly cost_usd: string | null;
}

const COLUMNS = `event_id, surface, provider, channel_id, region, requested_model, outcome, streamed, http_status, served_model, service_tier, finish_reason, usage_reason, usage_source, unpriced_reason,
  price_version, input_tokens, output_tokens, uncached_input_tokens, cache_read_tokens,
  cache_write_5m_tokens, cache_write_1h_tokens, reasoning_tokens, input_audio_tokens, images, audio_seconds, characters, cost_usd`;

export async function rowOf(ledger: LedgerUnderTest, answer: { readonly headers: Headers }): Promise<EventRow> {
  const id = answer.headers.get('x-tokenledger-request-id');
  if (id === null) throw new Error('the answer carries no x-tokenledger-request-id');
  return rowWhere(ledger, 'event_id = {id:UUID}', id);
}

/** The row of the request that the provider was sent as `attempt`: by the id that every attempt goes upstream with. */
export async function rowOfAttempt(
  ledger: LedgerUnderTest,
  attempt: { readonly headers: IncomingHttpHeaders } | undefined,
): Promise<EventRow> {
  const id = attempt?.headers['x-request-id'];
  if (typeof id !== 'string') throw new Error('the provider was sent no x-request-id');
  return rowWhere(ledger, 'has(attempts.attempt_id, {id:String})', id);
}

/** How many there are; those of requests that ended before one whose row was seen are among them. */
export async function countRows(ledger: LedgerUnderTest): Promise<number> {
  return Number((await ledger.clickhouse.query<{ rows: string }>('SELECT count() AS rows FROM usage_events'))[0]?.rows);
}

function rowWhere(ledger: LedgerUnderTest, condition: string, id: string): Promise<EventRow> {
  const find = async (): Promise<EventRow | undefined> =>
    (await ledger.clickhouse.query<EventRow>(`SELECT ${COLUMNS} FROM usage_events WHERE ${condition}`, { params: { id } }))[0];
  return waitFor(find, { timeoutMs: ROW_TIMEOUT_MS, intervalMs: 100, describe: `the row of request ${id}` });
}
