// Lists of models on a key, its project and its tenant: what they refuse is answered in the provider's shape, is an event, and never leaves.
import { type ControlDocument, keyHasher } from '@tokenledger/control';
import { request } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CHAT_ANSWER, MESSAGES_REQUEST } from '../../support/provider-answers.ts';
import { type RunningIngress, runIngress, TEST_HASH_SECRET, TEST_KEY } from '../../support/running-ingress.ts';
import { scriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { waitFor } from '../../support/wait-for.ts';

const KEY = 'tl-limited-0123456789abcdefghijklmn';

let upstream: ScriptedUpstream;
let ingress: RunningIngress;
let sent = 0;
beforeAll(async () => {
  upstream = await scriptedUpstream((response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(CHAT_ANSWER));
  ingress = await runIngress({
    upstreamUrl: upstream.url,
    channels: [
      { id: 'batches', provider: 'openai', surfaces: ['openai.batches'] },
      { id: 'claude', provider: 'anthropic', surfaces: ['anthropic.batches'] },
      { id: 'gemini', provider: 'google' },
    ],
  });
  const test = ingress.documents.get('virtual_key', 'test')!;
  const hash = { hash: keyHasher(TEST_HASH_SECRET).hash(KEY), generation: 1, created_at: new Date().toISOString() };
  const documents: readonly ControlDocument[] = [
    { kind: 'tenant', id: 'guarded', name: 'Guarded', models: { deny: ['gpt-4-32k*'] } },
    { kind: 'project', id: 'cheap', tenant: 'guarded', name: 'Cheap', models: { allow: ['*-mini', 'claude-haiku-*'] } },
    { kind: 'project', id: 'free', tenant: 'guarded', name: 'Free' },
    { kind: 'owner', id: 'eve', tenant: 'guarded', name: 'Eve', team: '', email: '' },
    { ...test, id: 'limited', tenant: 'guarded', owner: 'eve', models: { deny: ['o1-*'] }, hashes: [hash] },
  ];
  await ingress.control.put(...documents);
  // A key that is not known yet leaves no event.
  await waitFor(async () => (await statusOf({ 'x-tokenledger-project': '' })) === 400, {
    timeoutMs: 5_000,
    describe: 'the key to be known',
  });
  sent += 1;
});
afterAll(async () => {
  await ingress[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

const post = (path: string, body: unknown, headers: Record<string, string>) =>
  request(ingress.url + path, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'content-type': 'application/json', authorization: `Bearer ${KEY}`, ...headers },
  });
async function ask(path: string, body: unknown, headers: Record<string, string>): Promise<number> {
  const answer = await post(path, body, headers);
  await answer.body.dump();
  return answer.statusCode;
}
const statusOf = (headers: Record<string, string>) => ask('/v1/chat/completions', {}, headers);

const chat = (model: string) => ({ model, messages: [{ role: 'user', content: 'Hi' }] });
const CHEAP = { 'x-tokenledger-project': 'cheap' };

test.each([
  [
    'not among what the project allows',
    '/v1/chat/completions',
    chat('gpt-4o'),
    CHEAP,
    /'gpt-4o' is not among those that project 'cheap' allows/,
  ],
  ['denied by the key', '/v1/chat/completions', chat('o1-mini'), CHEAP, /denied by virtual key 'limited'/],
  ['denied by the tenant, in capitals', '/v1/chat/completions', chat('GPT-4-32K-0613'), {}, /denied by tenant 'guarded'/],
  ['unknown, of a batch', '/v1/batches', { input_file_id: 'f', endpoint: '/v1/chat/completions' }, {}, /cannot be told/],
  ['one of several', '/v1/messages/batches', { requests: [{ custom_id: 'a', params: chat('claude-haiku-4-5') }] }, CHEAP, /cannot be told/],
  ['named where nobody reads it', '/channels/openai/v1/some/thing/new', chat('gpt-5-mini'), {}, /cannot be told/],
])('a model that is %s is refused', async (_what, path, body, headers, message) => {
  const seen = upstream.seen.length;
  const answer = await post(path, body, headers);
  expect(answer.statusCode).toBe(403);
  expect(await answer.body.json()).toMatchObject({ error: { message: expect.stringMatching(message) } });
  const event = (await ingress.events((sent += 1))).at(-1);
  expect(event).toMatchObject({
    eventId: answer.headers['x-tokenledger-request-id'],
    outcome: 'refused_policy',
    httpStatus: 403,
    errorClass: 'model_refused',
    attempts: [],
    attribution: { tenantId: 'guarded', virtualKeyId: 'limited' },
  });
  expect(upstream.seen.length).toBe(seen);
});

test("the refusal has the shape of the provider's own errors", async () => {
  const openai = await post('/v1/chat/completions', chat('o1-mini'), {});
  expect(await openai.body.json()).toMatchObject({ error: { code: 'MODEL_REFUSED', type: expect.any(String) } });
  const anthropic = await post('/v1/messages', MESSAGES_REQUEST.replace(/"model":"[^"]+"/, '"model":"o1-mini"'), {});
  expect(await anthropic.body.json()).toMatchObject({ type: 'error', error: { type: 'permission_error' } });
  const google = await post('/v1beta/models/o1-mini:generateContent', { contents: [] }, {});
  expect(await google.body.json()).toMatchObject({ error: { code: 403, status: 'PERMISSION_DENIED' } });
  expect((await ingress.events((sent += 3))).at(-1)).toMatchObject({ outcome: 'refused_policy', requestedModel: 'o1-mini' });
});

test('what the lists allow passes, and what other keys ask for is not looked at', async () => {
  expect(await ask('/v1/chat/completions', chat('gpt-4o-mini'), CHEAP)).toBe(200);
  expect(await ask('/v1/chat/completions', chat('gpt-4o'), { 'x-tokenledger-project': 'free' })).toBe(200);
  expect(await ask('/v1/chat/completions', chat('o1-mini'), { authorization: `Bearer ${TEST_KEY}` })).toBe(200);
  expect((await ingress.events((sent += 3))).at(-1)).toMatchObject({ outcome: 'ok' });
});

test('a list that is taken away holds for no later request', async () => {
  const key = ingress.documents.get('virtual_key', 'test')!;
  const hash = { hash: keyHasher(TEST_HASH_SECRET).hash(KEY), generation: 1, created_at: new Date().toISOString() };
  await ingress.control.put({ ...key, id: 'limited', tenant: 'guarded', owner: 'eve', hashes: [hash] });
  await waitFor(async () => (sent += 1) > 0 && (await ask('/v1/chat/completions', chat('o1-mini'), {})) === 200, {
    timeoutMs: 5_000,
    describe: 'the list to be gone',
  });
  expect((await ingress.events(sent)).at(-1)).toMatchObject({ outcome: 'ok', requestedModel: 'o1-mini' });
});
