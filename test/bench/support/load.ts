/** Two ways to send requests: as fast as answers come (for CPU and throughput), and at set times (for latency). */
import { Pool } from 'undici';

export interface LoadTarget {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

const CONNECTIONS = 64;

async function one(pool: Pool, target: LoadTarget, body: Buffer): Promise<void> {
  const answer = await pool.request({ path: '/v1/chat/completions', method: 'POST', headers: target.headers, body });
  await answer.body.dump({ limit: Number.MAX_SAFE_INTEGER });
  if (answer.statusCode !== 200) throw new Error(`answered ${answer.statusCode}`);
}

/** Keeps 64 requests in flight until `count` are answered. Returns the seconds it took. */
export async function closedLoop(target: LoadTarget, body: Buffer, count: number): Promise<number> {
  const pool = new Pool(target.url, { connections: CONNECTIONS, pipelining: 1 });
  let left = count;
  const began = performance.now();
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await one(pool, target, body);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  const seconds = (performance.now() - began) / 1000;
  await pool.close();
  return seconds;
}

/** Sends `count` requests at `perSecond`, whatever the answers do. Returns each one's milliseconds from its intended time to the end of its answer. */
export async function openLoop(target: LoadTarget, body: Buffer, count: number, perSecond: number): Promise<readonly number[]> {
  const pool = new Pool(target.url, { connections: CONNECTIONS * 4, pipelining: 1 });
  const latencies: number[] = [];
  const pending: Promise<void>[] = [];
  const began = performance.now();
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      while (pending.length < count) {
        const intended = began + (pending.length * 1000) / perSecond;
        if (intended > performance.now()) return;
        pending.push(one(pool, target, body).then(() => void latencies.push(performance.now() - intended)));
      }
      clearInterval(timer);
      resolve();
    }, 1);
  });
  await Promise.all(pending);
  await pool.close();
  return latencies;
}
