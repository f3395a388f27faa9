/** Whether an exchange conforms: what its client saw, and what ClickHouse has of it. Pure. */
import { inputTokens, outputTokens } from '@tokenledger/domain';
import type { SurfaceName } from '@tokenledger/providers';
import type { SeenRow } from './rows.ts';
import type { Chunking } from './support/chunkings.ts';
import { differences } from './support/comparison.ts';
import { isFreeCall } from './support/endpoints.ts';
import { channelId, surfacesOfKind } from './support/kinds.ts';
import type { Recording } from './support/recording.ts';
import type { ReplayedExchange } from './support/replay-client.ts';

/** One exchange in one chunking. */
export interface Verdict {
  readonly recording: Recording;
  readonly chunking: Chunking['name'];
  /** That the row names; what the kind asks for, where there is none. */
  readonly surface: string;
  /** None: it passed. */
  readonly differences: readonly string[];
}

/** Throws where a row belongs to no exchange. */
export function verdictsOf(exchanges: readonly ReplayedExchange[], rows: readonly SeenRow[]): readonly Verdict[] {
  const byEvent = Map.groupBy(rows, ({ eventId }) => eventId);
  const imports = rows.filter(({ kind }) => kind === 'import');
  const expected = new Set<SeenRow>();
  const verdicts = exchanges.map((exchange) => {
    const own = byEvent.get(exchange.eventId) ?? [];
    const counted = countedElsewhere(exchange.recording, own) ? imports.filter((row) => isResultOf(row, exchange.recording)) : own;
    for (const row of [...own, ...counted]) expected.add(row);
    return verdictOf(exchange, counted);
  });
  const stray = rows.find((row) => !expected.has(row));
  if (stray !== undefined) throw new Error(`a row belongs to no exchange, of event ${stray.eventId}, source ${stray.source}`);
  return verdicts;
}

/** Usage that has a name of its own is one row, however often it is read: a background response, that a request streams or asks for later. */
function countedElsewhere({ expected }: Recording, [row]: readonly SeenRow[]): boolean {
  return expected.usage_present && (row === undefined || row.usageReason === 'reported_later');
}

function isResultOf({ source }: SeenRow, { provider, path, responseBody }: Recording): boolean {
  const [, channel, name = ''] = source.split('/');
  return channel === channelId(provider) && (path.includes(name) || responseBody.includes(name));
}

function verdictOf({ recording, chunking, differences: seenByClient }: ReplayedExchange, rows: readonly SeenRow[]): Verdict {
  const [row] = rows;
  const isFree = row === undefined && isUncounted(recording);
  const found = isFree ? [] : rowDifferences(recording, rows);
  const surface = isFree ? 'free' : (row?.surface ?? surfacesOfKind(recording.kind).join(', '));
  return { recording, chunking: chunking.name, surface, differences: [...seenByClient, ...found] };
}

/** A stored answer that is read again was counted when it was made; one from the background is when it has come to its end. */
function isUncounted(recording: Recording): boolean {
  const { expected, responseBody } = recording;
  if (!isFreeCall(recording)) return false;
  return !expected.usage_present || !/"background":\s*true/.test(responseBody);
}

function rowDifferences(recording: Recording, rows: readonly SeenRow[]): readonly string[] {
  const [row] = rows;
  if (row === undefined) return ['there is no row'];
  const isImport = row.kind === 'import';
  // What reads a result names no model, and may have no status of its own.
  const requestedModel = isImport && row.requestedModel === '' ? (recording.expected.model_requested ?? '') : row.requestedModel;
  const found = [...differences(recording, { ...row, requestedModel })];
  if (rows.length > 1) found.push(`there are ${rows.length} rows`);
  if (!surfacesOfKind(recording.kind).includes(row.surface as SurfaceName)) found.push(`the surface is "${row.surface}"`);
  if (!isImport && row.httpStatus !== recording.status) found.push(`the row's status is ${row.httpStatus}, not ${recording.status}`);
  if (!streamedHolds(recording, row)) found.push(`the row says that it was ${row.streamed ? '' : 'not '}streamed`);
  if (!outcomeHolds(recording, row)) found.push(`the outcome is ${row.outcome}`);
  if (row.inputTokens !== inputTokens(row.usage) || row.outputTokens !== outputTokens(row.usage)) found.push("the table's own sums differ");
  return found;
}

/** Of a refused request it is not told whether it would have been; a result may be read either way. */
function streamedHolds({ status, streaming }: Recording, { kind, streamed }: SeenRow): boolean {
  return kind === 'import' || status >= 400 || streamed === streaming;
}

/** A stream may state an error, or break off, after it has begun well. */
function outcomeHolds({ isError, streaming }: Recording, { outcome }: SeenRow): boolean {
  if (isError) return outcome === 'upstream_error';
  return outcome === 'ok' || (streaming && outcome === 'upstream_error');
}
