// Tokens counted locally, beside requests: what the events say of it, and what the requests notice.
import { gzipSync } from 'node:zlib';
import { request } from 'undici';
import { expect, test } from 'vitest';
import { HOSTILE_TEXTS } from '../../bench/support/hostile-texts.ts';
import {
  CHAT_ANSWER,
  CHAT_REQUEST,
  CHAT_STREAM_REQUEST,
  chatFrames,
  MESSAGES_ANSWER,
  MESSAGES_REQUEST,
} from '../../support/provider-answers.ts';
import { runIngress, TEST_KEY } from '../../support/running-ingress.ts';
import { type AnswerScript, scriptedUpstream } from '../../support/scripted-upstream.ts';

/** However long a busy machine takes to load a vocabulary. */
const PATIENT = { counting_threads: 1, counting_deadline_ms: 30_000 } as const;
/** In CHAT_ANSWER: `Hello, "usage":{"prompt_tokens":1} is text.` */
const ANSWER_TOKENS = 13;

const post = (url: string, path: string, body: string | Buffer) =>
  request(`${url}${path}`, { method: 'POST', body, headers: { 'content-type': 'application/json', authorization: `Bearer ${TEST_KEY}` } });
const chat = (url: string, body: string) => post(url, '/v1/chat/completions', body);

const json =
  (body: string | Buffer, headers: Record<string, string> = {}, status = 200): AnswerScript =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(body);
  };

test('an event says what was counted of its request and of its answer, however that came', async () => {
  await using upstream = await scriptedUpstream(json(CHAT_ANSWER));
  await using ingress = await runIngress({ upstreamUrl: upstream.url, config: PATIENT });
  const plain = await chat(ingress.url, CHAT_REQUEST);
  expect(await plain.body.text()).toBe(CHAT_ANSWER);
  upstream.answer = json(gzipSync(CHAT_ANSWER), { 'content-encoding': 'gzip' });
  await (await chat(ingress.url, CHAT_REQUEST)).body.dump();
  upstream.answer = (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const frame of chatFrames(true)) response.write(frame);
    response.end();
  };
  await (await chat(ingress.url, CHAT_STREAM_REQUEST)).body.dump();
  upstream.answer = json(MESSAGES_ANSWER);
  await (await post(ingress.url, '/v1/messages', MESSAGES_REQUEST)).body.dump();
  upstream.answer = json('{"error":{"message":"try later"}}', {}, 429);
  await (await chat(ingress.url, CHAT_REQUEST)).body.dump();
  const events = await ingress.events(5);
  const exact = { inputTokens: 8, tokenizer: 'o200k_base', method: 'exact', reason: '' };
  expect(events.map(({ counted }) => counted)).toEqual([
    { ...exact, outputTokens: ANSWER_TOKENS },
    { ...exact, outputTokens: ANSWER_TOKENS },
    { ...exact, outputTokens: 1 },
    { inputTokens: 8, outputTokens: 4, tokenizer: 'o200k_base', method: 'approximate', reason: '' },
    { ...exact, outputTokens: null, reason: 'no_answer' },
  ]);
  expect(events.every(({ outcome }) => outcome === 'ok' || outcome === 'upstream_error')).toBe(true);
  const shown = await ingress.registry.metrics();
  expect(shown).toContain('tokenledger_ingress_counts_total{result="exact"} 3');
  expect(shown).toContain('tokenledger_ingress_counts_total{result="no_answer"} 1');
  expect(shown).toContain('tokenledger_ingress_counting_queue 0');
  expect(shown).toContain('tokenledger_ingress_counting_bytes 0');
  expect(shown).toMatch(/tokenledger_ingress_counting_cpu_seconds_total 0\.\d+/);
});

test('an ingress that stops publishes what was being counted, with its counts', async () => {
  await using upstream = await scriptedUpstream(json(CHAT_ANSWER));
  await using ingress = await runIngress({ upstreamUrl: upstream.url, config: PATIENT });
  // The first count waits for its vocabulary, long after its answer.
  await (await chat(ingress.url, CHAT_REQUEST)).body.dump();
  expect(await ingress.stop(60_000)).toEqual({ left: '' });
  const [event] = await ingress.events(1);
  expect(event?.counted).toMatchObject({ inputTokens: 8, outputTokens: ANSWER_TOKENS });
});

test('a stop that cannot wait for counts publishes without them', async () => {
  await using upstream = await scriptedUpstream(json(CHAT_ANSWER));
  const patient = { ...PATIENT, counting_body_bytes_max: 32 * 1024 * 1024 };
  await using ingress = await runIngress({ upstreamUrl: upstream.url, config: patient });
  const long = Array.from({ length: 3_000_000 }, (_, index) => index.toString(36)).join(' ');
  const body = JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: long }] });
  await (await chat(ingress.url, body)).body.dump();
  expect(await ingress.stop(1_500)).toEqual({ left: '' });
  const [event] = await ingress.events(1);
  expect(event).toMatchObject({ outcome: 'ok', counted: { inputTokens: null, reason: 'closed' } });
});

test('texts that are hostile to tokenizers are counted', async () => {
  await using upstream = await scriptedUpstream(json(CHAT_ANSWER));
  await using ingress = await runIngress({ upstreamUrl: upstream.url, config: PATIENT });
  const hostile = HOSTILE_TEXTS.slice(0, 3).map(([, content]) =>
    JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content }] }),
  );
  for (const body of hostile) await (await chat(ingress.url, body)).body.dump();
  const events = await ingress.events(hostile.length);
  expect(events.map(({ requestBytes }) => (requestBytes ?? 0) > 100_000)).toEqual([true, true, true]);
  expect(events.every(({ counted }) => counted?.method === 'approximate' && (counted.inputTokens ?? 0) > 500)).toBe(true);
});
