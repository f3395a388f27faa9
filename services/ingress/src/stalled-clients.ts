/** Clients that take nothing of what waits for them are dropped, whatever it is: looked at by connection, so that it costs no request anything. */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';

interface Look {
  /** Bytes that were taken by then; −1: nothing waited. */
  taken: number;
  stalledLooks: number;
}

/** A client is dropped after this many looks in a row at which it had taken nothing more. */
const LOOKS = 4;

/** After `stallMs`, or up to a quarter more. Stops when the server is closed. */
export function dropStalledClients(server: Server, stallMs: number): void {
  const connections = new Map<Socket, Look>();
  server.on('connection', (socket) => {
    connections.set(socket, { taken: -1, stalledLooks: 0 });
    socket.once('close', () => connections.delete(socket));
  });
  const timer = setInterval(() => {
    for (const [socket, look] of connections) if (isStalled(socket, look)) socket.destroy();
  }, stallMs / LOOKS);
  timer.unref();
  server.once('close', () => clearInterval(timer));
}

function isStalled({ writableLength, bytesWritten }: Socket, look: Look): boolean {
  const taken = writableLength === 0 ? -1 : bytesWritten - writableLength;
  look.stalledLooks = taken >= 0 && taken === look.taken ? look.stalledLooks + 1 : 0;
  look.taken = taken;
  return look.stalledLooks >= LOOKS;
}
