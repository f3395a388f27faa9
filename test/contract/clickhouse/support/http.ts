/** Plain HTTP, without a client library's help. */
import { request } from 'node:http';
import { request as requestTls } from 'node:https';

export interface HttpQuestion {
  readonly method?: 'GET' | 'POST';
  readonly path?: string;
  readonly params?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

export interface HttpAnswer {
  readonly status: number;
  /** Names in small letters. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly text: string;
}

/** A GET without a body, a POST with one, unless the question says otherwise. */
export function askHttp(base: string, question: HttpQuestion): Promise<HttpAnswer> {
  const url = new URL(question.path ?? '/', base);
  for (const [name, value] of Object.entries(question.params ?? {})) url.searchParams.set(name, value);
  const auth = url.username === '' ? {} : { auth: `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}` };
  const method = question.method ?? (question.body === undefined ? 'GET' : 'POST');
  return new Promise((resolve, reject) => {
    const open = url.protocol === 'https:' ? requestTls : request;
    const outgoing = open(url, { method, headers: { ...question.headers }, agent: false, ...auth }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const body = Buffer.concat(chunks);
        const headers = Object.fromEntries(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]));
        resolve({ status: incoming.statusCode ?? 0, headers, body, text: body.toString('utf8') });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(question.body);
  });
}
