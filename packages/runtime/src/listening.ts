/** Ports: what a failure to listen means for the one who started the program. */
import { createServer } from 'node:net';
import { AppError } from '@tokenledger/domain';

export interface ListenTarget {
  /** Config section with `host` and `port`, e.g. `ingress`; the flag is `--<section>-port`. */
  readonly section: string;
  readonly host: string;
  readonly port: number;
}

/** Turns what `listen` failed with into `PORT_TAKEN` or `LISTEN_FAILED`; anything else comes back as it is. */
export function listenFailure(error: unknown, target: ListenTarget): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const at = `${target.host}:${target.port}`;
  const other = `choose another with --${target.section}-port (0 means any free port)`;
  switch (code) {
    case 'EADDRINUSE':
      return new AppError(
        'PORT_TAKEN',
        `${target.section}.port ${target.port} is taken on ${target.host}: stop what listens there, or ${other}`,
        { cause: error },
      );
    case 'EACCES':
      return new AppError('LISTEN_FAILED', `${target.section}.port: may not listen on ${at}: ${other}`, { cause: error });
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new AppError('LISTEN_FAILED', `${target.section}.host: ${target.host} is no address of this machine: correct it`, {
        cause: error,
      });
    default:
      return error;
  }
}

/** Listens for a moment to see that it can. Throws as `listenFailure` says. */
export async function requireFreePort(target: ListenTarget): Promise<void> {
  if (target.port === 0) return;
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: target.host, port: target.port, exclusive: true }, resolve);
    });
  } catch (error) {
    throw listenFailure(error, target);
  }
  await new Promise<void>((resolve) => server.close(() => resolve()));
}

/** `http://127.0.0.1:8080`, with the address that a client on this machine can use. */
export function localUrl(host: string, port: number): string {
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}
