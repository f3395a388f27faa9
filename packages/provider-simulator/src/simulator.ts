/** A provider for demos and tests: speaks OpenAI's chat completions and Anthropic's messages, does as a request's script says, and keeps its own bill. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { anthropic } from './anthropic.ts';
import { Bill, type BillLine } from './bill.ts';
import { deliverPlain, deliverStream } from './delivery.ts';
import { modelList } from './models.ts';
import { openai } from './openai.ts';
import { planAnswer } from './plan.ts';
import type { AnswerContext, ErrorContext, Provider } from './provider.ts';
import { isObject, type JsonObject } from './request.ts';
import { plainModel, readScript, ScriptError, type Script } from './script.ts';

export interface SimulatorOptions {
  /** 0 (default): any free port. */
  readonly port?: number;
  readonly host?: string;
  /** Appended to; without it no bill is kept. */
  readonly billFile?: string;
  /** Equal seeds answer equal requests equally. */
  readonly seed?: number;
  /** Credential that requests must carry; without it any will do. */
  readonly apiKey?: string;
  /** What every request is asked to do unless it says otherwise; asked for each where it is a function. */
  readonly script?: Script | (() => Script);
}

export interface ProviderSimulator {
  readonly url: string;
  readonly port: number;
  /** Every line of the bill so far; none without a bill file. */
  bill(): Promise<readonly BillLine[]>;
  /** Ends connections, then the bill. */
  close(): Promise<void>;
}

const PROVIDERS: readonly Provider[] = [openai, anthropic];
const BODY_BYTES_MAX = 64 * 1024 * 1024;

export async function startProviderSimulator(options: SimulatorOptions = {}): Promise<ProviderSimulator> {
  const bill = options.billFile === undefined ? undefined : await Bill.open(options.billFile);
  const simulator = new Simulator(options, bill);
  const server = createServer((request, response) => simulator.handle(request, response));
  server.keepAliveTimeout = 60_000;
  server.listen(options.port ?? 0, options.host ?? '127.0.0.1');
  await once(server, 'listening');
  const { address, port, family } = server.address() as AddressInfo;
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    port,
    bill: async () => bill?.lines() ?? [],
    close: () => close(server, simulator, bill),
  };
}

async function close(server: Server, simulator: Simulator, bill: Bill | undefined): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
  await simulator.idle();
  await bill?.close();
}

interface Exchange {
  readonly provider: Provider;
  readonly response: ServerResponse;
  readonly requestId: string;
  readonly ownRequestId: string;
}

class Simulator {
  readonly #options: SimulatorOptions;
  readonly #bill: Bill | undefined;
  /** Ids of two runs never meet, whatever the seed. */
  readonly #run = randomBytes(6).toString('hex');
  #served = 0;
  readonly #open = new Set<Promise<void>>();

