/** A provider that writes bytes, not answers: for what no HTTP server would send. */
import { createServer, type Socket } from 'node:net';

export interface RawUpstream extends AsyncDisposable {
  readonly url: string;
  /** Requests that came, as text, heads and bodies. */
  readonly seen: string[];
}

/** `answer` is called for each request once it is whole, `count` from 1. */
export async function rawUpstream(answer: (socket: Socket, request: string, count: number) => void): Promise<RawUpstream> {
  const seen: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => undefined); // the ingress may cut us off: we earned it
    let text = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk;
      for (let end = endOfRequest(text); end > 0 && end <= text.length; end = endOfRequest(text)) {
        const request = text.slice(0, end);
        text = text.slice(end);
        seen.push(request);
        answer(socket, request, seen.length);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    seen,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** 0 while its head is not whole. The ingress announces the length of what it sends. */
function endOfRequest(text: string): number {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return 0;
  return end + 4 + Number(/\r\ncontent-length: (\d+)/i.exec(text.slice(0, end))?.[1] ?? 0);
}
