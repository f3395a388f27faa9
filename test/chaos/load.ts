/** Clients of the ingresses: requests at a steady rate, each told apart by a number of its own, and what each of them saw. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Script } from '@tokenledger/provider-simulator';
import { Agent, errors } from 'undici';
import { chance } from './random.ts';

export interface ClientRequest {
  /** Sent along as `x-tokenledger-task-id`. */
  readonly id: string;
  readonly path: '/v1/chat/completions' | '/v1/messages';
  readonly streamed: boolean;
  readonly ingress: string;
  /** Milliseconds since the load began. */
  readonly beganMs: number;
  readonly ended: ClientEnd;
}

export type ClientEnd =
  /** The whole answer came. `recorded`: false for a refusal that leaves no event behind. */
  | { readonly kind: 'answered'; readonly status: number; readonly recorded: boolean; readonly endedMs: number }
  /** The connection broke. */
  | { readonly kind: 'broken'; readonly endedMs: number }
  /** The client itself went. */
  | { readonly kind: 'left'; readonly endedMs: number }
  /** Nothing listened. */
  | { readonly kind: 'unsent'; readonly endedMs: number };

export interface LoadOptions {
  readonly seed: number;
  readonly perSecond: number;
  readonly keys: readonly string[];
  /** Where ingresses listen, by name; undefined while one does not. */
  readonly ingresses: readonly { readonly name: string; readonly url: () => string | undefined }[];
}

export interface Load {
  readonly requests: readonly ClientRequest[];
  /** Requests whose end at this ingress a kill now may keep from being recorded. */
  inFlight(ingress: string): number;
  stop(): Promise<void>;
}

interface Planned {
  readonly path: ClientRequest['path'];
  readonly streamed: boolean;
  readonly key: string;
  readonly ingress: number;
  readonly script: Script;
  readonly leaves: boolean;
  readonly invalid: boolean;
}

const CONNECTIONS = 64;
/** A client that never hears again gives up. */
const ANSWER_MS_MAX = 30_000;
/** How long an answer may be read on after its client has left, as the ingresses are configured. */
export const DRAIN_MS_MAX = 5_000;

export function startLoad(options: LoadOptions): Load {
  const agent = new Agent({ connections: CONNECTIONS });
  const random = chance(options.seed);
  const requests: ClientRequest[] = [];
  const open = new Map<string, { readonly ingress: string; leftMs?: number }>();
  const sending = new Set<Promise<void>>();
  const startedMs = performance.now();
  const sinceMs = (): number => Math.round(performance.now() - startedMs);
  let begun = 0;
  let stopped = false;

  function plan(): Planned {
    const streamed = random.once(0.7);
    const base = { path: random.pick(['/v1/chat/completions', '/v1/messages'] as const), streamed, key: random.pick(options.keys) };
    const rest = { ingress: random.below(options.ingresses.length), leaves: false, invalid: false };
    const fate = random.below(100);
    if (fate < 4) return { ...base, ...rest, streamed: true, script: { chunks: 20, chunk_delay_ms: 30 }, leaves: true };
    if (fate < 6) return { ...base, ...rest, script: { status: random.pick([429, 500, 400]) } };
    if (fate < 7) return { ...base, ...rest, streamed: true, script: { chunks: 8, cut_after_chunks: 3 } };
    if (fate < 9) return { ...base, ...rest, script: {}, invalid: true };
    const classes = { uncached_input: 1 + random.below(5_000), visible_output: 1 + random.below(900) };
    return streamed
      ? { ...base, ...rest, script: { classes, chunks: 2 + random.below(20), chunk_delay_ms: 5 + random.below(60) } }
      : { ...base, ...rest, script: { classes, latency_ms: 20 + random.below(400) } };
  }

  async function send(index: number): Promise<void> {
    const planned = plan();
    const target = options.ingresses[planned.ingress];
    const url = target?.url();
    const request = {
      id: `chaos-${options.seed}-${index}`,
      path: planned.path,
      streamed: planned.streamed,
      ingress: target?.name ?? '',
      beganMs: sinceMs(),
    };
    if (url === undefined) {
      requests.push({ ...request, ended: { kind: 'unsent', endedMs: sinceMs() } });
      return;
    }
    const mark: { readonly ingress: string; leftMs?: number } = { ingress: request.ingress };
    open.set(request.id, mark);
    const ended = await exchange(agent, url, planned, request.id);
    const endedMs = sinceMs();
    requests.push({ ...request, ended: { ...ended, endedMs } });
    // Its answer may be read on, by an ingress that a kill may meet then.
    if (ended.kind === 'left') mark.leftMs = endedMs;
    else open.delete(request.id);
  }

  async function run(): Promise<void> {
    const intervalMs = 1_000 / options.perSecond;
    while (!stopped) {
      for (; begun < sinceMs() / intervalMs; begun += 1) {
        const request = send(begun);
        sending.add(request);
        void request.finally(() => sending.delete(request));
      }
      await wait(intervalMs);
    }
  }
  const running = run();
  return {
    requests,
    inFlight(ingress) {
      const drainedMs = sinceMs() - DRAIN_MS_MAX - 1_000;
      return [...open.values()].filter((one) => one.ingress === ingress && (one.leftMs ?? Infinity) > drainedMs).length;
    },
    async stop() {
      stopped = true;
      await running;
      await Promise.all(sending);
      await agent.destroy();
    },
  };
}

type Ended =
  | { readonly kind: 'answered'; readonly status: number; readonly recorded: boolean }
  | { readonly kind: 'broken' | 'left' | 'unsent' };

async function exchange(agent: Agent, origin: string, planned: Planned, id: string): Promise<Ended> {
  try {
    const answer = await agent.request({
      origin,
      path: planned.path,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${planned.key}`,
        'x-tokenledger-task-id': id,
        'x-sim-script': JSON.stringify(planned.script),
      },
      body: planned.invalid ? '{"model":' : bodyOf(planned),
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    });
    if (planned.leaves) {
      for await (const _chunk of answer.body) break; // leaving the loop ends the connection
      return { kind: 'left' };
    }
    const text = await answer.body.text();
    return { kind: 'answered', status: answer.statusCode, recorded: !(answer.statusCode === 503 && text.includes('JOURNAL_FULL')) };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED') return { kind: 'unsent' };
    if (error instanceof DOMException && error.name === 'TimeoutError') return { kind: 'left' };
    if (error instanceof errors.UndiciError || (error instanceof Error && 'code' in error)) {
      return { kind: 'broken' };
    }
    throw error;
  }
}

function bodyOf({ path, streamed }: Planned): string {
  const model = path === '/v1/messages' ? 'claude-sonnet-4-5' : 'gpt-4o-mini';
  return JSON.stringify({ model, stream: streamed, max_tokens: 1_000, messages: [{ role: 'user', content: 'Hi' }] });
}
