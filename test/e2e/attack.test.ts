/** The whole program under requests of all kinds: whom it talks to, and where the bytes of a key are left. */
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { request } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { watchedConnections } from '../support/connection-watch.ts';
import { channelLine } from '../support/ledger-on-script.ts';
import { type OtlpReceiver, otlpReceiver } from '../support/otlp-receiver.ts';
import { CHAT_ANSWER, CHAT_REQUEST, CHAT_STREAM_REQUEST, chatFrames, MESSAGES_REQUEST } from '../support/provider-answers.ts';
import { rawClient } from '../support/raw-client.ts';
import { repositoryRoot } from '../support/repository.ts';
import { LEDGER_KEY, type RunningLedger, runLedger } from '../support/running-ledger.ts';
import { type ScriptedUpstream, scriptedUpstream } from '../support/scripted-upstream.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { waitFor } from '../support/wait-for.ts';

const random = (): string => randomBytes(30).toString('base64url').replaceAll(/[-_]/g, 'x');
const CREDENTIAL = `sk-${random()}`;
const AWS_CREDENTIAL = `AKIA${random().slice(0, 16).toUpperCase()}:${random()}`;
/** A key of somebody else's ledger, or one with a typing error. */
const UNKNOWN_KEY = `tlk_${random()}`;
/** Nobody listens on the port of the discard service. */
const NOBODY = 'http://127.0.0.1:9';

let upstream: ScriptedUpstream;
let receiver: OtlpReceiver;
let ledger: RunningLedger;
let watchFile: string;
/** What clients were told, heads and bodies. */
let told = '';
/** Made by the registry while it runs. */
let key: string;
const resources = new AsyncDisposableStack();

beforeAll(async () => {
  const folder = resources.use(await makeTempDir('watch'));
  watchFile = join(folder.path, 'connections.jsonl');
  upstream = resources.use(
    await scriptedUpstream((response, { body }) => {
      if (body.includes('"stream":true')) response.writeHead(200, { 'content-type': 'text/event-stream' }).end(chatFrames(true).join(''));
      else response.writeHead(200, { 'content-type': 'application/json' }).end(CHAT_ANSWER);
    }),
  );
  receiver = resources.use(await otlpReceiver());
  const watch = pathToFileURL(join(repositoryRoot, 'test', 'support', 'connection-watch.ts')).href;
  ledger = resources.use(
    await runLedger({
      upstreamUrl: upstream.url,
      credential: CREDENTIAL,
      config: `logging: { level: trace }\ntracing:\n  endpoint: ${receiver.url}\n  batch_delay_ms: 20\n`,
      channels: [
        channelLine({ id: 'openai', provider: 'openai', surfaces: ['openai.chat'] }, upstream.url),
        channelLine({ id: 'anthropic', provider: 'anthropic', surfaces: ['anthropic.messages'] }, upstream.url),
        channelLine({ id: 'google', provider: 'google' }, upstream.url),
        channelLine({ id: 'away', provider: 'openai', surfaces: ['openai.responses'] }, NOBODY),
        channelLine({ id: 'bedrock', provider: 'bedrock', region: 'eu-west-1' }, upstream.url).replace('E2E_CREDENTIAL', 'E2E_AWS'),
      ],
      env: { E2E_AWS: AWS_CREDENTIAL, NODE_OPTIONS: `--import=${watch}`, CONNECTION_WATCH_FILE: watchFile },
    }),
  );
  const made = await ledger.cli('keys', 'create', 'made', '--tenant', 'acme', '--owner', 'ada', '--project', 'chat', '--json');
  key = (JSON.parse(made.stdout) as { secret: string }).secret;
  await waitFor(async () => (await ask('/v1/chat/completions', CHAT_REQUEST, { authorization: `Bearer ${key}` })) === 200, {
    timeoutMs: 20_000,
    describe: 'the key to be known',
  });
  await misbehave();
});
afterAll(() => resources.disposeAsync());

