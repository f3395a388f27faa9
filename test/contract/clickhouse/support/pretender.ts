/** Servers that pretend: one that answers 200 to everything, and proxies that do one thing wrong. The contract must find each of them out. */
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';

export interface Pretender extends AsyncDisposable {
  readonly url: string;
}

/** A request on its way through a proxy; a fault changes what it likes. */
export interface Passing {
  readonly method: string;
  readonly params: URLSearchParams;
  body: Buffer;
  headers: Record<string, string>;
}

/** Returns an answer to give at once, without rows and with a summary that claims `writtenRows`; `undefined` to pass the request on. */
export type Fault = (passing: Passing) => { readonly writtenRows: number } | undefined;

export function startAlwaysOk(): Promise<Pretender> {
  return listen((incoming, outgoing) => {
    incoming.resume();
    outgoing.end('Ok.\n');
  });
}

/** Passes everything on to `url`, after `fault` has seen it. */
export function startProxy(url: string, fault: Fault): Promise<Pretender> {
  const pass = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const target = new URL(incoming.url ?? '/', url);
    const {
      host: _host,
      'content-length': _length,
      'transfer-encoding': _encoding,
      connection: _connection,
      ...headers
    } = incoming.headers;
    const passing: Passing = {
      method: incoming.method ?? 'GET',
      params: target.searchParams,
      body: Buffer.concat(await incoming.toArray()),
      headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
    };
    const claim = fault(passing);
    if (claim !== undefined) {
      outgoing.setHeader('X-ClickHouse-Summary', JSON.stringify({ written_rows: String(claim.writtenRows) }));
      outgoing.end();
      return;
    }
    const onward = request(
      target,
      { method: passing.method, headers: { ...passing.headers, 'content-length': passing.body.length }, agent: false },
      (answer) => {
        const { connection: _answerConnection, ...answerHeaders } = answer.headers;
        outgoing.writeHead(answer.statusCode ?? 500, answerHeaders);
        answer.pipe(outgoing);
      },
    );
    onward.on('error', () => outgoing.destroy());
    onward.end(passing.method === 'GET' ? undefined : passing.body);
  };
  // A request that breaks off is dropped, as a network would.
  return listen((incoming, outgoing) => void pass(incoming, outgoing).catch(() => outgoing.destroy()));
}

/** Drops one row in a hundred of each insert of lines. */
export const dropsRows: Fault = (passing) => {
  if (!/^\s*INSERT\b/i.test(passing.params.get('query') ?? '')) return undefined;
  const lines = passing.body.toString('latin1').split('\n');
  passing.body = Buffer.from(lines.filter((_, at) => at % 100 !== 99).join('\n'), 'latin1');
  return undefined;
};

const NOTHING = { writtenRows: 0 };

const INTERFACE = /^(query|query_id|database|default_format|session_id|param_.*|enable_http_compression)$/;

export const ignoresSettings: Fault = ({ params }) => {
  const names = Array.from(params.keys()); // a copy, since deleting moves what a loop still has to see
  for (const name of names) if (!INTERFACE.test(name)) params.delete(name);
  return undefined;
};

/** Every setting that comes with a request stays for all. */
export function leaksSettings(): Fault {
  const seen = new Map<string, string>();
  return ({ params }) => {
    for (const [name, value] of seen) if (!params.has(name)) params.set(name, value);
    for (const [name, value] of params) if (/^(max_block_size|max_result_rows|join_use_nulls)$/.test(name)) seen.set(name, value);
    return undefined;
  };
}

export const ignoresTheFence: Fault = (passing) => {
  passing.body = Buffer.from(passing.body.toString('latin1').replace(/CONSTRAINT fence CHECK/g, 'CONSTRAINT fence CHECK 1 OR'), 'latin1');
  return undefined;
};

export const letsTheFenceSink: Fault = (passing) => {
  passing.body = Buffer.from(passing.body.toString('latin1').replace(/CONSTRAINT up CHECK/g, 'CONSTRAINT up CHECK 1 OR'), 'latin1');
  return undefined;
};

export const answersFloats: Fault = ({ params }) => {
  params.set('output_format_json_quote_decimals', '0');
  params.set('output_format_json_quote_64bit_integers', '0');
  return undefined;
};

export const ignoresKill: Fault = ({ body }) => (/^\s*KILL\b/i.test(body.toString('latin1')) ? NOTHING : undefined);

/** Says that nothing runs. */
export const hidesQueries: Fault = ({ body }) => (/system\.processes/.test(body.toString('latin1')) ? NOTHING : undefined);

export const forgetsQueryIds: Fault = ({ params }) => {
  params.delete('query_id');
  return undefined;
};

export const deduplicates: Fault = ({ params }) => {
  params.delete('deduplicate_insert');
  params.delete('insert_deduplicate');
  return undefined;
};

export const ignoresProjections: Fault = ({ params }) => {
  params.delete('force_optimize_projection');
  params.set('optimize_use_projections', '0');
  return undefined;
};

/** Holds each insert back for longer than it takes to look, and acknowledges it meanwhile. */
export function acknowledgesEarly(url: string): Fault {
  return ({ params, body, headers }) => {
    if (!/^\s*INSERT\b/i.test(params.get('query') ?? '')) return undefined;
    const target = new URL('/', url);
    target.search = params.toString();
    void wait(200).then(() => fetch(target, { method: 'POST', body: new Uint8Array(body), headers }));
    return { writtenRows: body.toString('latin1').trimEnd().split('\n').length };
  };
}

/** One request after another. */
export function takesTurns(url: string): Promise<Pretender> {
  let last = Promise.resolve();
  const handle = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const body = Buffer.concat(await incoming.toArray());
    const answer = await fetch(new URL(incoming.url ?? '/', url), {
      method: incoming.method ?? 'GET',
      ...(incoming.method === 'POST' && { body: new Uint8Array(body) }),
    });
    const code = answer.headers.get('x-clickhouse-exception-code');
    outgoing.writeHead(answer.status, code === null ? {} : { 'x-clickhouse-exception-code': code });
    outgoing.end(Buffer.from(await answer.arrayBuffer()));
  };
  return listen((incoming, outgoing) => {
    last = last.then(() => handle(incoming, outgoing)).catch(() => outgoing.destroy() as unknown as void);
  });
}

function listen(handler: (incoming: IncomingMessage, outgoing: ServerResponse) => void): Promise<Pretender> {
  const server = createServer(handler);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      if (address === null || typeof address === 'string') return reject(new Error('the server has no port'));
      resolve({
        url: `http://127.0.0.1:${address.port}`,
        [Symbol.asyncDispose]: () =>
          new Promise((done) => {
            server.close(() => done());
            server.closeAllConnections();
          }),
      });
    });
  });
}
