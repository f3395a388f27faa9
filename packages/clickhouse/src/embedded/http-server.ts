/** ClickHouse's HTTP interface in front of the executor. https://clickhouse.com/docs/interfaces/http */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { chooseEncoding, compressBody, expandBody } from './encoding.ts';
import { EngineError, formatEngineError, toHttpStatus } from './engine-error.ts';
import type { Answer, Executor } from './executor.ts';
import { isForm, readForm } from './form.ts';
import { contentType } from './formats.ts';
import { type QueryRequest, readRequest } from './request.ts';

export interface HttpLimits {
  /** Of one request, before and after decompression. */
  readonly bodyBytesMax: number;
  /** Of all requests being received or run. */
  readonly bodyBytesInFlightMax: number;
  readonly connectionsMax: number;
  /** Of URL and headers together. */
  readonly headBytesMax: number;
}

/** As in ClickHouse: longer than the clients' own idle time, so that no request meets a closing connection. */
const KEEP_ALIVE_MS = 10_000;
const OK = 'Ok.\n';
const LOOPBACK_HOSTS: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]']);

export interface HttpServer {
  readonly server: Server;
  /** Resolves when no answer is on its way any more. */
  readonly answered: () => Promise<void>;
}

export function createHttpServer(executor: Executor, version: string, limits: HttpLimits): HttpServer {
  const http = new HttpInterface(executor, version, limits);
  const open = new Set<Promise<void>>();
  const server = createServer({ maxHeaderSize: limits.headBytesMax, keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    open.add(promise);
    response.once('close', () => {
      open.delete(promise);
      resolve();
    });
    void http.answer(request, response);
  });
  server.maxConnections = limits.connectionsMax;
  return {
    server,
    answered: async () => {
      await Promise.all(open);
    },
  };
}

class HttpInterface {
  readonly #executor: Executor;
  readonly #version: string;
  readonly #limits: HttpLimits;
  #bodyBytesInFlight = 0;

  constructor(executor: Executor, version: string, limits: HttpLimits) {
    this.#executor = executor;
    this.#version = version;
    this.#limits = limits;
  }

