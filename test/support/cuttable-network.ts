/** Sockets that all break at once, and of which none opens until the network is mended. */
import { connect, Socket } from 'node:net';

export interface CuttableNetwork {
  /** In place of `net.connect`. */
  connect(host: string, port: number): Socket;
  cut(): void;
  mend(): void;
}

export function cuttableNetwork(): CuttableNetwork {
  const sockets = new Set<Socket>();
  let cut = false;
  return {
    connect: (host, port) => {
      const socket = cut ? new Socket() : connect({ host, port });
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      if (cut) process.nextTick(() => socket.destroy(new Error('the network is cut')));
      return socket;
    },
    cut: () => {
      cut = true;
      for (const socket of sockets) socket.destroy(new Error('the network is cut'));
    },
    mend: () => {
      cut = false;
    },
  };
}
