/** Two ways to send requests: as fast as answers come (for CPU and throughput), and at set times (for latency). */
import { Pool } from 'undici';
import { RawConnection } from './raw-connection.ts';

export interface LoadTarget {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

const CONNECTIONS = 64;
const PATH = '/v1/chat/completions';

async function one(pool: Pool, target: LoadTarget, body: Buffer): Promise<void> {
  const answer = await pool.request({ path: PATH, method: 'POST', headers: target.headers, body });
  await answer.body.dump({ limit: Number.MAX_SAFE_INTEGER });
  if (answer.statusCode !== 200) throw new Error(`answered ${answer.statusCode}`);
}

/** Keeps 64 requests in flight until `count` are answered. Returns the seconds it took.
 *
 *  Stays awake meanwhile: waking a sleeping process is paid for by whoever sends to it, on a virtual machine with up to 20 µs, and the slower
 *  a proxy the more often it would find this process asleep. That is no cost of the proxy. */
export async function closedLoop(target: LoadTarget, body: Buffer, count: number): Promise<number> {
  const connections = Array.from(
    { length: CONNECTIONS },
    () => new RawConnection({ url: target.url, path: PATH, headers: target.headers, body }),
  );
  let left = count;
  let running = true;
  const stayAwake = (): void => {
    if (running) setImmediate(stayAwake);
  };
  stayAwake();
  const began = performance.now();
  await Promise.all(
    connections.map(async (connection) => {
      while (left > 0) {
        left -= 1;
        await connection.send();
      }
    }),
  );
  const seconds = (performance.now() - began) / 1000;
  running = false;
  for (const connection of connections) connection.close();
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
