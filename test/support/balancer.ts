/** A load balancer for tests, as a cluster has one: each new connection goes to the next backend that says it is ready. It knows nothing of requests. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

export interface Backend {
  readonly name: string;
  /** Where connections go, and where readiness is asked; both may change when the backend is started anew. Undefined while it is not there. */
  readonly target: () => { readonly url: string; readonly readyUrl: string } | undefined;
}

export interface Balancer extends AsyncDisposable {
  readonly url: string;
  /** Connections that each backend was given. */
  readonly given: ReadonlyMap<string, number>;
}

/** Between two looks at whether backends are ready, in milliseconds. */
const LOOK_MS = 50;
const ANSWER_MS_MAX = 1_000;
const CONNECT_TRIES = 100;

export async function startBalancer(backends: readonly Backend[]): Promise<Balancer> {
  const ready = new Map<string, URL>();
  const given = new Map(backends.map(({ name }) => [name, 0]));
  const open = new Set<Socket>();
  const stop = new AbortController();
  let turn = 0;

  async function look({ name, target }: Backend): Promise<void> {
    const found = target();
    const answer = found === undefined ? 'no' : await askReady(found.readyUrl);
    if (answer === 'no') ready.delete(name);
    if (answer === 'yes' && found !== undefined) ready.set(name, new URL(found.url));
  }
  async function lookOn(): Promise<void> {
    while (!stop.signal.aborted) {
      await Promise.all(backends.map(look));
      await wait(LOOK_MS, undefined, { signal: stop.signal }).catch(() => undefined); // the end of the wait is all that counts
    }
  }
  function next(): URL | undefined {
    const choice = [...ready].toSorted(([a], [b]) => (a < b ? -1 : 1));
    const [name, url] = choice[(turn += 1) % choice.length] ?? [];
    if (name !== undefined) given.set(name, (given.get(name) ?? 0) + 1);
    return url;
  }

  /** A backend that takes no connections any more is passed over, as balancers do: nothing has been sent yet. */
  async function connectToNext(): Promise<Socket | undefined> {
    for (let tries = 0; tries < CONNECT_TRIES; tries += 1) {
      const url = next();
      const socket = url === undefined ? undefined : await connected(url);
      if (socket !== undefined) return socket;
      await wait(LOOK_MS);
    }
    return undefined;
  }
  function join(client: Socket, upstream: Socket): void {
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.setNoDelay(true);
      socket.once('close', () => open.delete(socket));
    }
    client.pipe(upstream);
    upstream.pipe(client);
    // What one side does abruptly, the other sees as abruptly.
    client.on('close', () => upstream.destroy());
    upstream.on('error', () => client.destroy()).on('close', () => client.destroy());
  }

  const server = createServer({ pauseOnConnect: true }, (client) => {
    client.on('error', () => client.destroy());
    void connectToNext().then((upstream) => {
      if (upstream === undefined || client.destroyed) {
        client.destroy();
        upstream?.destroy();
      } else join(client, upstream);
    });
  });
  await Promise.all(backends.map(look));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const looking = lookOn();
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    given,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await looking;
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A slow answer says nothing about who is ready. */
async function askReady(url: string): Promise<'yes' | 'no' | 'slow'> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS_MAX) });
    await answer.arrayBuffer();
    return answer.ok ? 'yes' : 'no';
  } catch (error) {
    return error instanceof Error && error.name === 'TimeoutError' ? 'slow' : 'no';
  }
}

/** Undefined when the connection is refused. */
function connected(url: URL): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect(Number(url.port), url.hostname);
    socket.once('connect', () => resolve(socket));
    socket.once('error', () => resolve(undefined));
  });
}