  /** Never rejects. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A client may leave at any moment; its request sees to that by itself.
    response.on('error', () => undefined);
    let queryId = '';
    try {
      refuseForeignPage(request);
      const url = new URL(request.url ?? '/', 'http://server');
      if (url.pathname === '/ping' || url.pathname === '/replicas_status') return sendText(response, 200, OK);
      if (url.pathname !== '/') return sendText(response, 404, `There is no handle ${url.pathname}\n\nUse / or /ping for health checks.\n`);
      if (request.method === 'GET' && url.search === '') return sendText(response, 200, OK);
      if (request.method !== 'GET' && request.method !== 'POST' && request.method !== 'HEAD')
        return sendText(response, 405, 'Use GET or POST.\n');

      const form = await this.#readForm(request, url.searchParams);
      const query = readRequest(request.method, url.searchParams, request.headers, randomUUID);
      queryId = query.queryId;
      const answer = await this.#run(request, response, query, form);
      await this.#send(request, response, query, answer);
    } catch (error) {
      this.#sendError(request, response, queryId, error instanceof EngineError ? error : EngineError.from(error));
    }
  }

  async #run(request: IncomingMessage, response: ServerResponse, query: QueryRequest, form: boolean): Promise<Answer> {
    const leave = new AbortController();
    response.once('close', () => leave.abort());
    const held = { bytes: 0, isReleased: false };
    const hold = (bytes: number): void => {
      // A query that was cancelled while it was being received is answered already.
      if (held.isReleased) throw EngineError.refusal('QUERY_WAS_CANCELLED', 'Query was cancelled before it was run.');
      held.bytes += bytes;
      this.#bodyBytesInFlight += bytes;
      if (this.#bodyBytesInFlight > this.#limits.bodyBytesInFlightMax)
        throw EngineError.refusal(
          'TOO_MANY_SIMULTANEOUS_QUERIES',
          `Too many simultaneous queries: their bodies exceed ${this.#limits.bodyBytesInFlightMax} bytes.`,
        );
    };
    try {
      return await this.#executor.run(query, () => (form ? Promise.resolve(Buffer.alloc(0)) : this.#receive(request, hold)), leave.signal);
    } finally {
      held.isReleased = true;
      this.#bodyBytesInFlight -= held.bytes;
    }
  }

  async #receive(request: IncomingMessage, hold: (bytes: number) => void): Promise<Buffer> {
    const { bodyBytesMax } = this.#limits;
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > bodyBytesMax) throw EngineError.refusal('TOO_MANY_BYTES', `the request's body holds more than ${bodyBytesMax} bytes`);
      hold(chunk.length);
      chunks.push(chunk);
    }
    const body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size);
    const expanded = await expandBody(body, request.headers['content-encoding'] ?? '', bodyBytesMax);
    if (expanded !== body) hold(expanded.length);
    return expanded;
  }

  /** A form carries what else the URL carries, for parameters too long for it. Its fields are put among the URL's. */
  async #readForm(request: IncomingMessage, params: URLSearchParams): Promise<boolean> {
    const type = request.headers['content-type'] ?? '';
    if (!isForm(type)) return false;
    const body = await this.#receive(request, () => undefined);
    for (const [name, value] of readForm(body, type)) params.append(name, value);
    return true;
  }

  async #send(request: IncomingMessage, response: ServerResponse, query: QueryRequest, answer: Answer): Promise<void> {
    const encoding = query.compressAnswer && answer.bytes.length > 0 ? chooseEncoding(request.headers['accept-encoding'] ?? '') : '';
    const body = await compressBody(answer.bytes, encoding);
    response.statusCode = 200;
    this.#setCommonHeaders(response, query.queryId);
    response.setHeader('Content-Type', contentType(answer.format));
    if (answer.format !== '') response.setHeader('X-ClickHouse-Format', answer.format);
    response.setHeader('X-ClickHouse-Summary', JSON.stringify(answer.summary));
    if (encoding !== '') response.setHeader('Content-Encoding', encoding);
    response.setHeader('Content-Length', body.length);
    response.end(body);
  }

  #sendError(request: IncomingMessage, response: ServerResponse, queryId: string, error: EngineError): void {
    if (response.headersSent || response.destroyed) return;
    this.#setCommonHeaders(response, queryId);
    response.setHeader('X-ClickHouse-Exception-Code', String(error.engineCode));
    // What is left of the body would be taken for the next request.
    if (!request.complete) response.setHeader('Connection', 'close');
    sendText(response, toHttpStatus(error), formatEngineError(error, this.#version));
  }

  #setCommonHeaders(response: ServerResponse, queryId: string): void {
    if (queryId !== '') response.setHeader('X-ClickHouse-Query-Id', encodeURI(queryId));
    response.setHeader('X-ClickHouse-Server-Display-Name', 'tokenledger-embedded');
    response.setHeader('X-ClickHouse-Timezone', 'UTC');
  }
}

function sendText(response: ServerResponse, status: number, text: string): void {
  response.statusCode = status;
  if (!response.hasHeader('Content-Type')) response.setHeader('Content-Type', 'text/plain; charset=UTF-8');
  response.setHeader('Content-Length', Buffer.byteLength(text));
  response.end(text);
}

/** There is no password, and a web page can send requests to loopback addresses: a browser names the page in `Origin`, and a name that a stranger's
 *  DNS server points here stands in `Host`. */
function refuseForeignPage(request: IncomingMessage): void {
  const { origin, host } = request.headers;
  if (origin !== undefined && origin !== `http://${host}`)
    throw EngineError.refusal('ACCESS_DENIED', `Requests from pages of ${origin} are not allowed.`);
  const name = (host ?? '127.0.0.1').replace(/:\d+$/, '');
  const isAddress = /^[\d.]+$|^\[.*\]$/.test(name);
  if (!isAddress && !LOOPBACK_HOSTS.has(name.toLowerCase()))
    throw EngineError.refusal('ACCESS_DENIED', `Requests to the host name ${name} are not allowed: use 127.0.0.1.`);
}
