/** The ClickHouse engine in a process of its own, which stays dead when it is killed until it is started again on its directory. */
import { type EmbeddedClickHouse, startEmbeddedClickHouse } from '@tokenledger/clickhouse';

export interface ClickHouseProcess extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Of the process that runs; undefined while none does. */
  pid(): number | undefined;
  /** SIGKILL, then its end. */
  kill(): Promise<void>;
  /** Resolves once it answers, at the same address as before. */
  start(): Promise<void>;
}

const STOP_MS = 10_000;
const ENDED_MS = 2_000;

export async function startClickHouseProcess(directory: string): Promise<ClickHouseProcess> {
  let server: EmbeddedClickHouse | undefined = await startEmbeddedClickHouse({ directory, host: '127.0.0.1', port: 0 });
  const { url } = server;
  const port = Number(new URL(url).port);
  const pid = (): number | undefined => {
    const state = server?.state();
    return state?.kind === 'ready' ? state.pid : undefined;
  };
  return {
    url,
    port,
    pid,
    async kill() {
      const running = pid();
      if (running !== undefined) process.kill(running, 'SIGKILL');
      // Whoever watches over it would start it again.
      await server?.stop(ENDED_MS);
      server = undefined;
    },
    async start() {
      server ??= await startEmbeddedClickHouse({ directory, host: '127.0.0.1', port });
    },
    async [Symbol.asyncDispose]() {
      await server?.stop(STOP_MS);
    },
  };
}
