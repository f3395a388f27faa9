/** Replays a folder of recorded exchanges through the running product: the recording is the provider, its request the client's. Each exchange is sent once in
 *  each chunking, and passes when the answer came back byte for byte and the one row it left in ClickHouse says what the provider stated. */
import { LEDGER_KEY, runLedger } from '../support/running-ledger.ts';
import { EXCLUDED, EXCLUDED_MAX } from './excluded.ts';
import { readRows } from './rows.ts';
import { type Chunking, chunkings } from './support/chunkings.ts';
import { channelId, surfacesOfKind } from './support/kinds.ts';
import { readRecordingFolder, type Recording } from './support/recording.ts';
import { type Exchange, replay, type ReplayedExchange } from './support/replay-client.ts';
import { isEncodable, replayServer } from './support/replay-server.ts';
import { type Verdict, verdictsOf } from './verdict.ts';

export interface ConformanceOptions {
  readonly folder: string;
  readonly seed: number;
  readonly say: (line: string) => void;
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
  const rows = await readRows(ledger.clickhouse, replayed.length);
  say(`${rows.length} rows`);
  return verdictsOf(replayed, rows);
}

/** What keeps a recording from being replayed; undefined: nothing. */
function obstacle(recording: Recording): string | undefined {
  if (surfacesOfKind(recording.kind).length === 0) return `its kind "${recording.kind}" is not known`;
  if (!isEncodable(recording)) return `its content encoding "${recording.contentEncoding}" is not known`;
  return undefined;
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
    const surfaces = [...new Set(its.flatMap(({ kind }) => surfacesOfKind(kind)))];
    return `{ id: ${id}, provider: ${id}, surfaces: [${surfaces.join(', ')}], base_url: '${upstreamUrl}', credential: 'env:E2E_CREDENTIAL', region: ${REGION}, inject_usage: false }`;
  });
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}
