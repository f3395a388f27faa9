import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { request } from 'undici';
import { expect, test } from 'vitest';
import { CHAT_ANSWER, CHAT_REQUEST, MESSAGES_REQUEST } from '../../support/provider-answers.ts';
import { REVOKED_KEY, runIngress, TEST_KEY } from '../../support/running-ingress.ts';
import { scriptedUpstream } from '../../support/scripted-upstream.ts';
import { testJournal } from '../../support/test-journal.ts';
import { waitFor } from '../../support/wait-for.ts';

const upstreamThatAnswers = () =>
  scriptedUpstream((response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(CHAT_ANSWER);
  });

const post = (url: string, path: string, body: string | Buffer, headers: Record<string, string>) =>
  request(url + path, { method: 'POST', body, headers });
const chat = (url: string, body: string | Buffer, headers: Record<string, string> = {}) =>
  post(url, '/v1/chat/completions', body, { 'content-type': 'application/json', authorization: `Bearer ${TEST_KEY}`, ...headers });

async function countOf(metrics: () => Promise<string>, series: string): Promise<number> {
  const line = (await metrics()).split('\n').find((candidate) => candidate.startsWith(`${series} `));
  return Number(line?.split(' ').at(-1) ?? 0);
}

test.each([
  ['no key', {}, 'key_missing'],
  ['a key nobody knows', { authorization: 'Bearer tl-nobody-knows-this-key-at-all' }, 'key_unknown'],
  ['a revoked key', { authorization: `Bearer ${REVOKED_KEY}` }, 'key_unknown'],
])("%s is answered 401 in the provider's shape, counted, and leaves no event", async (_what, headers, reason) => {
  await using upstream = await upstreamThatAnswers();
  await using ingress = await runIngress({ upstreamUrl: upstream.url });
  const openai = await post(ingress.url, '/v1/chat/completions', CHAT_REQUEST, { 'content-type': 'application/json', ...headers });
  expect(openai.statusCode).toBe(401);
  expect(await openai.body.json()).toMatchObject({ error: { message: expect.stringContaining('virtual key') } });
  const anthropic = await post(ingress.url, '/v1/messages', MESSAGES_REQUEST, { 'content-type': 'application/json', ...headers });
  expect(anthropic.statusCode).toBe(401);
  expect(await anthropic.body.json()).toMatchObject({ type: 'error', error: { type: 'authentication_error' } });
  expect(await countOf(() => ingress.registry.metrics(), `tokenledger_ingress_unrecorded_total{reason="${reason}"}`)).toBe(2);
  expect(upstream.seen).toEqual([]);
  await (await chat(ingress.url, CHAT_REQUEST)).body.dump();
  expect(await ingress.events(1)).toHaveLength(1);
});

test.each([
  ['not JSON', '{"model": ', {}, 400, 'refused_invalid', 'request_invalid'],
  ['JSON without a model', '{"messages": []}', {}, 400, 'refused_invalid', 'request_invalid'],
  ['nothing at all', '', {}, 400, 'refused_invalid', 'request_invalid'],
  ['a wrong attribution header', CHAT_REQUEST, { 'x-tokenledger-feature': '' }, 400, 'refused_invalid', 'attribution_invalid'],
  ['an unknown attribution header', CHAT_REQUEST, { 'x-tokenledger-featrue': 'a' }, 400, 'refused_invalid', 'attribution_invalid'],
  ['a compressed body', CHAT_REQUEST, { 'content-encoding': 'gzip' }, 415, 'refused_invalid', 'encoding_unsupported'],
  ['a body over the limit', `{"model":"${'a'.repeat(3000)}"}`, {}, 413, 'refused_too_large', 'body_too_large'],
])('%s is refused with a code and a sentence, and is an event with no usage', async (_what, body, headers, status, outcome, errorClass) => {
  await using upstream = await upstreamThatAnswers();
  await using ingress = await runIngress({ upstreamUrl: upstream.url, config: { body_bytes_max: 2048 } });
  const answer = await chat(ingress.url, body, headers);
  expect(answer.statusCode).toBe(status);
  const shown = (await answer.body.json()) as { error: { message: string; code: string } };
  expect(shown.error.code.toLowerCase()).toBe(errorClass);
  expect(shown.error.message.length).toBeGreaterThan(20);
  const [event] = await ingress.events(1);
  expect(event).toMatchObject({
    outcome,
    httpStatus: status,
    errorClass,
    attempts: [],
    attribution: { tenantId: 'acme', virtualKeyId: 'test' },
  });
  expect(event?.eventId).toBe(answer.headers['x-tokenledger-request-id']);
  expect(upstream.seen).toEqual([]);
});

