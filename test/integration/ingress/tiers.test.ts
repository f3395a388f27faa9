// Confinement to tiers, and routes by how sensitive a request is: which channel gets it, whatever its client asks for.
import { type ControlDocument, keyHasher } from '@tokenledger/control';
import { request } from 'undici';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { CHAT_ANSWER } from '../../support/provider-answers.ts';
import { type RunningIngress, runIngress, TEST_HASH_SECRET, TEST_KEY } from '../../support/running-ingress.ts';
import { scriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { waitFor } from '../../support/wait-for.ts';

/** Confined to `eu`. */
const EU = 'tl-tier-eu-0123456789abcdefghijklmno';
/** Of a project or none, as its requests say; the project `local` is confined. */
const ANY = 'tl-tier-any-0123456789abcdefghijklmn';
/** Its requests are `restricted`, whatever they say. */
const RESTRICTED = 'tl-tier-restricted-0123456789abcdefg';

const CHANNELS = ['us', 'eu', 'local'] as const;
type Name = (typeof CHANNELS)[number];

let upstreams: Readonly<Record<Name, ScriptedUpstream>>;
let ingress: RunningIngress;
let events = 0;
beforeAll(async () => {
  const answering = () =>
    scriptedUpstream((response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(CHAT_ANSWER));
  upstreams = { us: await answering(), eu: await answering(), local: await answering() };
  ingress = await runIngress({
    upstreamUrl: upstreams.us.url,
    channels: CHANNELS.map((id) => ({ id, provider: 'openai', base_url: upstreams[id].url, ...(id === 'us' ? {} : { tier: id }) })),
    routes: [
      { id: 'restricted', labels: { sensitivity: 'restricted' }, priority: 1, channels: [{ channel: 'local' }] },
      { id: 'drafts', task_types: ['draft'], channels: [{ channel: 'local', cheaper: true }] },
      { id: 'everything', channels: [{ channel: 'us' }, { channel: 'eu' }, { channel: 'local' }], retries: 0 },
    ],
  });
  const key = ingress.documents.get('virtual_key', 'test')!;
  const hashes = (secret: string) => [
    { hash: keyHasher(TEST_HASH_SECRET).hash(secret), generation: 1, created_at: new Date().toISOString() },
  ];
  const documents: readonly ControlDocument[] = [
    { kind: 'project', id: 'local', tenant: 'acme', name: 'Local', tiers: ['local'] },
    { ...key, id: 'eu', tiers: ['eu'], hashes: hashes(EU) },
    { ...key, id: 'any', hashes: hashes(ANY) },
    { ...key, id: 'restricted', fixed: { sensitivity: 'restricted' }, hashes: hashes(RESTRICTED) },
  ];
  await ingress.control.put(...documents);
  await waitFor(async () => (await ask(EU, { headers: { 'x-tokenledger-feature': '' } })) === 400, {
    timeoutMs: 5_000,
    describe: 'the keys to be known',
  });
  events += 1;
});
afterAll(async () => {
  await ingress[Symbol.asyncDispose]();
  for (const upstream of Object.values(upstreams)) await upstream[Symbol.asyncDispose]();
});
beforeEach(() => {
  for (const { seen } of Object.values(upstreams)) seen.length = 0;
});

interface Ask {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

async function ask(key: string, { path = '/v1/chat/completions', method = 'POST', headers = {} }: Ask = {}): Promise<number> {
  const answer = await request(ingress.url + path, {
    method,
    body: method === 'GET' ? null : JSON.stringify({ model: 'gpt-4o-mini', messages: [] }),
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}`, ...headers },
  });
  await answer.body.dump();
  return answer.statusCode;
}
const asked = (): readonly string[] => CHANNELS.filter((name) => upstreams[name].seen.length > 0);
const lastEvent = async () => (await ingress.events((events += 1))).at(-1);

test.each<[string, string, Ask, Name, string]>([
  ['a key that is not confined', ANY, {}, 'us', 'route/everything/first'],
  ['a key that is confined, by the channel of the route that is of its tier', EU, {}, 'eu', 'route/everything/first'],
  ['a request of a project that is confined', ANY, { headers: { 'x-tokenledger-project': 'local' } }, 'local', 'route/everything/first'],
  ['a request of another project', ANY, { headers: { 'x-tokenledger-project': 'chat' } }, 'us', 'route/everything/first'],
  [
    'a request that says how sensitive it is',
    ANY,
    { headers: { 'x-tokenledger-sensitivity': 'restricted' } },
    'local',
    'route/restricted/first',
  ],
  [
    'a key whose requests are, whatever they say',
    RESTRICTED,
    { headers: { 'x-tokenledger-sensitivity': 'none' } },
    'local',
    'route/restricted/first',
  ],
  ['a request of a task', ANY, { headers: { 'x-tokenledger-task': 'draft' } }, 'local', 'route/drafts/first'],
  [
    'a confined request of a task whose route has no channel for it',
    EU,
    { headers: { 'x-tokenledger-task': 'draft' } },
    'eu',
    'route/everything/first',
  ],
  ['a confined request that names a channel of its tier', EU, { path: '/channels/eu/v1/chat/completions' }, 'eu', 'channel_named'],
])('%s is served', async (_what, key, question, channelId, routeReason) => {
  expect(await ask(key, question)).toBe(200);
  expect(asked()).toEqual([channelId]);
  expect(await lastEvent()).toMatchObject({ outcome: 'ok', channelId, routeReason });
});

test.each<[string, string, Ask]>([
  ['names a channel of another tier', EU, { path: '/channels/us/v1/chat/completions' }],
  ['names one in a path that is no surface', EU, { path: '/channels/local/v1/something/new' }],
  ['goes to a surface that no channel of its tier speaks', EU, { path: '/v1/messages' }],
])('a confined request that %s is refused and recorded', async (_what, key, question) => {
  expect(await ask(key, question)).toBe(403);
  expect(asked()).toEqual([]);
  expect(await lastEvent()).toMatchObject({ outcome: 'refused_policy', httpStatus: 403, errorClass: 'tier_refused', attempts: [] });
});

test('calls that cost nothing are confined as well', async () => {
  expect(await ask(EU, { method: 'GET', path: '/channels/us/v1/models' })).toBe(403);
  expect(await ask(EU, { method: 'GET', path: '/channels/eu/v1/models' })).toBe(200);
  expect(await ask(ANY, { method: 'GET', path: '/channels/us/v1/models', headers: { 'x-tokenledger-project': 'local' } })).toBe(403);
  expect(await ask(ANY, { method: 'GET', path: '/channels/us/v1/models' })).toBe(200);
  expect(await ask(TEST_KEY, { method: 'GET', path: '/channels/local/v1/models' })).toBe(200);
  expect(asked()).toEqual(['us', 'eu', 'local']);
});