  constructor(options: SimulatorOptions, bill: Bill | undefined) {
    this.#options = options;
    this.#bill = bill;
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    const done = this.#answer(request, response).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(500, { 'content-type': 'text/plain' });
      response.end(`simulator: ${String(error)}\n`);
    });
    this.#open.add(done);
    void done.finally(() => this.#open.delete(done));
  }

  /** Resolves once every exchange has come to its end. */
  async idle(): Promise<void> {
    await Promise.all(this.#open);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url?.split('?', 1)[0];
    if (request.method === 'GET' && path === '/v1/models') {
      response.setHeader('content-type', 'application/json').end(modelList(request.headers['anthropic-version'] !== undefined));
      return;
    }
    const body = await readBody(request);
    if (body === undefined) return;
    const provider = request.method === 'POST' ? PROVIDERS.find((one) => one.path === path) : undefined;
    const ownRequestId = `req_${this.#run}${(++this.#served).toString(36).padStart(8, '0')}`;
    const exchange: Exchange = { provider: provider ?? openai, response, requestId: headerText(request, 'x-request-id'), ownRequestId };
    if (provider === undefined) return this.#refuse(exchange, '', {}, 404, `Invalid URL (${request.method} ${path})`);
    if (!this.#admits(request)) return this.#refuse(exchange, '', {}, 401, 'Incorrect API key provided.');
    await this.#serve(exchange, body, headerText(request, 'x-sim-script') || undefined);
  }

  async #serve(exchange: Exchange, bytes: Buffer, header: string | undefined): Promise<void> {
    const { provider } = exchange;
    const body = parsed(bytes);
    const model = isObject(body) ? body['model'] : undefined;
    if (!isObject(body) || typeof model !== 'string') return this.#refuse(exchange, '', {}, 400, 'you must provide a model parameter');
    const usual = this.#options.script ?? {};
    const script = scriptOf(typeof usual === 'function' ? usual() : usual, model, body, header);
    if (script instanceof ScriptError) return this.#refuse(exchange, model, {}, 400, script.message);
    const request = provider.readRequest(body, bytes, plainModel(model));
    if (typeof request === 'string') return this.#refuse(exchange, model, script, 400, request);
    const context: AnswerContext = {
      request,
      script,
      plan: planAnswer(request, script, this.#options.seed ?? 1),
      id: `${provider.idPrefix}${exchange.ownRequestId.slice(4)}`,
      createdS: Math.floor(Date.now() / 1000),
    };
    if ((script.status ?? 200) < 400) return this.#deliver(exchange, context);
    await this.#refuse(
      exchange,
      request.model,
      script,
      script.status as number,
      script.error_message ?? 'simulated error',
      request.streamed,
      script.billed === true ? context : undefined,
    );
  }

  async #deliver({ provider, response, requestId, ownRequestId }: Exchange, context: AnswerContext): Promise<void> {
    const { request, script, plan } = context;
    const usage = script.usage === undefined ? provider.usage(context) : script.usage;
    const line: BillLine = {
      id: context.id,
      request_id: requestId,
      surface: provider.surface,
      model: request.model,
      served_model: plan.servedModel,
      service_tier: plan.serviceTier,
      streamed: request.streamed,
      status: 200,
      completed: true,
      reported: provider.reports(context),
      usage,
      classes: script.usage === undefined ? plan.classes : null,
      at_ms: Date.now(),
    };
    const beforeLast = async (): Promise<void> => this.#bill?.append(line);
    setHeaders(response, provider, ownRequestId, script);
    response.setHeader('content-type', request.streamed ? 'text/event-stream; charset=utf-8' : 'application/json');
    const delivered = request.streamed
      ? await deliverStream(
          response,
          provider.events(context, usage),
          provider.errorEvent(errorOf(script, ownRequestId)),
          script,
          beforeLast,
        )
      : await deliverPlain(response, Buffer.from(provider.plain(context, usage)), script, beforeLast);
    if (delivered === 'broken_off') await this.#bill?.append({ ...line, completed: false, reported: false });
  }

  /** `billed`: what was worked on before it failed, and is charged. */
  async #refuse(
    exchange: Exchange,
    model: string,
    script: Script,
    status: number,
    message: string,
    streamed = false,
    billed?: AnswerContext,
  ): Promise<void> {
    const { provider, response, requestId, ownRequestId } = exchange;
    const plain = script.error_body ?? provider.error({ ...errorOf(script, ownRequestId), status, message });
    const usage = billed === undefined ? null : provider.usage(billed);
    const body = billed === undefined ? plain : withUsage(plain, billed, usage);
    setHeaders(response, provider, ownRequestId, script);
    response.statusCode = status;
    response.setHeader('content-type', 'application/json');
    const line: BillLine = {
      id: '',
      request_id: requestId,
      surface: provider.surface,
      model,
      served_model: billed?.plan.servedModel ?? '',
      service_tier: '',
      streamed,
      status,
      completed: false,
      reported: billed !== undefined,
      usage,
      classes: billed?.plan.classes ?? null,
      at_ms: Date.now(),
    };
    const delivered = await deliverPlain(response, Buffer.from(body), script, async () => this.#bill?.append(line));
    if (delivered === 'broken_off') await this.#bill?.append(line);
  }

  #admits(request: IncomingMessage): boolean {
    const key = this.#options.apiKey;
    return key === undefined || request.headers.authorization === `Bearer ${key}` || request.headers['x-api-key'] === key;
  }
}

/** An error that says what it cost. */
function withUsage(error: string, { plan }: AnswerContext, usage: unknown): string {
  return JSON.stringify({ ...(JSON.parse(error) as JsonObject), model: plan.servedModel, usage });
}

/** The whole body; undefined when the client left before its end. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  return new Promise((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > BODY_BYTES_MAX) reject(new Error(`a body of more than ${BODY_BYTES_MAX} bytes`));
    });
    request.on('end', () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)));
    request.on('close', () => resolve(undefined));
    request.on('error', () => resolve(undefined));
  });
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function scriptOf(defaults: Script, model: string, body: JsonObject, header: string | undefined): Script | ScriptError {
  try {
    return readScript(defaults, model, body['sim_script'], header);
  } catch (error) {
    if (error instanceof ScriptError) return error;
    throw error;
  }
}

function headerText(request: IncomingMessage, name: string): string {
  const value = request.headers[name];
  return typeof value === 'string' ? value : '';
}

function setHeaders(response: ServerResponse, provider: Provider, ownRequestId: string, script: Script): void {
  for (const [name, value] of Object.entries(provider.headers)) response.setHeader(name, value);
  response.setHeader(provider.requestIdHeader, ownRequestId);
  if (script.encoding !== undefined && script.encoding !== '') response.setHeader('content-encoding', script.encoding);
  if (script.retry_after_s !== undefined) response.setHeader('retry-after', String(script.retry_after_s));
}

function errorOf(script: Script, requestId: string): ErrorContext {
  return {
    status: script.status ?? 500,
    type: script.error_type,
    code: script.error_code,
    message: script.error_message ?? 'simulated error',
    requestId,
  };
}
