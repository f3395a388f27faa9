import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { type EmbeddedClickHouse, openClickHouse, startEmbeddedClickHouse } from '@tokenledger/clickhouse';
import { request } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CertificateFiles, makeCertificates } from '../../support/kafka/certificates.ts';
import { makeTempDir, type TempDir } from '../../support/temp-dir.ts';

let directory: TempDir;
let files: CertificateFiles;
let behind: EmbeddedClickHouse;
let door: Server;
let url: string;

/** The engine behind a door that speaks TLS and lets in only clients with a certificate, as a server with `verificationMode` strict does. */
beforeAll(async () => {
  directory = await makeTempDir('tls');
  files = await makeCertificates(directory.path);
  behind = await startEmbeddedClickHouse({ directory: `${directory.path}/data`, port: 0 });
  const pair = await readFile(files.broker);
  const options = { key: pair, cert: pair, ca: await readFile(files.authority), requestCert: true, rejectUnauthorized: true };
  door = createServer(options, (incoming, answer) => void passOn(incoming, answer));
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
  const address = door.address();
  url = `https://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
});

afterAll(async () => {
  door.closeAllConnections();
  door.close();
  await behind.stop();
  await directory[Symbol.asyncDispose]();
});

async function passOn(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
  const method = incoming.method === 'POST' ? 'POST' : 'GET';
  const passed = await request(behind.url + (incoming.url ?? '/'), { method, body: incoming });
  const headers = Object.entries(passed.headers).flatMap(([name, value]) => (typeof value === 'string' ? [name, value] : []));
  answer.writeHead(passed.statusCode, headers);
  for await (const chunk of passed.body) answer.write(chunk);
  answer.end();
}

async function ask(tls: NonNullable<Parameters<typeof openClickHouse>[0]['tls']>): Promise<unknown> {
  const clickhouse = openClickHouse({ url, database: 'default', tls });
  try {
    return await clickhouse.query('SELECT 1 AS one');
  } finally {
    await clickhouse.close();
  }
}

test('a server is trusted by the authority that is named, and shown the certificate that is given', async () => {
  const { authority, clientCertificate, clientKey } = files;
  expect(await ask({ caFile: authority, certFile: clientCertificate, keyFile: clientKey })).toEqual([{ one: 1 }]);
});

test.each([
  ['a server of an unknown authority', () => ({ certFile: files.clientCertificate, keyFile: files.clientKey })],
  ['a server that wants a certificate, without one', () => ({ caFile: files.authority })],
])('%s is not talked to', async (_, tls) => {
  await expect(ask(tls())).rejects.toMatchObject({ code: 'CLICKHOUSE_UNAVAILABLE' });
});

test.each([
  ['a certificate without its key', { certFile: 'client.pem' }, /give both, or none/],
  ['a file that is not there', { caFile: '/nowhere/ca.pem' }, /\/nowhere\/ca\.pem cannot be read/],
])('%s is refused before anything is sent', async (_, tls, message) => {
  await expect(ask(tls)).rejects.toMatchObject({ code: 'CLICKHOUSE_TLS_INVALID', message: expect.stringMatching(message) });
});
