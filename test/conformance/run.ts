/** Replays a folder of recorded exchanges through the running product: the recording is the provider, its request the client's. Each exchange is sent once in
 *  each chunking, and passes when the answer came back byte for byte and the one row it left in ClickHouse says what the provider stated. */
import { inputTokens, outputTokens } from '@tokenledger/domain';
import type { SurfaceName } from '@tokenledger/providers';
import { LEDGER_KEY, runLedger } from '../support/running-ledger.ts';
import { EXCLUDED, EXCLUDED_MAX } from './excluded.ts';
import { readRows, type SeenRow } from './rows.ts';
import { type Chunking, chunkings } from './support/chunkings.ts';
import { differences } from './support/comparison.ts';
import { surfacesOfKind } from './support/kinds.ts';
import { readRecordingFolder, type Recording } from './support/recording.ts';
import { type Exchange, replay, type ReplayedExchange } from './support/replay-client.ts';
import { isEncodable, replayServer } from './support/replay-server.ts';

export interface ConformanceOptions {
  readonly folder: string;
  readonly seed: number;
  readonly say: (line: string) => void;
}

/** One exchange in one chunking. */
export interface Verdict {
  readonly recording: Recording;
  readonly chunking: Chunking['name'];
  /** That the row names; what the kind asks for, where there is none. */
  readonly surface: string;
  /** None: it passed. */
  readonly differences: readonly string[];
}

export interface ConformanceRun {
  readonly recordings: number;
  /** By id, with what is wrong in the recording. */
  readonly excluded: Readonly<Record<string, string>>;
  readonly verdicts: readonly Verdict[];
  readonly durationMs: number;
}

/** What a signed request needs: an id and a secret. Others send it as it stands. */
const CREDENTIAL = 'AKIACONFORMANCE00000:conformance-secret-0123456789';
const REGION = 'us-east-1';
const CHANNEL_ID_CHARS_MAX = 64;

export async function runConformance({ folder, seed, say }: ConformanceOptions): Promise<ConformanceRun> {
  const startedAt = performance.now();
  const all = readRecordingFolder(folder);
  if (all.length === 0) throw new Error(`there are no recordings in ${folder}`);
  if (Object.keys(EXCLUDED).length > EXCLUDED_MAX) throw new Error(`more than ${EXCLUDED_MAX} recordings are excluded`);
  const excluded = Object.fromEntries(all.flatMap(({ id }) => (Object.hasOwn(EXCLUDED, id) ? [[id, EXCLUDED[id] ?? '']] : [])));
  const recordings = all.filter(({ id }) => !Object.hasOwn(excluded, id));
  const cuts = chunkings(seed);
  const replayable = recordings.filter((recording) => obstacle(recording) === undefined);
  say(`${all.length} recordings, ${Object.keys(excluded).length} excluded, ${cuts.length} chunkings (seed ${seed})`);

  const verdicts = recordings.flatMap((recording) => cuts.flatMap((chunking) => unreplayed(recording, chunking)));
  if (replayable.length > 0) verdicts.push(...(await replayAll(replayable, cuts, say)));
  return { recordings: recordings.length, excluded, verdicts, durationMs: performance.now() - startedAt };
}

async function replayAll(
  recordings: readonly Recording[],
  cuts: readonly Chunking[],
  say: ConformanceOptions['say'],
): Promise<readonly Verdict[]> {
  await using resources = new AsyncDisposableStack();
  const upstream = resources.use(await replayServer(recordings, cuts));
  const channels = channelsOf(recordings, upstream.url);
  const ledger = resources.use(await runLedger({ upstreamUrl: upstream.url, channels, credential: CREDENTIAL }));
  const replayed: ReplayedExchange[] = [];
  for (const chunking of cuts) {
    const startedAt = performance.now();
    const exchanges = recordings.map((recording): Exchange => ({ recording, chunking }));
    const pathOf = (recording: Recording): string => `/channels/${channelId(recording.provider)}${recording.path}`;
    replayed.push(...(await replay(exchanges, { url: ledger.url, key: LEDGER_KEY, pathOf, seen: upstream.seen })));
    say(`${chunking.name}: ${recordings.length} exchanges in ${seconds(performance.now() - startedAt)} s`);
  }
  const eventIds = new Set(replayed.map(({ eventId }) => eventId));
  const rows = await readRows(ledger.clickhouse, replayed.length);
  say(`${[...rows.values()].flat().length} rows`);
  const strays = [...rows.keys()].filter((id) => !eventIds.has(id));
  if (strays.length > 0) throw new Error(`${strays.length} rows belong to no exchange, e.g. of event ${strays[0]}`);
  return replayed.map((exchange) => verdictOf(exchange, rows.get(exchange.eventId) ?? []));
}

