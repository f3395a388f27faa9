import { createRegistry, silentLogger } from '@tokenledger/runtime';
import { describe, expect, test } from 'vitest';
import { adminTokens } from './admin-tokens.ts';
import type { Handlers } from './handlers.ts';
import { registryMetrics } from './metrics.ts';
import { OPENAPI_PATH } from './openapi.ts';
import { OPERATIONS } from './operations.ts';
import { registryServer } from './server.ts';

const TOKEN = 'tla-0123456789abcdefghij';
const met: string[] = [];
/** Remembers which operation was asked for, and refuses. */
const handlers = Object.fromEntries(
  Object.keys(OPERATIONS).map((name) => [
    name,
    () => {
      met.push(name);
      return { kind: 'rejected', code: 'DOCUMENT_UNKNOWN', message: 'no', issues: [] };
    },
  ]),
) as unknown as Handlers;

const app = registryServer({
  bodyBytesMax: 10_000,
  tokens: adminTokens([{ name: 'admin', token: 'env:T', scopes: ['read', 'write', 'keys'] }], () => TOKEN),
  handlers,
  metrics: registryMetrics(createRegistry({ processMetrics: false })),
  logger: silentLogger(),
  version: '1.2.3',
});

interface Described {
  readonly operationId: string;
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly required: boolean }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Readonly<Record<string, unknown>> }>> };
  readonly responses: Readonly<Record<string, unknown>>;
}
const document = (await app.inject({ method: 'GET', url: OPENAPI_PATH })).json<{
  readonly openapi: string;
  readonly info: { readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
}>();
const described = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase() as 'GET' | 'POST' | 'DELETE', operation })),
);
/** The least that an operation takes. */
const BODIES: Readonly<Record<string, object>> = {
  apply: { documents: [{ kind: 'tenant', id: 'acme', name: 'Acme' }] },
  create_key: { tenant: 'acme', owner: 'ada' },
  rotate_key: {},
  revoke_key: {},
};

test('the document is served to everybody and names its version', () => {
  expect([document.openapi, document.info.version]).toEqual(['3.1.0', '1.2.3']);
});

test('it describes each operation, and nothing else is served', async () => {
  expect(described.map(({ operation }) => operation.operationId).toSorted()).toEqual(Object.keys(OPERATIONS).toSorted());
  const served = app
    .printRoutes({ commonPrefix: false })
    .split('\n')
    .filter((line) => /\((GET|POST|DELETE|PUT|PATCH|HEAD|OPTIONS)/.test(line));
  const methods = served.flatMap((line) => /\(([^)]+)\)/.exec(line)?.[1]?.split(', ') ?? []);
  expect(methods.length).toBe(described.length + 1);
});

describe.each(described)('$method $path', ({ method, path, operation }) => {
  const url = path.replace('{kind}', 'tenant').replace('{id}', 'acme');
  const body = BODIES[operation.operationId];

  test('is served as it is described', async () => {
    met.length = 0;
    const reply = await app.inject({
      method,
      url,
      headers: { authorization: `Bearer ${TOKEN}` },
      ...(body === undefined ? {} : { payload: body }),
    });
    expect([reply.statusCode, met]).toEqual([404, [operation.operationId]]);
  });

  test('needs a token before anything else', async () => {
    met.length = 0;
    const reply = await app.inject({ method, url, payload: '{', headers: { 'content-type': 'application/json' } });
    expect([reply.statusCode, met]).toEqual([401, []]);
  });

  test('declares what stands in its path, and refuses what is not declared', async () => {
    const inPath = operation.parameters.filter((parameter) => parameter.in === 'path');
    expect(inPath.map(({ name }) => `{${name}}`)).toEqual(path.match(/\{\w+\}/g) ?? []);
    expect(inPath.every(({ required }) => required)).toBe(true);
    const reply = await app.inject({
      method,
      url: `${url}?undeclared=1`,
      headers: { authorization: `Bearer ${TOKEN}` },
      ...(body === undefined ? {} : { payload: body }),
    });
    expect(reply.statusCode).toBe(400);
  });

  test('says what it answers, and describes a body where it takes one', () => {
    expect(Object.keys(operation.responses)).toEqual(expect.arrayContaining(['400', '401', '403', '503']));
    const schema = operation.requestBody?.content['application/json']?.schema;
    expect(schema === undefined).toBe(method !== 'POST');
    expect(schema?.['type'] ?? 'object').toBe('object');
  });
});

test('every reference within the document leads somewhere', () => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#([^"]+)"/g)].map(([, pointer]) => pointer ?? '');
  const missing = references.filter((pointer) => {
    let at: unknown = document;
    for (const part of pointer.split('/').slice(1)) at = (at as Readonly<Record<string, unknown>> | undefined)?.[part];
    return at === undefined;
  });
  expect(references.length).toBeGreaterThan(0);
  expect(missing).toEqual([]);
});