async function ask(
  path: string,
  body: string | null,
  headers: Record<string, string>,
  method: 'POST' | 'GET' | 'DELETE' = 'POST',
): Promise<number> {
  const answer = await request(ledger.url + path, { method, body, headers: { 'content-type': 'application/json', ...headers } });
  told += JSON.stringify(answer.headers) + (await answer.body.text());
  return answer.statusCode;
}

/** A key wherever clients put theirs, right and wrong, in requests that go well and do not. */
async function misbehave(): Promise<void> {
  for (const used of [key, UNKNOWN_KEY, LEDGER_KEY]) {
    const everywhere: Readonly<Record<string, string>>[] = [
      { authorization: `Bearer ${used}` },
      { 'x-api-key': used },
      { 'api-key': used },
      { 'x-goog-api-key': used },
      {
        authorization: `Bearer ${used}`,
        'x-api-key': used,
        'api-key': used,
        'x-goog-api-key': used,
        cookie: `key=${used}`,
        'proxy-authorization': `Bearer ${used}`,
      },
      { authorization: `Basic ${used}`, 'x-api-key': used },
      {
        authorization: `AWS4-HMAC-SHA256 Credential=${used}/20260101/eu-west-1/bedrock/aws4_request, SignedHeaders=host, Signature=0`,
        'x-amz-security-token': used,
      },
    ];
    for (const headers of everywhere) {
      await ask('/v1/chat/completions', CHAT_REQUEST, headers);
      await ask('/v1/chat/completions', CHAT_STREAM_REQUEST, headers);
      await ask('/v1/messages', MESSAGES_REQUEST, { ...headers, 'anthropic-version': '2023-06-01' });
      await ask('/v1/chat/completions', '{"model":', headers);
      await ask('/v1/chat/completions', CHAT_REQUEST, { ...headers, 'x-tokenledger-nothing': 'a' });
      await ask('/v1/responses', '{"model":"gpt-5","input":"a"}', headers);
      await ask('/model/anthropic.claude-3/converse', '{"messages":[]}', headers);
      await ask('/channels/openai/v1/videos', '{}', headers);
      await ask('/channels/nothing/v1/videos', '{}', headers);
      await ask('/v1/models', null, headers, 'GET');
      await ask('/v1/nothing', null, headers, 'GET');
    }
    await ask(`/v1beta/models/gemini-2.5-pro:generateContent?key=${used}`, '{"contents":[]}', {});
    await ask(`/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse&key=${used}`, '{"contents":[]}', {});
    for (const head of ['POST /v1/chat/completions HTTP/1.1', 'POST  HTTP/9', 'NOTHING']) {
      await using client = await rawClient(ledger.url);
      client.write(`${head}\r\nauthorization: Bearer ${used}\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n`);
      await client.end();
      told += client.received();
    }
  }
  await ledger.cli('keys', 'revoke', 'made', '--note', 'it leaked');
  await waitFor(async () => (await ask('/v1/chat/completions', CHAT_REQUEST, { authorization: `Bearer ${key}` })) === 401, {
    timeoutMs: 20_000,
    describe: 'the key to be revoked',
  });
  let rows = -1;
  // Until all that was asked has landed: none came since the last look.
  await waitFor(
    async () => {
      const before = rows;
      rows = await count('usage_events');
      return rows > 100 && rows === before;
    },
    { timeoutMs: 60_000, intervalMs: 3000, describe: () => `all rows; there are ${rows}` },
  );
}

async function count(table: string): Promise<number> {
  const [row] = await ledger.clickhouse.query<{ rows: string }>(`SELECT count() AS rows FROM ${table}`);
  return Number(row?.rows);
}