function verdictOf({ recording, chunking, differences: seenByClient }: ReplayedExchange, rows: readonly SeenRow[]): Verdict {
  const [row] = rows;
  const surface = row?.surface ?? kindsSurfaces(recording).join(', ');
  return { recording, chunking: chunking.name, surface, differences: [...seenByClient, ...rowDifferences(recording, rows)] };
}

function rowDifferences(recording: Recording, rows: readonly SeenRow[]): readonly string[] {
  const [row] = rows;
  if (row === undefined) return ['there is no row'];
  const found = [...differences(recording, row)];
  if (rows.length > 1) found.push(`there are ${rows.length} rows`);
  if (!kindsSurfaces(recording).includes(row.surface as SurfaceName)) found.push(`the surface is "${row.surface}"`);
  if (row.httpStatus !== recording.status) found.push(`the row's status is ${row.httpStatus}, not ${recording.status}`);
  if (recording.status < 400 && row.streamed !== recording.streaming)
    found.push(`the row says that it was ${row.streamed ? '' : 'not '}streamed`);
  if (!outcomeHolds(recording, row)) found.push(`the outcome is ${row.outcome}`);
  if (row.inputTokens !== inputTokens(row.usage) || row.outputTokens !== outputTokens(row.usage)) found.push("the table's own sums differ");
  return found;
}

/** A stream may state an error, or break off, after it has begun well. */
function outcomeHolds({ isError, streaming }: Recording, { outcome }: SeenRow): boolean {
  if (isError) return outcome === 'upstream_error';
  return outcome === 'ok' || (streaming && outcome === 'upstream_error');
}

/** What keeps a recording from being replayed; undefined: nothing. */
function obstacle(recording: Recording): string | undefined {
  if (kindsSurfaces(recording).length === 0) return `its kind "${recording.kind}" is not known`;
  if (!isEncodable(recording)) return `its content encoding "${recording.contentEncoding}" is not known`;
  return undefined;
}

function kindsSurfaces(recording: Recording): readonly SurfaceName[] {
  return surfacesOfKind(recording.kind) ?? [];
}

/** A recording that cannot be replayed has failed, in every chunking. */
function unreplayed(recording: Recording, chunking: Chunking): readonly Verdict[] {
  const found = obstacle(recording);
  return found === undefined ? [] : [{ recording, chunking: chunking.name, surface: 'unknown', differences: [found] }];
}

/** One for each provider, for every surface that its recordings speak. Nothing is added to requests: what was recorded answered what was recorded. */
function channelsOf(recordings: readonly Recording[], upstreamUrl: string): readonly string[] {
  const byProvider = Map.groupBy(recordings, ({ provider }) => channelId(provider));
  return [...byProvider].map(([id, its]) => {
    const surfaces = [...new Set(its.flatMap(kindsSurfaces))];
    return `{ id: ${id}, provider: ${id}, surfaces: [${surfaces.join(', ')}], base_url: '${upstreamUrl}', credential: 'env:E2E_CREDENTIAL', region: ${REGION}, inject_usage: false }`;
  });
}

function channelId(provider: string): string {
  return provider
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]/g, '-')
    .slice(0, CHANNEL_ID_CHARS_MAX);
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}
