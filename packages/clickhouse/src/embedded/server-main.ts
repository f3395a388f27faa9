/** The embedded server's process: chDB and ClickHouse's HTTP interface. Started by `startEmbeddedClickHouse`, ends with its parent. */
import type { Server } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { AppError } from '@tokenledger/domain';
import { EMPTY_CONFIG, openEngine } from './engine.ts';
import { Executor } from './executor.ts';
import { createHttpServer } from './http-server.ts';
import { lockDirectory } from './directory-lock.ts';
import type { EmbeddedServerMessage, EmbeddedServerOptions } from './messages.ts';
import { Spool } from './spool.ts';

const MIB = 1024 * 1024;

const LIMITS = {
  waitingMax: 256,
  sessionsMax: 64,
  resultBytesMax: 1024 * MIB,
  bodyBytesMax: 256 * MIB,
  bodyBytesInFlightMax: 1024 * MIB,
  connectionsMax: 512,
  headBytesMax: MIB,
} as const;

/** After the grace for running queries: killing them, and closing the engine. */
const CLOSE_MS_MAX = 5_000;
/** For clients to take the last answers. */
const ANSWERS_MS_MAX = 1_000;

async function main(): Promise<void> {
  const options = JSON.parse(process.argv[2] ?? '{}') as EmbeddedServerOptions;
  // Ctrl-C reaches the whole group of processes: whoever started us decides when to stop, once it has written its last rows.
  process.on('SIGINT', () => undefined);
  process.on('SIGHUP', () => undefined);
  // A parent that is gone reads no more.
  process.stderr.on('error', () => undefined);

  const lock = lockDirectory(options.directory, options.lockWaitMs);
  const engine = await openEngine(options.directory, options.configFile === '' ? EMPTY_CONFIG : options.configFile);
  // The engine takes `*` and the like in the path of a file for patterns, so it gets a relative one.
  process.chdir(options.directory);
  const executor = new Executor(engine, new Spool('spool'), { ...LIMITS, queriesMax: options.sessions });
  const { server, answered } = createHttpServer(executor, engine.version, LIMITS);

  let isStopping = false;
  const stop = async (graceMs: number): Promise<void> => {
    if (isStopping) return;
    isStopping = true;
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), graceMs + CLOSE_MS_MAX).unref();
    server.close();
    await executor.drain(graceMs);
    await Promise.race([answered(), wait(ANSWERS_MS_MAX)]);
    server.closeAllConnections();
    engine.close();
    lock.release();
    process.exit(0);
  };
  process.on('SIGTERM', () => void stop(options.stopGraceMs));
  process.on('disconnect', () => void stop(0));

  const port = await listen(server, options);
  tell({ kind: 'listening', port, version: engine.version });
}

function listen(server: Server, { host, port }: EmbeddedServerOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE';
      reject(
        taken
          ? new AppError('EMBEDDED_PORT_TAKEN', `port ${port} of ${host} is taken: stop what listens there, or choose another port`, {
              cause: error,
            })
          : new AppError('EMBEDDED_START_FAILED', `cannot listen on ${host}:${port} (${error.message}): choose another host or port`, {
              cause: error,
            }),
      );
    });
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

function tell(message: EmbeddedServerMessage, then: () => void = () => undefined): void {
  if (process.send) process.send(message, then);
  else then();
}

try {
  await main();
} catch (error) {
  const code = error instanceof AppError ? error.code : 'EMBEDDED_START_FAILED';
  tell({ kind: 'failed', code, message: error instanceof Error ? error.message : String(error) }, () => process.exit(1));
}
