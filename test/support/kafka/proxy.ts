/** A proxy in front of a real Kafka that a test can turn into a bad network: it sees each request and each response, and loses, delays or cuts them. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { type Address, replaceAddresses } from './addresses.ts';
import { FrameCutter, type RequestHeader, requestHeader } from './protocol.ts';

export interface Exchange extends RequestHeader {
  readonly direction: 'request' | 'response';
  /** The message with its length in front. */
  readonly frame: Buffer;
}

export type Fate =
  | { readonly kind: 'pass' }
  /** It never arrives; the connection goes on. */
  | { readonly kind: 'lose' }
  /** The connection ends instead. */
  | { readonly kind: 'cut' }
  /** Nothing arrives on this connection any more, in either direction, and nobody is told. */
  | { readonly kind: 'silence' }
  /** It arrives once `until` resolves, and all behind it after it. */
  | { readonly kind: 'delay'; readonly until: Promise<unknown> };

export interface KafkaProxy extends AsyncDisposable {
  /** Where clients begin, as host:port. */
  readonly brokers: string;
  /** Decides on each message from now on; asked in order of arrival. */
  decide(fate: (exchange: Exchange) => Fate): void;
  /** Requests of this kind that were handed over and not answered yet, on connections that are still open. */
  inFlight(api: number): number;
}

export const PASS: Fate = { kind: 'pass' };

export async function startKafkaProxy(brokers: string): Promise<KafkaProxy> {
  const proxy = new Proxy();
  const [host = '', port = ''] = (brokers.split(',')[0] ?? '').split(':');
  const { port: entrance } = await proxy.standInFor({ host, port: Number(port) });
  return Object.assign(proxy, { brokers: `127.0.0.1:${entrance}` });
}

class Proxy {
  readonly #servers: Server[] = [];
  readonly #standIns = new Map<string, Promise<Address>>();
  readonly #sockets = new Set<Socket>();
  /** By connection. */
  readonly #asked = new Set<ReadonlyMap<number, RequestHeader>>();
  #fate: (exchange: Exchange) => Fate = () => PASS;

  decide(fate: (exchange: Exchange) => Fate): void {
    this.#fate = fate;
  }

  inFlight(api: number): number {
    let count = 0;
    for (const asked of this.#asked) for (const request of asked.values()) if (request.api === api) count += 1;
    return count;
  }

  /** The address here behind which a broker is, the same one each time. */
  standInFor(broker: Address): Promise<Address> {
    const name = `${broker.host}:${broker.port}`;
    const known = this.#standIns.get(name) ?? this.#listenFor(broker);
    this.#standIns.set(name, known);
    return known;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }

  async #listenFor(broker: Address): Promise<Address> {
    const server = createServer((client) => this.#connect(client, broker));
    this.#servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
  }

  #connect(client: Socket, broker: Address): void {
    const upstream = connect(broker);
    const asked = new Map<number, RequestHeader>();
    this.#asked.add(asked);
    const cut = (): void => {
      this.#asked.delete(asked);
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      this.#sockets.add(socket);
      // Errors end a connection here as anything else does.
      socket.on('error', cut).on('close', () => {
        this.#sockets.delete(socket);
        cut();
      });
    }
    const silence = { fallen: false };
    const deliver = async (exchange: Exchange, to: Socket): Promise<void> => {
      if (silence.fallen) return;
      const fate = this.#fate(exchange);
      switch (fate.kind) {
        case 'lose':
          return;
        case 'cut':
          return cut();
        case 'silence':
          silence.fallen = true;
          return;
        case 'delay':
          await fate.until;
          break;
        case 'pass':
          break;
      }
      to.write(exchange.frame);
    };
    relay(client, cut, async (frame) => {
      const header = requestHeader(frame);
      asked.set(header.correlation, header);
      await deliver({ ...header, direction: 'request', frame }, upstream);
    });
    relay(upstream, cut, async (frame) => {
      const correlation = frame.readInt32BE(4);
      const header = asked.get(correlation);
      if (header === undefined) throw new Error(`an answer to nothing: ${correlation}`);
      asked.delete(correlation);
      const replaced = await replaceAddresses(header, frame, (address) => this.standInFor(address));
      await deliver({ ...header, direction: 'response', frame: replaced }, client);
    });
  }
}

/** Passes frames on one after another. */
function relay(from: Socket, cut: () => void, pass: (frame: Buffer) => Promise<void>): void {
  const cutter = new FrameCutter();
  let last = Promise.resolve();
  from.on('data', (chunk: Buffer) => {
    for (const frame of cutter.push(chunk)) {
      last = last
        .then(() => pass(frame))
        .catch((error: unknown) => {
          console.error('the proxy cut a connection:', error);
          cut();
        });
    }
  });
}