test('nobody but configured endpoints is contacted, whatever the role', () => {
  const watched = watchedConnections(watchFile);
  const programs = watched.flatMap((each) => (each.kind === 'process' ? [each.program] : []));
  expect(programs.some((program) => program.endsWith('cli/src/main.ts'))).toBe(true);
  expect(programs.some((program) => program.includes('embedded'))).toBe(true);
  const own = watched.flatMap((each) => (each.kind === 'listens' ? [each.at] : []));
  const configured = [upstream.url, receiver.url, NOBODY].map((url) => new URL(url).host);
  const contacted = new Set(watched.flatMap((each) => (each.kind === 'connects' ? [each.to] : [])));
  // What it is known to talk to was seen, or nothing is proved.
  for (const host of configured) expect(contacted).toContain(host);
  expect(own.filter((address) => contacted.has(address)).length).toBeGreaterThan(0);
  for (const address of contacted) expect([...own, ...configured]).toContain(address);
  expect(watched.filter(({ kind }) => kind === 'other')).toEqual([]);
});

test('no bytes of a key are in logs, errors, metrics, events, rows, traces, or anywhere on disk', async () => {
  const metrics = await (await request(`${ledger.adminUrl}/metrics`)).body.text();
  expect(metrics).toContain('tokenledger_ingress_requests_total');
  const tables = await ledger.clickhouse.query<{ name: string }>(
    // Views with a parameter show what the tables behind them have.
    "SELECT name FROM system.tables WHERE database = 'tokenledger' AND engine NOT IN ('Join') AND create_table_query NOT LIKE '%{as_of:%'",
  );
  expect(tables.map(({ name }) => name)).toEqual(expect.arrayContaining(['usage_events', 'dead_letters', 'audit_log']));
  let dumped = '';
  for (const { name } of tables) dumped += JSON.stringify(await ledger.clickhouse.query(`SELECT * FROM \`${name}\``));
  const files = filesBelow(ledger.folder);
  const places: readonly (readonly [string, string])[] = [
    ['logs', ledger.process.stdout() + ledger.process.stderr()],
    ['answers', told],
    ['metrics', metrics],
    ['tables', dumped],
    ['traces', JSON.stringify(receiver.spans, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value))],
    ['answers’ requests upstream', JSON.stringify(upstream.seen.map(({ url, headers }) => [url, withoutCredential(headers)]))],
    ...files.map((path) => [path, readFileSync(path, 'latin1')] as const),
  ];
  expect(places.length).toBeGreaterThan(10);
  for (const [place, text] of places) {
    for (const secret of secretsWritten()) expect(text.includes(secret), `${secret} in ${place}`).toBe(false);
  }
  // What is looked through holds what it should, and that which is looked for would be found.
  expect(dumped).toContain('gpt-4o-mini');
  expect(told).toContain('KEY_UNKNOWN');
  expect(`${ledger.process.stdout()}${ledger.process.stderr()}`).toContain('ingress');
  expect(JSON.stringify(upstream.seen.map(({ headers }) => headers))).toContain(CREDENTIAL);
});

/** The credential is the provider's to see; the client's key is not. */
function withoutCredential(headers: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const own = new Set(['authorization', 'x-api-key', 'x-goog-api-key', 'api-key']);
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      own.has(name)
        ? String(value)
            .replace(CREDENTIAL, '')
            .replace(AWS_CREDENTIAL.split(':')[0] ?? '', '')
        : value,
    ]),
  );
}

/** Each secret, in parts that are long enough to tell it, and as it would stand in base64 or hex. */
function secretsWritten(): readonly string[] {
  const [accessKey = '', secretKey = ''] = AWS_CREDENTIAL.split(':');
  return [key, UNKNOWN_KEY, CREDENTIAL, accessKey, secretKey].flatMap((secret) => {
    const parts = Array.from({ length: Math.floor((secret.length - 4) / 12) }, (_, index) => secret.slice(4 + index * 12, 16 + index * 12));
    return [...parts, Buffer.from(secret).toString('base64').slice(0, 24), Buffer.from(secret).toString('hex').slice(0, 32)];
  });
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