test('a body without an announced length is held to the same limit', async () => {
  await using upstream = await upstreamThatAnswers();
  await using ingress = await runIngress({ upstreamUrl: upstream.url, config: { body_bytes_max: 2048 } });
  const chunks = async function* () {
    for (let count = 0; count < 10; count++) yield Buffer.alloc(1024, 'a');
  };
  const answer = await request(`${ingress.url}/v1/chat/completions`, {
    method: 'POST',
    body: Readable.from(chunks()),
    headers: { 'content-type': 'application/json', authorization: `Bearer ${TEST_KEY}` },
  });
  expect(answer.statusCode).toBe(413);
  expect((await ingress.events(1))[0]).toMatchObject({ outcome: 'refused_too_large' });
});

test('a head over the limit is answered 431 and counted', async () => {
  await using upstream = await upstreamThatAnswers();
  await using ingress = await runIngress({ upstreamUrl: upstream.url });
  const answer = await chat(ingress.url, CHAT_REQUEST, { 'x-padding': 'a'.repeat(40_000) });
  expect(answer.statusCode).toBe(431);
  expect(await countOf(() => ingress.registry.metrics(), 'tokenledger_ingress_unrecorded_total{reason="head_too_large"}')).toBe(1);
});

test('more request bytes than the bound are refused with 503 and Retry-After before the body is read, and room comes back', async () => {
  let answerFirst: (() => void) | undefined;
  await using upstream = await scriptedUpstream((response) => {
    answerFirst = () => response.writeHead(200, { 'content-type': 'application/json' }).end(CHAT_ANSWER);
  });
  await using ingress = await runIngress({ upstreamUrl: upstream.url, config: { request_bytes_in_flight_max: 8192 } });
  const first = chat(ingress.url, CHAT_REQUEST);
  await waitFor(() => answerFirst, { timeoutMs: 5000, describe: 'the first request at the provider' });
  const second = await chat(ingress.url, CHAT_REQUEST);
  expect([second.statusCode, second.headers['retry-after']]).toEqual([503, '1']);
  expect(await second.body.json()).toMatchObject({ error: { code: 'OVERLOADED' } });
  answerFirst?.();
  expect((await first).statusCode).toBe(200);
  await (await first).body.dump();
  upstream.answer = (response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(CHAT_ANSWER);
  await waitFor(
    async () => (await (await chat(ingress.url, CHAT_REQUEST)).body.json()) && (await ingress.registry.metrics()).includes('in_flight 0'),
    { timeoutMs: 5000, describe: 'room again' },
  );
  expect(upstream.seen.length).toBeGreaterThanOrEqual(2);
});

test('a full journal refuses with 503 before anything is forwarded, and is counted', async () => {
  await using upstream = await upstreamThatAnswers();
  const journal = await testJournal({ entriesMax: 1 });
  journal.open({ partition: 0, facts: () => new Uint8Array() });
  await using ingress = await runIngress({ upstreamUrl: upstream.url, journal });
  const answer = await chat(ingress.url, CHAT_REQUEST);
  expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '1']);
  expect(await answer.body.json()).toMatchObject({ error: { code: 'JOURNAL_FULL' } });
  expect(upstream.seen).toEqual([]);
  expect(await countOf(() => ingress.registry.metrics(), 'tokenledger_ingress_unrecorded_total{reason="journal_full"}')).toBe(1);
  await ingress.stop(200);
});

test('a client that leaves while sending its body is an event of which nothing was forwarded', async () => {
  await using upstream = await upstreamThatAnswers();
  await using ingress = await runIngress({ upstreamUrl: upstream.url });
  const { port } = new URL(ingress.url);
  const socket = connect(Number(port), '127.0.0.1');
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TEST_KEY}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"model":`,
  );
  await waitFor(async () => !(await ingress.registry.metrics()).includes('in_flight 0'), {
    timeoutMs: 5000,
    describe: 'the request to be accepted',
  });
  socket.destroy();
  expect((await ingress.events(1))[0]).toMatchObject({ outcome: 'client_aborted', httpStatus: null, attempts: [] });
  expect(upstream.seen).toEqual([]);
});

test('a path that is not served says what is', async () => {
  await using upstream = await upstreamThatAnswers();
  await using ingress = await runIngress({ upstreamUrl: upstream.url });
  const answer = await request(`${ingress.url}/v1/nothing`, { headers: { authorization: `Bearer ${TEST_KEY}` } });
  expect(answer.statusCode).toBe(404);
  expect(await answer.body.json()).toMatchObject({
    error: { code: 'ROUTE_UNKNOWN', message: expect.stringContaining('POST /v1/chat/completions') },
  });
});
