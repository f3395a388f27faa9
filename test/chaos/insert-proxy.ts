/** A proxy in front of ClickHouse that holds inserts back, loses the answers to them, or cuts their connections. Everything else passes. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export type InsertFate =
  | 'pass'
  /** Kept here until the fate changes, whether or not its sender still waits; then handed over, or cut. */
  | 'hold'
  /** Handed over; the connection ends instead of the answer. */
  | 'lose_answer'
  /** The connection ends before anything is handed over. */
  | 'cut';

export interface InsertProxy extends AsyncDisposable {
  readonly url: string;
  /** From now on. */
  decide(fate: InsertFate): void;
  /** Inserts that were handed over and not answered yet. */
  inFlight(): number;
  /** Inserts that are held here. */
  held(): number;
}

const REQUEST = /^(POST|GET|OPTIONS|HEAD) /;
const METHOD_CHARS_MAX = 8;

/** `table`: inserts into others pass; all are meant unless given. */
export async function startInsertProxy(target: { readonly host: string; readonly port: number }, table = ''): Promise<InsertProxy> {
  const sockets = new Set<Socket>();
  const handedOver = new Set<Socket>();
  let held = 0;
  let fate: InsertFate = 'pass';
  let released = Promise.withResolvers<InsertFate>();

  function join(client: Socket): void {
    const server = connect(target);
    let inserts = false;
    const cut = (): void => {
      handedOver.delete(client);
      client.destroy();
      server.destroy();
    };
    const hold = async (): Promise<InsertFate> => {
      held += 1;
      const then = await released.promise;
      held -= 1;
      return then;
    };
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.once('close', () => sockets.delete(socket));
    }
    let sending = Promise.resolve();
    client.on('data', (chunk: Buffer) => {
      sending = sending.then(async () => {
        if (REQUEST.test(chunk.toString('latin1', 0, METHOD_CHARS_MAX))) inserts = chunk.includes('INSERT') && chunk.includes(table);
        if (inserts && fate === 'cut') return cut();
        if (inserts && fate === 'hold' && (await hold()) === 'cut') return cut();
        if (inserts) handedOver.add(client);
        server.write(chunk);
      });
    });
    server.on('data', (chunk: Buffer) => {
      handedOver.delete(client);
      if (inserts && fate === 'lose_answer') cut();
      else client.write(chunk);
    });
    // What its sender has given up may still be on its way.
    const sent = (): void => void (sending = sending.then(() => void server.end()));
    client.on('end', sent).on('error', sent).on('close', sent);
    server.on('error', cut).on('close', cut);
  }

  const listener = createServer((client) => join(client));
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(listener.address() as AddressInfo).port}`,
    decide(next) {
      fate = next;
      if (next === 'hold') return;
      released.resolve(next);
      released = Promise.withResolvers();
    },
    inFlight: () => handedOver.size,
    held: () => held,
    async [Symbol.asyncDispose]() {
      released.resolve('cut');
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}
