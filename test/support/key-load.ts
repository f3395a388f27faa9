/** Requests at an even rate to each ingress, with virtual keys that come and go meanwhile; keeps what became of each. */
import { Pool } from 'undici';
import { CHAT_REQUEST } from './provider-answers.ts';

export interface SentRequest {
  readonly ingress: string;
  /** Text of the virtual key. */
  readonly secret: string;
  /** Milliseconds since the epoch. */
  readonly sentMs: number;
  /** 0: no answer. */
  readonly status: number;
  /** The upstream that answered, by its header `x-served-by`. */
  readonly servedBy: string;
}

export interface KeyLoad extends AsyncDisposable {
  /** In the order of their answers. */
  readonly sent: readonly SentRequest[];
  /** Sends with this one too from now on. */
  add(secret: string): void;
  /** Sends no more, and waits for all answers. */
  stop(): Promise<void>;
}

export interface KeyLoadOptions {
  readonly ingresses: readonly string[];
  readonly secrets: readonly string[];
  /** To each ingress. */
  readonly requestsPerSecond: number;
}

const CONNECTIONS = 8;
const SECOND_MS = 1000;

export function startKeyLoad(options: KeyLoadOptions): KeyLoad {
  const secrets = [...options.secrets];
  const sent: SentRequest[] = [];
  const underWay = new Set<Promise<void>>();
  const pools = options.ingresses.map((ingress) => new Pool(ingress, { connections: CONNECTIONS }));

  async function send(pool: Pool, ingress: string, secret: string): Promise<void> {
    const sentMs = Date.now();
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${secret}` };
    try {
      const answer = await pool.request({ path: '/v1/chat/completions', method: 'POST', headers, body: CHAT_REQUEST });
      await answer.body.dump();
      sent.push({ ingress, secret, sentMs, status: answer.statusCode, servedBy: String(answer.headers['x-served-by'] ?? '') });
    } catch {
      // A request without an answer is what such a test looks for.
      sent.push({ ingress, secret, sentMs, status: 0, servedBy: '' });
    }
  }

  let turn = 0;
  const timer = setInterval(() => {
    turn += 1;
    for (const [index, ingress] of options.ingresses.entries()) {
      const request = send(pools[index] as Pool, ingress, secrets[turn % secrets.length] as string).finally(() => underWay.delete(request));
      underWay.add(request);
    }
  }, SECOND_MS / options.requestsPerSecond);

  async function stop(): Promise<void> {
    clearInterval(timer);
    await Promise.all(underWay);
  }

  return {
    sent,
    add: (secret) => void secrets.push(secret),
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
      await Promise.all(pools.map((pool) => pool.destroy()));
    },
  };
}
