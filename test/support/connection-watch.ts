/** Loaded into a process before its program (`node --import`): writes down whom it and its children talk to, a line of JSON each, to the file that
 *  `CONNECTION_WATCH_FILE` names. Read it with `watchedConnections`. */
import { Socket as UdpSocket } from 'node:dgram';
import dns from 'node:dns';
import { appendFileSync, readFileSync } from 'node:fs';
import { isIP, Server, Socket } from 'node:net';

type Watched =
  | { readonly kind: 'process'; readonly pid: number; readonly program: string }
  | { readonly kind: 'listens'; readonly pid: number; readonly at: string }
  | { readonly kind: 'connects'; readonly pid: number; readonly to: string }
  /** Datagrams and names that are looked up: a name that is an address, or this host, is none. */
  | { readonly kind: 'other'; readonly pid: number; readonly what: string };

export function watchedConnections(file: string): readonly Watched[] {
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as Watched);
}

const file = process.env['CONNECTION_WATCH_FILE'];
if (file !== undefined) watch(file);

type Method = (...args: unknown[]) => unknown;

function watch(to: string): void {
  const { pid } = process;
  const write = (watched: Watched): void => appendFileSync(to, `${JSON.stringify(watched)}\n`);
  write({ kind: 'process', pid, program: process.argv[1] ?? '' });
  before(Socket.prototype, 'connect', (socket) => {
    const connecting = socket as Socket;
    connecting.once('connect', () => write({ kind: 'connects', pid, to: `${connecting.remoteAddress}:${connecting.remotePort}` }));
    connecting.once('connectionAttempt', (address, port) => write({ kind: 'connects', pid, to: `${address}:${port}` }));
  });
  before(Server.prototype, 'listen', (server) => {
    const listening = server as Server;
    listening.once('listening', () => {
      const address = listening.address();
      if (typeof address === 'object') write({ kind: 'listens', pid, at: `${address?.address}:${address?.port}` });
    });
  });
  for (const name of ['send', 'connect', 'bind']) {
    before(UdpSocket.prototype, name, () => write({ kind: 'other', pid, what: `datagrams: ${name}` }));
  }
  for (const name of ['lookup', 'resolve', 'resolve4', 'resolve6', 'resolveAny', 'resolveSrv', 'resolveTxt', 'reverse']) {
    for (const resolver of [dns, dns.promises]) {
      before(resolver, name, (_resolver, [host]) => {
        if (isIP(String(host)) === 0 && host !== 'localhost') write({ kind: 'other', pid, what: `name: ${String(host)}` });
      });
    }
  }
}

/** Calls `look` before a method of `object`, whose behaviour stays as it is. */
function before(object: object, name: string, look: (self: unknown, args: readonly unknown[]) => void): void {
  const methods = object as Record<string, Method | undefined>;
  const method = methods[name];
  if (method === undefined) return;
  methods[name] = function (this: unknown, ...args: unknown[]): unknown {
    look(this, args);
    return method.apply(this, args);
  };
}
