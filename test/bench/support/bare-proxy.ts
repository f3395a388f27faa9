/** The least a Node proxy can do: `http` in, undici's `Pool.dispatch` out, bytes passed as they come both ways, back-pressure kept. Prints its URL.
 *
 *  With a second argument of `collect` it waits for the whole request and passes it on as one piece: cheaper, by what undici spends on a stream, but
 *  a proxy only of requests that fit into memory. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type Dispatcher, Pool } from 'undici';

const [upstream, mode = 'pass'] = process.argv.slice(2);
const pool = new Pool(upstream as string, { connections: 1024, pipelining: 1 });
const NOT_PASSED: ReadonlySet<string> = new Set(['host', 'connection', 'content-length']);

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  if (mode === 'pass') {
    forward(request, response, request);
    return;
  }
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.once('end', () => forward(request, response, chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)));
});

function forward(request: IncomingMessage, response: ServerResponse, body: Buffer | IncomingMessage): void {
  const headers: string[] = [];
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    const name = request.rawHeaders[index] as string;
    if (!NOT_PASSED.has(name.toLowerCase())) headers.push(name, request.rawHeaders[index + 1] as string);
  }
  const length = request.headers['content-length'];
  if (body === request && length !== undefined) headers.push('content-length', length);
  let controller: Dispatcher.DispatchController | undefined;
  response.on('drain', () => controller?.resume());
  pool.dispatch(
    { path: request.url as string, method: 'POST', headers, body },
    {
      onRequestStart(started) {
        controller = started;
      },
      onResponseStart(started, status) {
        const passed: string[] = [];
        const raw = started.rawHeaders as Buffer[];
        for (let index = 0; index < raw.length; index += 2) {
          const name = (raw[index] as Buffer).toString('latin1');
          if (name !== 'connection' && name !== 'keep-alive' && name !== 'transfer-encoding')
            passed.push(name, (raw[index + 1] as Buffer).toString('latin1'));
        }
        response.writeHead(status, passed);
      },
      onResponseData(started, chunk) {
        if (!response.write(chunk)) started.pause();
      },
      onResponseEnd() {
        response.end();
      },
      onResponseError(_started, error) {
        response.destroy(error);
      },
    },
  );
}

server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}` })}\n`);
});
process.once('SIGTERM', () => process.exit(0));
