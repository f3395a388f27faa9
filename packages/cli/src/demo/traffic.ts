/** Light demo traffic: mixed models, surfaces and streams, some requests given up half-way and some that fail. The n-th request is always the same. */
import { AppError } from '@tokenledger/domain';
import type { Logger, Part } from '@tokenledger/runtime';
import type { Surface } from './documents.ts';

/** The n-th request. */
export interface DemoRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The client leaves after the first piece of the answer. */
  readonly givesUp: boolean;
  /** The simulator is told to refuse or to break off. */
  readonly fails: boolean;
}

export interface TrafficOptions {
  readonly ingressUrl: () => string;
  /** Texts of virtual keys. */
  readonly keys: () => readonly string[];
  /** Only those that the simulator serves. */
  readonly surfaces: readonly Surface[];
  readonly requestsPerSecond: number;
  readonly logger: Logger;
}

const IN_FLIGHT_MAX = 16;
const REQUEST_TIMEOUT_MS = 60_000;
/** How long requests on their way may take to end by themselves when traffic stops. */
const STOP_PATIENCE_MS = 3_000;
const GIVE_UP_EVERY = 19;
const FAIL_EVERY = 23;
const SECOND_MS = 1000;

const MODELS: Readonly<Record<Surface, readonly string[]>> = {
  'openai.chat': ['gpt-5-mini', 'gpt-5', 'gpt-4.1', 'gpt-4o-mini'],
  'anthropic.messages': ['claude-sonnet-4-5', 'claude-haiku-4-5', 'claude-opus-4-5'],
};
const PROMPTS = [
  'Where is my parcel? It was due on Tuesday.',
  'Plan a route for three vans through the old town before noon.',
  'Review this change and list what could go wrong with it.',
  'Summarise the complaint below in one sentence.',
  'Write a polite answer that offers a refund.',
] as const;
const FEATURES = ['order-status', 'routing', 'review', 'summaries', 'replies'] as const;

/** How demo requests go wrong: refused for their rate, failed, broken off, ended by an error in the stream. */
const FAILURES = [
  { status: 429, retry_after_s: 1 },
  { status: 500 },
  { cut_after_chunks: 4, cut_after_bytes: 40 },
  { error_after_chunks: 3 },
] as const;

/** Pure. */
export function demoRequest(n: number, surfaces: readonly Surface[], key: string): DemoRequest {
  const surface = at(surfaces, choice(n, 1));
  const model = at(MODELS[surface], choice(n, 2));
  const givesUp = n % GIVE_UP_EVERY === GIVE_UP_EVERY - 1;
  const streamed = givesUp || choice(n, 3) % 3 !== 0;
  const turn = choice(n, 4) % PROMPTS.length;
  const messages = [{ role: 'user', content: at(PROMPTS, turn) }];
  const attribution = {
    'x-tokenledger-feature': at(FEATURES, turn),
    'x-tokenledger-user': `user-${choice(n, 5) % 40}`,
    'x-tokenledger-conversation': `conversation-${Math.floor(n / 6)}`,
  };
  const fails = !givesUp && n % FAIL_EVERY === FAIL_EVERY - 1;
  const script = fails ? at(FAILURES, Math.floor(n / FAIL_EVERY)) : { latency_ms: 60 + (n % 7) * 30, chunk_delay_ms: givesUp ? 60 : 15 };
  // The simulator acts by this header; a real provider never sees demo traffic.
  const common = { 'content-type': 'application/json', 'x-sim-script': JSON.stringify(script), ...attribution };
  switch (surface) {
    case 'openai.chat':
      return {
        path: '/v1/chat/completions',
        headers: { ...common, authorization: `Bearer ${key}` },
        body: JSON.stringify({ model, messages, ...(streamed ? { stream: true } : {}) }),
        givesUp,
        fails,
      };
    case 'anthropic.messages':
      return {
        path: '/v1/messages',
        headers: { ...common, 'x-api-key': key, 'anthropic-version': '2023-06-01' },
        body: JSON.stringify({ model, max_tokens: 400, messages, ...(streamed ? { stream: true } : {}) }),
        givesUp,
        fails,
      };
  }
}

/** Sends at an even rate, whatever the answers do; skips a turn while too many are on their way. */
export function demoTraffic(options: TrafficOptions): Part {
  const inFlight = new Set<Promise<void>>();
  const stopping = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let n = 0;
  const next = (): void => {
    if (inFlight.size >= IN_FLIGHT_MAX) return;
    const request = demoRequest(n, options.surfaces, at(options.keys(), choice(n, 6)));
    n += 1;
    const sent = send(options.ingressUrl(), request, stopping.signal)
      .catch((error: unknown) => options.logger.debug({ err: error }, 'a demo request did not end well'))
      .finally(() => inFlight.delete(sent));
    inFlight.add(sent);
  };
  return {
    name: 'demo traffic',
    start() {
      if (options.requestsPerSecond > 0 && options.surfaces.length > 0) timer = setInterval(next, SECOND_MS / options.requestsPerSecond);
      return Promise.resolve();
    },
    async stop(deadlineMs) {
      clearInterval(timer);
      const patience = setTimeout(() => stopping.abort(), Math.min(STOP_PATIENCE_MS, deadlineMs / 2));
      await Promise.all(inFlight);
      clearTimeout(patience);
      return { left: '' };
    },
  };
}

async function send(ingressUrl: string, request: DemoRequest, stopping: AbortSignal): Promise<void> {
  const leave = new AbortController();
  const answer = await fetch(`${ingressUrl}${request.path}`, {
    method: 'POST',
    headers: request.headers,
    body: request.body,
    signal: AbortSignal.any([leave.signal, stopping, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
  });
  const reader = answer.body?.getReader();
  if (reader === undefined) return;
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    if (request.givesUp) return leave.abort();
  }
}

/** A number that follows from `n`, unlike those of other salts: so that choices do not go together. */
function choice(n: number, salt: number): number {
  let mixed = Math.imul(n ^ (salt << 24), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

function at<Item>(items: readonly Item[], index: number): Item {
  const item = items[index % items.length];
  if (item === undefined) throw new AppError('USAGE', 'demo traffic needs a key and a surface');
  return item;
}
