import { schemaRegistry } from '@tokenledger/schemas';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../../support/free-port.ts';
import { type SchemaRegistryStub, startSchemaRegistryStub } from '../../support/schema-registry-stub.ts';

const login = { username: 'ledger', password: 'pass:word' } as const;
const schemaNamed = (name: string) => ({ type: 'record', name, fields: [{ name: 'count', type: 'long' }] });

let stub: SchemaRegistryStub;
beforeEach(async () => {
  stub = await startSchemaRegistryStub({ login: `${login.username}:${login.password}` });
});
afterEach(() => stub[Symbol.asyncDispose]());

describe('a schema registry', () => {
  it('gives a schema one id, and the schema back for it', async () => {
    const registry = schemaRegistry({ url: stub.url, ...login });
    const id = await registry.idOf('a.Thing', schemaNamed('Thing'));
    expect(await registry.idOf('a.Thing', schemaNamed('Thing'))).toBe(id);
    expect(await registry.idOf('a.Other', schemaNamed('Other'))).not.toBe(id);
    expect(await registry.schemaOf(id)).toEqual(schemaNamed('Thing'));
  });

  it('knows nothing of an id that it never gave', async () => {
    expect(await schemaRegistry({ url: `${stub.url}/`, ...login }).schemaOf(999)).toBeUndefined();
  });

  it('is told of nothing new when schemas are only looked up', async () => {
    const registry = schemaRegistry({ url: stub.url, ...login, subjects: 'look_up' });
    await expect(registry.idOf('a.Thing', schemaNamed('Thing'))).rejects.toMatchObject({ code: 'SCHEMA_REGISTRY_REFUSED' });
    const id = stub.register('a.Thing', schemaNamed('Thing'));
    expect(await registry.idOf('a.Thing', schemaNamed('Thing'))).toBe(id);
  });

  it('refuses a wrong login, and a schema that does not fit its subject', async () => {
    await expect(schemaRegistry({ url: stub.url }).schemaOf(1)).rejects.toMatchObject({
      code: 'SCHEMA_REGISTRY_REFUSED',
      retryable: false,
      message: expect.stringContaining('401') as string,
    });
    const registry = schemaRegistry({ url: stub.url, ...login });
    await registry.idOf('a.Thing', schemaNamed('Thing'));
    await expect(registry.idOf('a.Thing', schemaNamed('Other'))).rejects.toMatchObject({
      code: 'SCHEMA_REGISTRY_REFUSED',
      message: expect.stringContaining('incompatible') as string,
    });
  });

  it.each([500, 503, 429])('is tried again after it answered %i', async (status) => {
    stub.answerAlways(status);
    await expect(schemaRegistry({ url: stub.url, ...login }).schemaOf(1)).rejects.toMatchObject({
      code: 'SCHEMA_REGISTRY_UNAVAILABLE',
      retryable: true,
    });
  });

  it('is tried again when it says nothing or is not there', async () => {
    stub.answerAlways('never');
    const unavailable = { code: 'SCHEMA_REGISTRY_UNAVAILABLE', retryable: true };
    await expect(schemaRegistry({ url: stub.url, timeoutMs: 100 }).schemaOf(1)).rejects.toMatchObject(unavailable);
    await expect(schemaRegistry({ url: `http://127.0.0.1:${await freePort()}` }).schemaOf(1)).rejects.toMatchObject(unavailable);
  });
});
