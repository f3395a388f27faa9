// Usage that nobody will report: the client left and the limit of reading on was reached, or the process died. Estimated where there is a basis.
import { once } from 'node:events';
import { cp } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { request } from 'undici';
import { expect, test } from 'vitest';
import { CHAT_STREAM_REQUEST, chatFrames } from '../../support/provider-answers.ts';
import { type RunningIngress, runIngress, TEST_KEY } from '../../support/running-ingress.ts';
import { scriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { testJournal } from '../../support/test-journal.ts';
import { makeTempDir } from '../../support/temp-dir.ts';
import { waitFor } from '../../support/wait-for.ts';

const INPUT_TOKENS = Math.ceil(CHAT_STREAM_REQUEST.length / 4);
const [FIRST = ''] = chatFrames(true);
const CHUNK = { id: 'chatcmpl-2', object: 'chat.completion.chunk', model: 'gpt-4o-mini-2024-07-18', service_tier: 'default' };
const word = (text: string): string => `data: ${JSON.stringify({ ...CHUNK, choices: [{ index: 0, delta: { content: text } }] })}\n\n`;

async function send(
  ingress: RunningIngress,
  path: string,
  body: string,
): Promise<{ readonly socket: Socket; readonly received: () => string }> {
  const socket = connect(Number(new URL(ingress.url).port), '127.0.0.1');
  await once(socket, 'connect');
  let received = '';
  socket.on('data', (chunk) => (received += chunk.toString()));
  socket.write(
    `POST ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TEST_KEY}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  return { socket, received: () => received };
}

/** A stream that goes on for as long as the test writes to it. */
async function openStream(): Promise<{ readonly upstream: ScriptedUpstream; readonly at: () => Promise<ServerResponse> }> {
  let response: ServerResponse | undefined;
  const upstream = await scriptedUpstream((answer) => {
    response = answer;
    answer.writeHead(200, { 'content-type': 'text/event-stream', 'x-request-id': 'up-1' });
  });
  return { upstream, at: () => waitFor(() => response, { timeoutMs: 5000, describe: 'the request at the provider' }) };
}

const draining = (ingress: RunningIngress): Promise<unknown> =>
  waitFor(async () => (await ingress.registry.metrics()).includes('ingress_draining 1'), {
    timeoutMs: 5000,
    describe: 'the client to be missed',
  });

test('past the limit of reading on, usage is estimated from the request and from what was seen of the answer', async () => {
  const { upstream, at } = await openStream();
  await using _upstream = upstream;
  await using ingress = await runIngress({ upstreamUrl: upstream.url, config: { drain_bytes_max: 2000 } });
  const { socket, received } = await send(ingress, '/v1/chat/completions', CHAT_STREAM_REQUEST);
  const answer = await at();
  answer.write(FIRST + word('Once '));
  await waitFor(() => received().includes('Once'), { timeoutMs: 5000, describe: 'the first word at the client' });
  socket.destroy();
  await draining(ingress);
  const text = 'upon a time ';
  const closed = once(answer, 'close');
  for (let count = 0; count < 40; count++) answer.write(word(text));
  const [event] = await ingress.events(1);
  await closed;
  expect(event).toMatchObject({ outcome: 'client_aborted', servedModel: CHUNK.model, serviceTier: 'default' });
  const [attempt] = event?.attempts ?? [];
  expect(attempt).toMatchObject({
    usageSource: 'estimated',
    usageBasis: 'answer_bytes',
    usageReason: '',
    usageFlags: ['split_unknown'],
    rawUsage: '',
  });
  expect(attempt?.usage).toMatchObject({ uncached_input: INPUT_TOKENS, cache_read: null, reasoning: null });
  // Between what was read when the limit was reached and what was sent.
  expect(attempt?.usage?.visible_output).toBeGreaterThanOrEqual(10);
  expect(attempt?.usage?.visible_output).toBeLessThanOrEqual(41 * text.length);
});

test('what the provider stated as the answer began is not estimated again', async () => {
  const { upstream, at } = await openStream();
  await using _upstream = upstream;
  await using ingress = await runIngress({ upstreamUrl: upstream.url, config: { drain_timeout_ms: 50 } });
  const body = JSON.stringify({ model: 'claude-sonnet-4-5', max_tokens: 10, stream: true, messages: [{ role: 'user', content: 'Hi' }] });
  const { socket, received } = await send(ingress, '/v1/messages', body);
  const usage = { input_tokens: 7, cache_read_input_tokens: 500, cache_creation_input_tokens: 0, output_tokens: 1 };
  const start = { type: 'message_start', message: { id: 'msg_1', model: 'claude-sonnet-4-5-20250929', usage } };
  (await at()).write(`event: message_start\ndata: ${JSON.stringify(start)}\n\n`);
  await waitFor(() => received().includes('message_start'), { timeoutMs: 5000, describe: 'the start at the client' });
  socket.destroy();
  const [event] = await ingress.events(1);
  expect(event?.attempts[0]).toMatchObject({
    usage: { uncached_input: 7, cache_read: 500, visible_output: null, reasoning: null },
    usageSource: 'estimated',
    usageBasis: 'answer_bytes',
  });
});

test('a request with an image has no estimate of its input', async () => {
  const content = [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }];
  const { upstream, at } = await openStream();
  await using _upstream = upstream;
  await using ingress = await runIngress({ upstreamUrl: upstream.url, config: { drain_timeout_ms: 50 } });
  const { socket, received } = await send(
    ingress,
    '/v1/chat/completions',
    JSON.stringify({ model: 'm', stream: true, messages: [{ role: 'user', content }] }),
  );
  (await at()).write(FIRST);
  await waitFor(() => received().includes('assistant'), { timeoutMs: 5000, describe: 'the first frame at the client' });
  socket.destroy();
  const [event] = await ingress.events(1);
  expect(event?.attempts[0]).toMatchObject({ usage: null, usageSource: 'none', usageBasis: '', usageReason: 'client_aborted' });
});

test.each([
  ['how long', { drain_timeout_ms: 50 }, 0],
  ['how much', { drain_bytes_max: 100 }, 1],
])('a channel says for itself %s of an answer is read on', async (_what, channel, words) => {
  const { upstream, at } = await openStream();
  await using _upstream = upstream;
  await using ingress = await runIngress({ upstreamUrl: upstream.url, channel });
  const { socket, received } = await send(ingress, '/v1/chat/completions', CHAT_STREAM_REQUEST);
  const answer = await at();
  const closed = once(answer, 'close');
  answer.write(FIRST);
  await waitFor(() => received().includes('assistant'), { timeoutMs: 5000, describe: 'the first frame at the client' });
  socket.destroy();
  await draining(ingress);
  for (let count = 0; count < words; count++) answer.write(word('x'.repeat(200)));
  await closed;
  expect((await ingress.events(1))[0]).toMatchObject({ outcome: 'client_aborted', attempts: [{ usageSource: 'estimated' }] });
});

test('of a long answer the journal knows how far it has come: after a kill it is estimated from that, and a short one from its request', async () => {
  const { upstream, at } = await openStream();
  await using _upstream = upstream;
  await using folder = await makeTempDir('killed');
  const [journal, left] = [join(folder.path, 'journal'), join(folder.path, 'left')];
  const text = 'a word or two ';
  const words = 400;
  {
    await using ingress = await runIngress({ upstreamUrl: upstream.url, config: { journal_dir: journal, progress_bytes: 4096 } });
    const { socket, received } = await send(ingress, '/v1/chat/completions', CHAT_STREAM_REQUEST);
    const answer = await at();
    answer.write(FIRST);
    for (let count = 0; count < words; count++) answer.write(word(text));
    answer.write(word('the last'));
    await waitFor(() => received().includes('the last'), { timeoutMs: 5000, describe: 'the last word at the client' });
    const short = await send(ingress, '/v1/chat/completions', CHAT_STREAM_REQUEST);
    await waitFor(() => upstream.seen.length === 2, { timeoutMs: 5000, describe: 'the second request at the provider' });
    // What a process leaves that is killed now: all that the operating system has.
    await cp(journal, left, { recursive: true });
    socket.destroy();
    short.socket.destroy();
    await ingress.stop(500);
  }
  await using next = await runIngress({ upstreamUrl: upstream.url, config: { journal_dir: left } });
  const [long, short] = await next.events(2);
  expect(long).toMatchObject({ outcome: 'unresolved', httpStatus: 200, durationMs: null, completedAtMs: null, servedModel: CHUNK.model });
  expect(long?.attempts[0]).toMatchObject({
    usageSource: 'estimated',
    usageBasis: 'progress',
    usageReason: '',
    errorClass: 'unresolved',
    httpStatus: 200,
    upstreamRequestId: 'up-1',
    completedAtMs: null,
  });
  const output = long?.attempts[0]?.usage?.visible_output ?? 0;
  expect(output).toBeGreaterThan((words * text.length) / 4 / 2);
  expect(output).toBeLessThan((words * text.length) / 4 / 0.6);
  expect(short).toMatchObject({
    outcome: 'unresolved',
    httpStatus: null,
    attempts: [{ usageSource: 'estimated', usageBasis: 'request_bytes' }],
  });
  expect(short?.attempts[0]?.usage).toMatchObject({ uncached_input: INPUT_TOKENS, visible_output: null });
});

test('progress is written after so many bytes or so long, and not of an answer that ends before', async () => {
  let frames = chatFrames(true);
  await using upstream = await scriptedUpstream((response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(frames.join(''));
  });
  const journal = await testJournal();
  let written = 0;
  journal.progress = () => written++;
  await using ingress = await runIngress({ upstreamUrl: upstream.url, journal, config: { progress_bytes: 4096 } });
  const answered = async (): Promise<void> => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${TEST_KEY}` };
    const answer = await request(`${ingress.url}/v1/chat/completions`, { method: 'POST', body: CHAT_STREAM_REQUEST, headers });
    await answer.body.dump();
  };
  await answered();
  expect(written).toBe(0);
  frames = [FIRST, word('x'.repeat(5000)), ...chatFrames(true).slice(1)];
  await answered();
  expect(written).toBeGreaterThan(0);
});
