/** Sends recorded requests to the ingress as their clients did, many at a time, and holds each answer against what the provider sent. */
import { Pool, type Dispatcher } from 'undici';
import type { Chunking } from './chunkings.ts';
import type { Recording } from './recording.ts';
import { REPLAY_HEADER, type ReplayedRequest, wireBody } from './replay-server.ts';

export interface Exchange {
  readonly recording: Recording;
  readonly chunking: Chunking;
}

export interface ReplayedExchange extends Exchange {
  /** Of the event; `''` where the answer named none. */
  readonly eventId: string;
  /** What came back otherwise than the provider sent it. */
  readonly differences: readonly string[];
}

export interface ReplayClientOptions {
  /** Of the ingress. */
  readonly url: string;
  readonly key: string;
  /** Below which of the ingress's paths the provider's own path stands. */
  readonly pathOf: (recording: Recording) => string;
  /** What the upstream was sent. */
  readonly seen: ReadonlyMap<string, readonly ReplayedRequest[]>;
}

const CONNECTIONS = 24;
const EXCHANGE_TIMEOUT_MS = 30_000;
/** Once so many answers have broken off, each perhaps after that time, the others are not asked for any more. */
const BROKEN_MAX = 48;
const NOT_SENT = 'it was not sent: too many answers had broken off before';
const EXCERPT_BYTES = 200;

export async function replay(exchanges: readonly Exchange[], options: ReplayClientOptions): Promise<readonly ReplayedExchange[]> {
  const pool = new Pool(options.url, { connections: CONNECTIONS, headersTimeout: EXCHANGE_TIMEOUT_MS, bodyTimeout: EXCHANGE_TIMEOUT_MS });
  const replayed: ReplayedExchange[] = [];
  const waiting = exchanges.values();
  let broken = 0;
  const work = async (): Promise<void> => {
    for (const exchange of waiting) {
      const found =
        broken < BROKEN_MAX
          ? await replayOne(pool, exchange, options)
          : { ...exchange, eventId: '', differences: [NOT_SENT], broke: false };
      if (found.broke) broken += 1;
      replayed.push(found);
    }
  };
  try {
    await Promise.all(Array.from({ length: CONNECTIONS }, work));
  } finally {
    await pool.close();
  }
  return replayed;
}

async function replayOne(
  pool: Pool,
  exchange: Exchange,
  options: ReplayClientOptions,
): Promise<ReplayedExchange & { readonly broke: boolean }> {
  const { recording, chunking } = exchange;
  const replayOf = `${recording.id};${chunking.name}`;
  const answer = await ask(pool, {
    method: recording.method,
    path: options.pathOf(recording),
    headers: {
      ...recording.requestHeaders,
      'accept-encoding': 'gzip, br',
      authorization: `Bearer ${options.key}`,
      [REPLAY_HEADER]: replayOf,
    },
    ...(recording.requestBody === '' ? {} : { body: recording.requestBody }),
  });
  const eventId = answer.headers['x-tokenledger-request-id'];
  const differences = [...upstreamDifferences(recording, options.seen.get(replayOf) ?? []), ...answerDifferences(recording, answer)];
  return { ...exchange, eventId: typeof eventId === 'string' ? eventId : '', differences, broke: answer.failure !== '' };
}

function upstreamDifferences(recording: Recording, seen: readonly ReplayedRequest[]): readonly string[] {
  const [request, ...more] = seen;
  if (request === undefined) return ['the provider was not asked'];
  const found: string[] = [];
  if (more.length > 0) found.push(`the provider was asked ${seen.length} times`);
  const asked = `${request.method} ${withoutKey(request.path)}`;
  if (asked !== `${recording.method} ${withoutKey(recording.path)}`) found.push(`the provider was asked ${asked}`);
  if (request.body.toString() !== recording.requestBody) found.push('the request reached the provider changed');
  return found;
}

/** A key in the query is the client's, which no provider is sent. */
function withoutKey(path: string): string {
  const [pathname = '', query = ''] = path.split('?');
  const rest = query.split('&').filter((parameter) => parameter !== '' && !parameter.startsWith('key='));
  return rest.length === 0 ? pathname : `${pathname}?${rest.join('&')}`;
}

function answerDifferences(recording: Recording, answer: Answer): readonly string[] {
  const found: string[] = [];
  if (answer.failure !== '') found.push(`the answer broke off: ${answer.failure}`);
  if (answer.status !== recording.status) found.push(`the status is ${answer.status}, not ${recording.status}`);
  for (const [name, value] of Object.entries(recording.responseHeaders)) {
    if (answer.headers[name] !== value) found.push(`the header ${name} is ${String(answer.headers[name])}, not ${value}`);
  }
  if (!answer.body.equals(wireBody(recording))) found.push(`the body differs: ${excerpt(answer.body)}`);
  return found;
}

/** Without ids, so that the same difference reads the same in every chunking. */
function excerpt(body: Buffer): string {
  return body.toString('utf8', 0, EXCERPT_BYTES).replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>');
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
  /** `''` for an answer that came whole. */
  readonly failure: string;
}

/** Straight from the parser: an answer in single bytes has very many chunks. */
function ask(pool: Pool, request: Dispatcher.DispatchOptions): Promise<Answer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let status = 0;
    let headers: Answer['headers'] = {};
    const settle = (failure: string): void => resolve({ status, headers, body: Buffer.concat(chunks), failure });
    pool.dispatch(request, {
      onRequestStart: () => undefined,
      onResponseStart: (_controller, code, fields) => {
        status = code;
        headers = fields;
      },
      onResponseData: (_controller, chunk) => void chunks.push(chunk),
      onResponseEnd: () => settle(''),
      onResponseError: (_controller, error) => settle(error.message),
    });
  });
}
