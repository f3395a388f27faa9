/** An HTTP server whose answers a test writes itself, byte by byte; keeps what it was sent. */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export type AnswerScript = (response: ServerResponse, request: SeenRequest) => void | Promise<void>;

export interface ScriptedUpstream extends AsyncDisposable {
  readonly url: string;
  readonly seen: SeenRequest[];
  /** What the following requests are answered with. */
  answer: AnswerScript;
}

export async function scriptedUpstream(answer: AnswerScript): Promise<ScriptedUpstream> {
  const seen: SeenRequest[] = [];
  const server = createServer((request, response) => void serve(request, response));
  const upstream = { url: '', seen, answer, [Symbol.asyncDispose]: close };

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const record = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks) };
    seen.push(record);
    await upstream.answer(response, record);
  }

  function close(): Promise<void> {
    server.closeAllConnections();
    return new Promise((resolve, reject) => server.close((error) => (error === undefined ? resolve() : reject(error))));
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  upstream.url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  return upstream;
}
