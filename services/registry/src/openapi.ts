/** The OpenAPI document of the admin API, made from the schemas that requests are validated with. */
import { errorAnswerSchema } from '@tokenledger/control';
import { z } from 'zod';
import { type Operation, OPERATIONS } from './operations.ts';

export const OPENAPI_PATH = '/openapi.json';

type Json = Readonly<Record<string, unknown>>;

export function openapiDocument(version: string): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const [name, operation] of Object.entries<Operation>(OPERATIONS)) {
    paths[operation.path] ??= {};
    Object.assign(paths[operation.path] ?? {}, { [operation.method.toLowerCase()]: operationObject(name, operation) });
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Tokenledger admin API',
      version,
      description:
        'Tenants, projects, owners, virtual keys, channels and price books as versioned documents. A change is answered once it has taken effect; every ingress has it within two seconds.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    security: [{ admin_token: [] }],
    paths,
    components: {
      securitySchemes: { admin_token: { type: 'http', scheme: 'bearer', description: 'A token of `registry.tokens`.' } },
      schemas: { Error: jsonSchema(errorAnswerSchema, 'output') },
      responses: { Error: { description: 'Refused; `error.code` says why.', content: json({ $ref: '#/components/schemas/Error' }) } },
    },
  };
}

function operationObject(name: string, operation: Operation): Json {
  const error = { $ref: '#/components/responses/Error' };
  const body = jsonSchema(operation.body, 'input');
  return {
    operationId: name,
    summary: operation.summary,
    'x-scope': operation.scope,
    parameters: [...parameters('path', operation.params), ...parameters('query', operation.query)],
    ...(operation.method === 'POST' ? { requestBody: { required: isRequired(body), content: json(body) } } : {}),
    responses: {
      [operation.status]: { description: 'Done.', content: json(jsonSchema(operation.answer, 'output')) },
      ...Object.fromEntries(['400', '401', '403', '404', '409', '413', '503'].map((status) => [status, error])),
    },
  };
}

function parameters(place: 'path' | 'query', schema: z.ZodType): readonly Json[] {
  const { properties = {}, required = [] } = jsonSchema(schema, 'input') as {
    readonly properties?: Readonly<Record<string, Json>>;
    readonly required?: readonly string[];
  };
  return Object.entries(properties).map(([name, { description, ...property }]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema: property,
  }));
}

/** A body of which nothing is needed may be left out. */
function isRequired(schema: Json): boolean {
  const { required } = schema;
  return Array.isArray(required) && required.length > 0;
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
}

function json(schema: Json): Json {
  return { 'application/json': { schema } };
}
