/** A schema registry in memory that speaks as much of the real one's interface as the pipeline uses: ids, subjects, errors, logins, outages. */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SchemaRegistryStub extends AsyncDisposable {
  readonly url: string;
  /** `METHOD /path` of each request so far. */
  readonly requests: readonly string[];
  /** Adds a schema as another producer would. */
  register(subject: string, schema: unknown): number;
  /** What each request is answered with from now on instead; undefined ends that. */
  answerAlways(status: number | 'never' | undefined): void;
}

export interface SchemaRegistryStubOptions {
  /** Who may ask, as `name:password`; everybody when it is not given. */
  readonly login?: string;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** The registry's own codes of errors. */
const ERRORS = {
  unauthorized: { status: 401, body: { error_code: 40101, message: 'User cannot be authenticated.' } },
  subjectNotFound: { status: 404, body: { error_code: 40401, message: 'Subject not found.' } },
  schemaNotFound: { status: 404, body: { error_code: 40403, message: 'Schema not found.' } },
  incompatible: { status: 409, body: { error_code: 409, message: 'Schema being registered is incompatible with an earlier schema.' } },
} as const satisfies Record<string, Answer>;

const FIRST_ID = 101;

export async function startSchemaRegistryStub(options: SchemaRegistryStubOptions = {}): Promise<SchemaRegistryStub> {
  const requests: string[] = [];
  const texts: string[] = [];
  const subjects = new Map<string, Set<number>>();
  let always: number | 'never' | undefined;

  /** The same schema has one id, whatever its subjects. */
  function idOf(subject: string, text: string): number {
    if (!texts.includes(text)) texts.push(text);
    const id = FIRST_ID + texts.indexOf(text);
    subjects.set(subject, new Set(subjects.get(subject)).add(id));
    return id;
  }

  function add(subject: string, text: string): Answer {
    const others = [...(subjects.get(subject) ?? [])].map((id) => nameOf(texts[id - FIRST_ID] ?? ''));
    if (others.some((name) => name !== nameOf(text))) return ERRORS.incompatible;
    return { status: 200, body: { id: idOf(subject, text) } };
  }

  function find(subject: string, text: string): Answer {
    const ids = subjects.get(subject);
    if (ids === undefined) return ERRORS.subjectNotFound;
    const id = FIRST_ID + texts.indexOf(text);
    return ids.has(id) ? { status: 200, body: { subject, id, version: 1, schema: text } } : ERRORS.schemaNotFound;
  }

  function answer(method: string, path: string, body: string): Answer {
    const schema = /^GET \/schemas\/ids\/(\d+)$/.exec(`${method} ${path}`);
    if (schema !== null) {
      const text = texts[Number(schema[1]) - FIRST_ID];
      return text === undefined ? ERRORS.schemaNotFound : { status: 200, body: { schema: text } };
    }
    const [, subject = '', versions] = /^POST \/subjects\/([^/]+)(\/versions)?$/.exec(`${method} ${path}`) ?? [];
    if (subject === '') return { status: 404, body: { error_code: 404, message: 'HTTP 404 Not Found' } };
    const { schema: text } = JSON.parse(body) as { readonly schema: string };
    return (versions === undefined ? find : add)(decodeURIComponent(subject), text);
  }

  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    void bodyOf(request).then((body) => {
      if (always === 'never') return;
      const allowed = options.login === undefined || request.headers.authorization === `Basic ${btoa(options.login)}`;
      const given = allowed ? answer(request.method ?? '', request.url ?? '', body) : ERRORS.unauthorized;
      const { status, body: content } = always === undefined ? given : { status: always, body: { error_code: always, message: 'as told' } };
      response.writeHead(status, { 'content-type': 'application/vnd.schemaregistry.v1+json' }).end(JSON.stringify(content));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    register: (subject, schema) => idOf(subject, JSON.stringify(schema)),
    answerAlways: (status) => {
      always = status;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function nameOf(text: string): string {
  return (JSON.parse(text) as { readonly name: string }).name;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  return body;
}
